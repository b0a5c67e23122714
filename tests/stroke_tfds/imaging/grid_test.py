import numpy as np
import tensorflow as tf

from stroke_tfds.errors import InputError
from stroke_tfds.imaging.grid import GRIDS, Grid, get_grid


class GridTest(tf.test.TestCase):
  def test_paper_grid_is_40_slices_without_four_at_each_end(self):
    grid = GRIDS['mni_128x128x32']
    first, last = np.array([0, 0, 0, 1]), np.array([127, 127, 31, 1])
    self.assertAllClose(grid.affine @ first, [-95.25, -113.25, -72 + 4 * 4 + 2, 1])
    self.assertAllClose(grid.affine @ last, [95.25, 77.25, 88 - 4 * 4 - 2, 1])

  def test_mini_covers_the_same_field(self):
    ends = [np.add(grid.corner_mm, np.multiply(grid.shape, grid.spacing_mm)) for grid in GRIDS.values()]
    self.assertAllClose(ends[0], [96, 78, 72])
    self.assertAllClose(ends[0], ends[1])

  def test_coordinates_agree_with_the_affine(self):
    grid = Grid('g', (3, 4, 5), (1.0, 2.0, 3.0), (-1.0, 0.0, 7.0))
    x, y, z = grid.coordinates_mm()
    self.assertAllClose([x[2], y[3], z[4]], (grid.affine @ [2, 3, 4, 1])[:3])

  def test_voxel_volume(self):
    self.assertAllClose(GRIDS['mini'].voxel_volume_ml, 0.072)

  def test_json_round_trip(self):
    grid = GRIDS['mini']
    self.assertEqual(Grid.from_json(grid.to_json()), grid)
    self.assertIsInstance(grid.to_json()['shape'], list)

  def test_refuses_what_is_no_grid(self):
    good = {'name': 'g', 'shape': [4, 4, 4], 'spacing_mm': [1, 1, 1], 'corner_mm': [0, 0, 0]}
    cases = (
      ({**good, 'shape': [4, 4]}, 'shape'),
      ({**good, 'shape': [4, 4, 0]}, 'shape'),
      ({**good, 'shape': [4, 4, 'x']}, 'three whole numbers'),
      ({**good, 'shape': [4, 4, 8.5]}, 'three whole numbers'),
      ({**good, 'spacing_mm': [1, 1, float('nan')]}, 'spacing'),
      ({**good, 'corner_mm': [0, '0', 0]}, 'corner_mm is .* expected three numbers'),
      ({**good, 'corner_mm': [0, 0, 1e308]}, 'corner'),
      ({**good, 'name': 3}, 'name is 3'),
      ({**good, 'shape': [9999, 9999, 9999]}, '9999'),
      ({**good, 'spacing_mm': [1, 1, 0]}, 'spacing'),
      ({'shape': [4, 4, 4]}, 'expected the fields'),
      ('maxi', 'maxi'),
      (3, 'expected the fields'),
    )
    for fields, message in cases:
      with self.subTest(fields), self.assertRaisesRegex(InputError, message):
        get_grid(fields)


if __name__ == '__main__':
  tf.test.main()
