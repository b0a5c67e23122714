import numpy as np
import tensorflow as tf

from stroke_tfds.imaging import brightness
from stroke_tfds.imaging.grid import Grid
from stroke_tfds.imaging.mni152 import brain_tissue

_GRID = Grid('left', (4, 4, 2), (6.0, 6.0, 6.0), (-50.0, -20.0, 24.0))


class SparedTest(tf.test.TestCase):
  def test_leaves_out_the_lesion_its_six_neighbours_and_what_is_no_parenchyma(self):
    labels = np.full((5, 5, 3), 2, np.uint8)
    labels[0] = 1  # No parenchyma: 15 voxels.
    lesion = np.zeros((5, 5, 3), np.uint8)
    lesion[3, 2, 1] = 1
    spared = brightness.spared_parenchyma(labels, lesion, [2, 3])
    self.assertEqual(spared.sum(), 75 - 15 - 7)
    self.assertFalse(spared[3, 2, 0])
    self.assertTrue(spared[4, 3, 1])  # A diagonal neighbour.


class MeanTest(tf.test.TestCase):
  def test_of_each_channel_but_of_those_with_a_unit(self):
    image = np.zeros((2, 2, 1, 2), np.float32)
    image[0, 0, 0] = 0.2, 0.5
    image[1, 1, 0] = 0.6, 0.7
    where = image[..., 0] > 0
    self.assertAllClose(brightness.mean_signal(image, where, ('DWI', 'FLAIR')), [0.4, 0.6])
    self.assertAllClose(brightness.mean_signal(image, where, ('DWI', 'ADC')), [0.4, 1.0])


class ScaleTest(tf.test.TestCase):
  def test_percentile_of_the_head_becomes_one(self):
    image = np.zeros((21, 10, 2, 1), np.float32)
    image[1:, :, :, 0] = np.arange(1, 401).reshape(20, 10, 2) / 200  # 0.005 to 2; 20 voxels outside.
    scaled = brightness.scale_again(image, ('DWI',), _GRID, 'percentile')
    # Of 400 values the 99.5th percentile is at rank 0.995 * 399 = 397.005, counted from 0.
    top = (398.005) / 200
    self.assertAllClose(scaled, np.clip(image / top, 0, 1), atol=1e-6)
    self.assertEqual((scaled == 1).sum(), 2)

  def test_a_unit_is_kept(self):
    image = np.full((4, 4, 2, 2), 0.5, np.float32)
    image[0, 0, 0] = 1.5
    scaled = brightness.scale_again(image, ('DWI', 'ADC'), _GRID, 'percentile')
    self.assertAllEqual(np.unique(scaled[..., 1]), [0.5, 1.0])
    self.assertAllClose(scaled[1, 1, 1, 0], 0.5 / np.percentile(image[..., 0], 99.5), atol=1e-6)

  def test_median_of_the_brain_tissue_becomes_two_fifths(self):
    tissue = brain_tissue(_GRID)
    self.assertGreater(tissue.sum(), 20)
    image = np.full((4, 4, 2, 2), 0.5, np.float32)
    image[tuple(np.argwhere(tissue)[0])] = 1.5
    scaled = brightness.scale_again(image, ('DWI', 'ADC'), _GRID, 'parenchyma_median')
    self.assertAllClose(np.unique(scaled[..., 0]), [0.4, 1.0], atol=1e-6)
    self.assertAllEqual(np.unique(scaled[..., 1]), [0.5, 1.0])


if __name__ == '__main__':
  tf.test.main()
