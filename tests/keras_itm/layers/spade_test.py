"""The layer against NumPy, which pixels of the labels it sees, and its precision."""

import numpy as np
import tensorflow as tf

from keras_itm.layers.spade import SpatiallyAdaptiveNormalization


def _maps(shape, mean=2.0, scale=3.0, seed=0):
  return np.random.default_rng(seed).normal(mean, scale, shape).astype(np.float32)


def _labels(shape, n_labels=3, seed=1):
  ids = np.random.default_rng(seed).integers(0, n_labels, shape)
  return np.eye(n_labels, dtype=np.float32)[ids]


def _convolve(x, kernel, bias):
  """3x3 convolution with zeros around, one tap after the other."""
  padded = np.pad(x, [(0, 0), (1, 1), (1, 1), (0, 0)])
  size = x.shape[1:3]
  taps = [
    padded[:, i : i + size[0], j : j + size[1]] @ kernel[i, j] for i in range(3) for j in range(3)
  ]
  return sum(taps) + bias


def _expected(layer, x, labels):
  """Equation 1 of Park et al. 2019, with statistics of the instance."""
  x = x.astype(np.float64)
  mean, variance = x.mean((1, 2), keepdims=True), x.var((1, 2), keepdims=True)
  hidden = np.maximum(_convolve(labels, *layer.hidden.get_weights()), 0)
  gamma, beta = np.split(_convolve(hidden, *layer.gamma_beta.get_weights()), 2, axis=-1)
  return (x - mean) / np.sqrt(variance + 1e-5) * (1 + gamma) + beta


def _with_random_weights(layer, x, labels):
  layer([x, labels])
  layer.set_weights([_maps(w.shape, 0.0, 0.5, seed) for seed, w in enumerate(layer.get_weights())])
  return layer


class SpatiallyAdaptiveNormalizationTest(tf.test.TestCase):
  def test_against_numpy(self):
    x, labels = _maps((2, 4, 6, 5)), _labels((2, 4, 6))
    layer = _with_random_weights(SpatiallyAdaptiveNormalization(7), x, labels)
    self.assertAllClose(layer([x, labels]), _expected(layer, x, labels), atol=1e-4, rtol=1e-4)
    graph = tf.function(lambda x, labels: layer([x, labels]))
    self.assertAllClose(graph(x, labels), _expected(layer, x, labels), atol=1e-4, rtol=1e-4)

  def test_weak_maps_are_raised_but_not_without_limit(self):
    """A map of spread 0.01 becomes one of 0.95: its variance is ten times the guard of 1e-5."""
    x = 0.01 * np.array([1.0, -1.0, 1.0, -1.0], np.float32).reshape(1, 2, 2, 1)
    layer = SpatiallyAdaptiveNormalization(2)
    layer([x, _labels((1, 2, 2))])
    layer.set_weights([np.zeros_like(w) for w in layer.get_weights()])
    self.assertAllClose(layer([x, _labels((1, 2, 2))]), x * 100 / np.sqrt(1.1), rtol=1e-4)
    self.assertAllEqual(layer([0 * x, _labels((1, 2, 2))]), 0 * x)

  def test_scale_and_shift_by_hand(self):
    x, labels = _maps((2, 4, 6, 2)), _labels((2, 4, 6))
    layer = SpatiallyAdaptiveNormalization(3)
    layer([x, labels])
    layer.gamma_beta.kernel.assign(tf.zeros_like(layer.gamma_beta.kernel))
    layer.gamma_beta.bias.assign([2.0, 0.0, 0.5, -1.0])
    y = layer([x, labels]).numpy()
    self.assertAllClose(y.mean((1, 2)), [[0.5, -1.0]] * 2, atol=1e-5)
    self.assertAllClose(y.std((1, 2)), [[3.0, 1.0]] * 2, atol=1e-4)

  def test_sees_the_first_pixel_of_each_block(self):
    x, labels = _maps((2, 4, 2, 5)), _labels((2, 12, 6))
    layer = _with_random_weights(SpatiallyAdaptiveNormalization(7), x, labels)
    expected = _expected(layer, x, labels[:, ::3, ::3])
    self.assertAllClose(layer([x, labels]), expected, atol=1e-4, rtol=1e-4)
    others = _labels((2, 12, 6), seed=2)
    others[:, ::3, ::3] = labels[:, ::3, ::3]
    self.assertAllEqual(layer([x, others]), layer([x, labels]))

  def test_examples_do_not_mix(self):
    x, labels = _maps((3, 4, 6, 5)), _labels((3, 4, 6))
    layer = SpatiallyAdaptiveNormalization(7)
    together = layer([x, labels])
    for i in range(3):
      self.assertAllClose(layer([x[i : i + 1], labels[i : i + 1]])[0], together[i], atol=1e-5)

  def test_statistics_are_exact_in_lower_precision(self):
    """Maps whose squares exceed float16 and whose mean hides their spread from bfloat16 sums."""
    x, labels = _maps((2, 16, 16, 3), 500.0, 50.0), _labels((2, 16, 16))
    for policy in ('mixed_float16', 'mixed_bfloat16'):
      short = tf.cast(x, policy.removeprefix('mixed_'))
      layer = SpatiallyAdaptiveNormalization(7, dtype=tf.keras.mixed_precision.Policy(policy))
      y = layer([short, labels])
      self.assertEqual(y.dtype, short.dtype)
      self.assertEqual({tf.as_dtype(w.dtype) for w in layer.weights}, {tf.float32})
      expected = _expected(layer, short.numpy(), labels)
      self.assertAllClose(tf.cast(y, tf.float32), expected, atol=0.03, rtol=0.03)

  def test_weights(self):
    layer = SpatiallyAdaptiveNormalization(7)
    layer([_maps((1, 2, 2, 5)), _labels((1, 2, 2))])
    shapes = [tuple(w.shape) for w in layer.trainable_weights]
    self.assertCountEqual(shapes, [(3, 3, 3, 7), (7,), (3, 3, 7, 10), (10,)])
    self.assertEmpty(layer.non_trainable_weights)

  def test_refuses(self):
    call = lambda size, label_size: SpatiallyAdaptiveNormalization(2)(
      [tf.zeros([1, *size, 4]), tf.zeros([1, *label_size, 3])]
    )
    with self.assertRaisesRegex(ValueError, 'maps of a single pixel'):
      call((1, 1), (8, 8))
    for label_size in ((9, 8), (8, 16), (2, 2)):
      with self.assertRaisesRegex(ValueError, r'whole multiple of \(4, 4\)'):
        call((4, 4), label_size)
    with self.assertRaisesRegex(ValueError, 'hidden_filters is 0'):
      SpatiallyAdaptiveNormalization(0)


if __name__ == '__main__':
  tf.test.main()
