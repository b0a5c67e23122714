"""Waves of numbers against the mathematics module."""

import math

import tensorflow as tf

from keras_itm.layers.fourier_features import FourierFeatures


class FourierFeaturesTest(tf.test.TestCase):
  def test_sines_then_cosines_at_frequencies_that_grow_tenfold(self):
    found = FourierFeatures(6, max_frequency=100.0)(tf.constant([[0.0], [0.3]]))
    angles = (0.3, 3.0, 30.0)
    self.assertAllClose(found[0], [0, 0, 0, 1, 1, 1])
    self.assertAllClose(found[1], [*map(math.sin, angles), *map(math.cos, angles)], atol=1e-5)

  def test_times_that_steps_take_differ(self):
    times = tf.range(13, dtype=tf.float32)[:, tf.newaxis] / 12
    found = FourierFeatures(128)(times)
    distance = tf.norm(found[:, tf.newaxis] - found, axis=-1) + 100 * tf.eye(13)
    self.assertAllGreater(distance, 4.0)  # Of at most 16.

  def test_odd_size(self):
    for size in (5, 2):
      with self.assertRaisesRegex(ValueError, f'size is {size}, expected an even number'):
        FourierFeatures(size)


if __name__ == '__main__':
  tf.test.main()
