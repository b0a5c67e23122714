import numpy as np
import tensorflow as tf

from stroke_tfds import manual_dir


class LesionVoxelsTest(tf.test.TestCase):
  def test_volume_is_kept(self):
    fraction = np.array([0.9, 0.6, 0.4, 0.4, 0.0]).reshape(5, 1, 1)  # 2.3 voxels.
    self.assertAllEqual(manual_dir.lesion_voxels(fraction).ravel(), [1, 1, 0, 0, 0])

  def test_the_smallest_lesion_keeps_its_fullest_voxel(self):
    fraction = np.zeros((2, 2, 2), np.float32)
    fraction[0, 1, 0], fraction[1, 0, 1] = 0.01, 0.02
    self.assertAllEqual(np.argwhere(manual_dir.lesion_voxels(fraction)), [[1, 0, 1]])

  def test_nothing_stays_nothing(self):
    lesion = manual_dir.lesion_voxels(np.zeros((2, 3, 4), np.float32))
    self.assertEqual((lesion.shape, lesion.max(), lesion.dtype), ((2, 3, 4), 0, np.uint8))


if __name__ == '__main__':
  tf.test.main()
