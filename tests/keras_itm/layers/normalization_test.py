"""Instance normalisation against NumPy, tensorflow-addons, and itself in lower precision."""

import numpy as np
import tensorflow as tf

from keras_itm import stack
from keras_itm.layers.normalization import InstanceNormalization

_SHAPES = ((2, 6, 5, 3), (2, 6, 5, 4, 3))


def _maps(shape, mean=2.0, scale=3.0):
  return np.random.default_rng(0).normal(mean, scale, shape).astype(np.float32)


def _with_weights(layer, shape):
  layer.build(shape)
  layer.set_weights([np.array([1.0, 2.0, -0.5]), np.array([0.1, 0.0, 3.0])])
  return layer


class InstanceNormalizationTest(tf.test.TestCase):
  def test_against_numpy_and_addons(self):
    for shape in _SHAPES:
      x = _maps(shape)
      axes = tuple(range(1, len(shape) - 1))
      centred = x - x.mean(axes, keepdims=True)
      expected = centred / np.sqrt(x.var(axes, keepdims=True) + 1e-3)
      expected = expected * [1.0, 2.0, -0.5] + [0.1, 0.0, 3.0]
      y = _with_weights(InstanceNormalization(), shape)(x)
      self.assertAllClose(y, expected, atol=1e-5, rtol=1e-5)
      for cls in (stack.InstanceNormalization, stack.OwnInstanceNormalization):
        self.assertAllClose(_with_weights(cls(), shape)(x), expected, atol=1e-5, rtol=1e-5)

  def test_lower_precision_is_that_of_the_input_alone(self):
    for policy in ('mixed_bfloat16', 'mixed_float16'):
      tf.keras.mixed_precision.set_global_policy(policy)
      try:
        for shape in _SHAPES:
          # Large values: their squares exceed what float16 holds.
          x = _maps(shape, 500.0, 300.0)
          layer = _with_weights(InstanceNormalization(), shape)
          short = tf.cast(x, layer_dtype := policy.removeprefix('mixed_'))
          y = layer(short)
          self.assertEqual(y.dtype, tf.float32, layer_dtype)
          tf.keras.mixed_precision.set_global_policy('float32')
          exact = _with_weights(InstanceNormalization(), shape)(tf.cast(short, tf.float32))
          tf.keras.mixed_precision.set_global_policy(policy)
          self.assertAllClose(y, exact, atol=1e-5)
      finally:
        tf.keras.mixed_precision.set_global_policy('float32')

  def test_fits_between_layers_of_lower_precision(self):
    tf.keras.mixed_precision.set_global_policy('mixed_bfloat16')
    try:
      layers = tf.keras.layers
      between = [layers.Conv2D(3, 1), InstanceNormalization(), layers.Conv2D(1, 1)]
      y = tf.keras.Sequential(between)(_maps((2, 4, 4, 3)))
      self.assertEqual(y.dtype, tf.bfloat16)
      self.assertEqual({tf.as_dtype(w.dtype) for layer in between for w in layer.weights}, {tf.float32})
    finally:
      tf.keras.mixed_precision.set_global_policy('float32')

  def test_copies_without_a_warning(self):
    with self.assertNoLogs(level='WARNING'):
      InstanceNormalization.from_config(InstanceNormalization().get_config())


if __name__ == '__main__':
  tf.test.main()
