"""What is 1, by hand, and the same in data sets."""

import numpy as np
import tensorflow as tf

from keras_itm import intensity_scaling as scaling
from stroke_tfds.imaging import preprocessing


class SameAsDataSetsTest(tf.test.TestCase):
  def test_names_and_numbers(self):
    self.assertEqual(scaling.SCALINGS, preprocessing.SCALINGS)
    self.assertEqual(scaling.PERCENTILE, preprocessing.PERCENTILE)
    self.assertEqual(scaling.TOP_PERCENTILE, preprocessing.CLIP_PERCENTILE)
    self.assertEqual(scaling.TOP_MEDIANS, preprocessing.CLIP_MEDIANS)


class ScaleTest(tf.test.TestCase):
  def setUp(self):
    super().setUp()
    # 10 voxels outside the head, 6 of fluid, 5 of tissue of which one is bright.
    self.image = np.array([0] * 10 + [10] * 6 + [20, 30, 40, 50, 400], float).reshape(7, 3, 1)
    self.head = np.arange(21).reshape(7, 3, 1) >= 10
    self.tissue = np.arange(21).reshape(7, 3, 1) >= 16

  def scaled(self, name: str) -> np.ndarray:
    return scaling.scale(self.image, self.head, self.tissue, name).ravel()

  def test_percentile(self):
    # Of 11 values the 99.5th percentile is at rank 9.95: 50 + .95 * 350.
    self.assertAllClose(self.scaled('percentile')[10:20], self.image.ravel()[10:20] / 382.5)
    self.assertEqual(self.scaled('percentile')[20], 1)

  def test_median_of_the_tissue(self):
    # Their median is 40, so that 100 is 1.
    self.assertAllClose(self.scaled('parenchyma_median')[16:], [0.2, 0.3, 0.4, 0.5, 1.0])
    self.assertAllClose(self.scaled('parenchyma_median')[10:16], np.full(6, 0.1))

  def test_tissue_outside_the_head_does_not_count(self):
    self.tissue[:] = True
    self.head = np.arange(21).reshape(7, 3, 1) >= 16
    self.assertAllClose(self.scaled('parenchyma_median')[16:], [0.2, 0.3, 0.4, 0.5, 1.0])

  def test_nothing_to_measure(self):
    self.tissue[:] = False
    self.assertAllEqual(np.unique(self.scaled('parenchyma_median')), [0, 1])

  def test_an_unknown_one(self):
    message = "^intensity_scaling is 'median', expected one of .'percentile', 'parenchyma_median'.$"
    with self.assertRaisesRegex(ValueError, message):
      self.scaled('median')


if __name__ == '__main__':
  tf.test.main()
