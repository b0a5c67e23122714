import numpy as np
import tensorflow as tf

from stroke_tfds.imaging.grid import Grid
from stroke_tfds.imaging.scan_space import mask_on_scan, mask_to_scan
from stroke_tfds.imaging.transform import IDENTITY, Transform
from stroke_tfds.imaging.volume import Volume

_GRID = Grid('g', (10, 10, 5), (4.0, 4.0, 8.0), (0.0, 0.0, 0.0))
# Voxels of half the size in the same box, turned so that the scan's x runs along y of its world.
_TURNED = np.array([[0, -2, 0, 39], [2, 0, 0, 1], [0, 0, 4, 2], [0, 0, 0, 1.0]])


class MaskToScanTest(tf.test.TestCase):
  def test_lies_where_the_affines_say(self):
    mask = np.zeros(_GRID.shape, np.uint8)
    mask[2:4, 5:8, 1:3] = 1
    scan = Volume(np.zeros((20, 20, 10)), _TURNED)
    # x of the world 8 to 16 mm is y = 12 to 15 of the scan, y 20 to 32 mm is x = 10 to 15.
    wanted = np.zeros(scan.data.shape, np.uint8)
    wanted[10:16, 12:16, 2:6] = 1
    self.assertAllEqual(mask_to_scan(mask, _GRID, scan, IDENTITY), wanted)

  def test_follows_the_registration_and_keeps_the_volume_of_the_scan(self):
    mask = np.zeros(_GRID.shape, np.uint8)
    mask[4:6, 4:6, 2:4] = 1  # 16 to 24, 16 to 24, 16 to 32 mm
    to_scan = Transform(np.array([[0.5, 0, 0, 3], [0, 0.5, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]]))
    scan = Volume(np.zeros((20, 20, 10)), _centred(1, 1, 4))
    native = mask_to_scan(mask, _GRID, scan, to_scan)
    wanted = np.zeros(scan.data.shape, np.uint8)
    wanted[11:15, 8:12, 4:8] = 1
    self.assertAllEqual(native, wanted)

  def test_one_voxel_and_what_is_small_beside_a_voxel_stay(self):
    mask = np.zeros(_GRID.shape, np.uint8)
    mask[3, 3, 3] = 1
    fine = mask_to_scan(mask, _GRID, Volume(np.zeros((40, 40, 40)), _centred(1, 1, 1)), IDENTITY)
    self.assertEqual(fine.sum(), 4 * 4 * 8)
    coarse = mask_to_scan(mask, _GRID, Volume(np.zeros((2, 2, 2)), _centred(20, 20, 20)), IDENTITY)
    self.assertAllEqual(np.argwhere(coarse), [[0, 0, 1]])
    self.assertEqual(mask_to_scan(0 * mask, _GRID, Volume(fine, _centred(1, 1, 1)), IDENTITY).sum(), 0)

  def test_refuses_what_cannot_be_turned_round(self):
    field = Transform(np.eye(4), Volume(np.zeros((2, 2, 2, 3)), np.eye(4)))
    with self.assertRaisesRegex(ValueError, 'displacement'):
      mask_to_scan(np.ones(_GRID.shape, np.uint8), _GRID, Volume(np.ones((2, 2, 2)), np.eye(4)), field)


class MaskOnScanTest(tf.test.TestCase):
  def test_the_same_grid_is_taken_as_it_is_and_another_by_volume(self):
    scan = Volume(np.zeros((20, 20, 10)), _TURNED)
    mask = np.random.default_rng(0).random(scan.data.shape) > 0.5
    self.assertAllEqual(mask_on_scan(Volume(mask, _TURNED * (1 + 1e-5)), scan), mask)
    other = np.zeros(_GRID.shape, bool)
    other[2:4, 5:8, 1:3] = True
    on_scan = mask_on_scan(Volume(other, _GRID.affine), scan)
    self.assertAllEqual(on_scan, mask_to_scan(other.astype(np.uint8), _GRID, scan, IDENTITY))


def _centred(*spacing_mm: float) -> np.ndarray:
  affine = np.diag([*spacing_mm, 1.0])
  affine[:3, 3] = np.array(spacing_mm) / 2
  return affine


if __name__ == '__main__':
  tf.test.main()
