"""Distances between lesions, worked out by hand."""

import numpy as np
from absl.testing import absltest

from stroke_tfds.synthetic_stroke.nearest_lesion import NearestLesion

_SHAPE, _SPACING_MM = (16, 16, 6), (3.0, 3.0, 8.0)


def _block(x, y, z, nx=2, ny=2, nz=1):
  mask = np.zeros(_SHAPE, np.uint8)
  mask[x : x + nx, y : y + ny, z : z + nz] = 1
  return mask


class NearestLesionTest(absltest.TestCase):
  def setUp(self):
    super().setUp()
    self.nearest = NearestLesion(_SHAPE, _SPACING_MM)
    self.nearest.add(('set', 'block'), _block(2, 2, 1))
    corner = _block(9, 9, 3, 4, 4)
    corner[9:12, 9:12, 3] = 0
    self.nearest.add(('set', 'corner'), corner)

  def test_a_part_of_a_lesion(self):
    # 2 of 4 voxels: 1 - 2 * 2 / (2 + 4).
    self.assertAlmostEqual(self.nearest.distance(_block(2, 2, 1, 1)), 1 / 3)

  def test_a_copy(self):
    self.assertEqual(self.nearest.distance(_block(2, 2, 1)), 0)

  def test_a_mirrored_copy(self):
    self.assertEqual(self.nearest.distance(_block(2, 2, 1)[::-1]), 0)

  def test_a_copy_that_is_moved(self):
    # By up to 12 mm: four voxels in plane, two slices.
    self.assertEqual(self.nearest.distance(_block(6, 6, 3)), 0)
    # By one voxel more, half of it is left.
    self.assertAlmostEqual(self.nearest.distance(_block(7, 2, 1)), 1 / 2)

  def test_what_overlaps_most_in_place_is_not_moved(self):
    # Of 4 + 7 voxels, 4 are in place; centre on centre, fewer.
    part = _block(12, 9, 3, 1, 4)
    self.assertAlmostEqual(self.nearest.distance(part), 1 - 2 * 4 / 11)

  def test_a_lesion_that_is_left_out(self):
    self.assertEqual(self.nearest.distance(_block(2, 2, 1), ('other', 'block')), 0)
    self.assertGreater(self.nearest.distance(_block(2, 2, 1), ('set', 'block')), 0.4)

  def test_nothing_to_compare(self):
    self.assertTrue(np.isnan(self.nearest.distance(np.zeros(_SHAPE))))
    alone = NearestLesion(_SHAPE, _SPACING_MM)
    alone.add(('set', 'block'), _block(2, 2, 1))
    self.assertTrue(np.isnan(alone.distance(_block(2, 2, 1), ('set', 'block'))))


if __name__ == '__main__':
  absltest.main()
