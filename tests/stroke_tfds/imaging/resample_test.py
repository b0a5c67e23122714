import numpy as np
import tensorflow as tf

from stroke_tfds.imaging import resample
from stroke_tfds.imaging.grid import Grid
from stroke_tfds.imaging.nifti import Volume

COARSE = Grid('coarse', (4, 4, 4), (4.0, 4.0, 4.0), (0.0, 0.0, 0.0))
# Voxels of 1 mm, the first centred at 0.5 mm: 16 of them fill the coarse grid's field.
FINE_AFFINE = np.array([[1, 0, 0, 0.5], [0, 1, 0, 0.5], [0, 0, 1, 0.5], [0, 0, 0, 1.0]])


class ResampleTest(tf.test.TestCase):
  def test_mask_keeps_its_volume(self):
    mask = np.random.default_rng(0).random((16, 16, 16)) < 0.3
    share = resample.resample_mask(Volume(mask, FINE_AFFINE), COARSE)
    self.assertAllClose(share.sum() * 64, mask.sum())
    self.assertAllClose(share[1, 2, 3], mask[4:8, 8:12, 12:16].mean())

  def test_image_is_averaged_and_linear(self):
    ramp = np.broadcast_to(np.arange(16.0) + 0.5, (16, 16, 16)).copy()  # z in mm.
    image = resample.resample_image(Volume(ramp, FINE_AFFINE), COARSE)
    self.assertAllClose(image[2, 2], [2, 6, 10, 14])
    fine = Grid('fine', (2, 2, 4), (8.0, 8.0, 0.5), (0.0, 0.0, 6.0))
    self.assertAllClose(
      resample.resample_image(Volume(ramp, FINE_AFFINE), fine)[0, 0], [6.25, 6.75, 7.25, 7.75]
    )

  def test_labels_go_by_majority(self):
    labels = np.zeros((16, 16, 16), np.uint8)
    labels[:4, :4, :4] = 3
    labels[:4, :4, :1] = 5  # 16 of 64 voxels: no majority.
    labels[4:8, :4, :2] = 5  # 32 of 64 against 0: a tie, which the lower id wins.
    voted = resample.resample_labels(Volume(labels, FINE_AFFINE), COARSE, 6)
    self.assertEqual(voted[0, 0, 0], 3)
    self.assertEqual(voted[1, 0, 0], 0)
    labels[4, 0, 3] = 5
    self.assertEqual(resample.resample_labels(Volume(labels, FINE_AFFINE), COARSE, 6)[1, 0, 0], 5)

  def test_affine_moves_the_source(self):
    image = np.zeros((16, 16, 16))
    image[4:8, 4:8, 4:8] = 1
    to_mni = np.eye(4)
    to_mni[:3, 3] = (4, -4, 8)
    moved = resample.resample_image(Volume(image, FINE_AFFINE), COARSE, to_mni)
    self.assertAllClose(np.argwhere(moved > 0.9), [[2, 0, 3]])

  def test_outside_is_zero(self):
    far = Grid('far', (2, 2, 2), (4.0, 4.0, 4.0), (100.0, 0.0, 0.0))
    ones = Volume(np.ones((16, 16, 16)), FINE_AFFINE)
    self.assertAllEqual(resample.resample_image(ones, far), np.zeros((2, 2, 2)))
    self.assertAllEqual(resample.resample_labels(ones, far, 2), np.zeros((2, 2, 2)))

  def test_subdivides_until_voxels_are_small_enough(self):
    grid = Grid('g', (2, 3, 4), (3.0, 2.0, 8.0), (-1.0, 0.0, 1.0))
    fine, factors = resample.subdivide(grid, 2.0)
    self.assertEqual(factors, (2, 1, 4))
    self.assertEqual(fine.shape, (4, 3, 16))
    self.assertAllClose(fine.spacing_mm, [1.5, 2, 2])
    self.assertAllClose(np.reshape(fine.coordinates_mm()[2], (4, 4)).mean(1), grid.coordinates_mm()[2])


if __name__ == '__main__':
  tf.test.main()
