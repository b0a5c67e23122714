"""Noise is added voxel by voxel, each channel with a strength of its own."""

import numpy as np
import tensorflow as tf

from keras_itm.layers.voxel_noise import VoxelNoise


class VoxelNoiseTest(tf.test.TestCase):
  def test_adds_noise_by_strength(self):
    maps = np.arange(2 * 2 * 3 * 4 * 2, dtype=np.float32).reshape(2, 2, 3, 4, 2)
    noise = np.random.default_rng(0).standard_normal((2, 24)).astype(np.float32)
    layer = VoxelNoise()
    layer((maps, noise))
    layer.strength.assign([[0.5, -2.0]])
    expected = maps + noise.reshape(2, 2, 3, 4, 1) * np.array([0.5, -2.0], np.float32)
    self.assertAllClose(layer((maps, noise)), expected)

  def test_strength_is_learnt_and_starts_off_zero(self):
    layer = VoxelNoise()
    layer((tf.zeros([1, 2, 2, 2, 16]), tf.zeros([1, 8])))
    self.assertLen(layer.trainable_variables, 1)
    self.assertGreater(np.abs(layer.strength).max(), 0.1)


if __name__ == '__main__':
  tf.test.main()
