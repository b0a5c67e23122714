"""The singular value against NumPy's, its gradient, and what moves when."""

import numpy as np
import tensorflow as tf

from keras_itm.layers.spectral_convolution import SpectralConv2D
from tests.keras_itm.models.model_testing import split_cpu, two_replicas


def _x(seed=0):
  return tf.random.stateless_normal([2, 6, 5, 3], seed=[0, seed])


def _built(**arguments):
  layer = SpectralConv2D(4, 3, padding='same', **arguments)
  layer.build((None, 6, 5, 3))
  return layer


def _matrix(layer):
  return layer.kernel.numpy().reshape(-1, 4).astype(np.float64)


def _normalise(v):
  return v / np.linalg.norm(v)


class SpectralConv2DTest(tf.test.TestCase):
  def test_converges_to_the_kernel_over_its_largest_singular_value(self):
    layer = _built(activation='relu')
    layer.bias.assign([0.1, 0.2, -0.1, 0.0])
    for _ in range(200):
      layer(_x(), training=True)
    kernel = layer.kernel.numpy() / np.float32(np.linalg.svd(_matrix(layer))[1][0])
    expected = tf.nn.relu(tf.nn.conv2d(_x(), kernel, 1, 'SAME') + layer.bias)
    self.assertAllClose(layer(_x()), expected, atol=1e-5)

  def test_one_step_of_power_iteration_for_a_call(self):
    layer = _built()
    matrix, u = _matrix(layer), layer.u.numpy()
    for _ in range(2):
      v = _normalise(matrix @ u)
      u = _normalise(matrix.T @ v)
      y = layer(_x(), training=True)
      self.assertAllClose(layer.u, u, atol=1e-5)
      kernel = layer.kernel.numpy() / (v @ matrix @ u).astype(np.float32)
      self.assertAllClose(y, tf.nn.conv2d(_x(), kernel, 1, 'SAME'), atol=1e-4)

  def test_only_training_moves_the_vector(self):
    layer = _built()
    u = layer.u.numpy()
    for options in ({}, {'training': False}):
      layer(_x(), **options)
      self.assertAllEqual(layer.u, u)
    layer(_x(), training=True)
    self.assertNotAllClose(layer.u, u)
    self.assertEqual([w.name for w in layer.non_trainable_weights], [layer.u.name])
    self.assertLen(layer.trainable_weights, 2)

  def test_scale_of_the_kernel_does_not_count(self):
    layer = _built()
    y = layer(_x())
    layer.kernel.assign(50 * layer.kernel)
    self.assertAllClose(layer(_x()), y, atol=1e-5)

  def test_gradient_goes_through_the_division(self):
    """Equation 12 of Miyato et al. 2018: the slope along the leading direction is taken away."""
    layer = _built(use_bias=False)
    left, singular, right = np.linalg.svd(_matrix(layer), full_matrices=False)
    layer.u.assign(right[0])
    normalised = tf.constant(layer.kernel.numpy() / np.float32(singular[0]))
    with tf.GradientTape(persistent=True) as tape:
      tape.watch(normalised)
      loss = tf.reduce_sum(tf.sin(layer(_x(), training=True)))
      plain = tf.reduce_sum(tf.sin(tf.nn.conv2d(_x(), normalised, 1, 'SAME')))
    slope = tape.gradient(plain, normalised).numpy().reshape(-1, 4)
    share = np.sum(slope * normalised.numpy().reshape(-1, 4))
    expected = (slope - share * np.outer(left[:, 0], right[0])) / singular[0]
    found = tape.gradient(loss, layer.kernel).numpy().reshape(-1, 4)
    self.assertAllClose(found, expected, atol=1e-4, rtol=1e-4)
    self.assertGreater(np.abs(share), 0.1)

  def test_strides_as_the_plain_layer(self):
    layer = SpectralConv2D(4, 4, strides=2, padding='same')
    y = layer(_x())
    plain = tf.keras.layers.Conv2D(4, 4, strides=2, padding='same', use_bias=False)
    plain(_x())
    plain.kernel.assign(layer.kernel)
    ratio = plain(_x()) / y
    self.assertEqual(y.shape, (2, 3, 3, 4))
    self.assertAllClose(ratio, tf.fill(ratio.shape, ratio[0, 0, 0, 0]), rtol=1e-3)

  def test_lower_precision(self):
    for name in ('float16', 'bfloat16'):
      layer = _built(dtype=tf.keras.mixed_precision.Policy(f'mixed_{name}'))
      exact = _built()
      exact.set_weights(layer.get_weights())
      y = layer(_x(), training=True)
      self.assertEqual((y.dtype.name, layer.u.dtype), (name, tf.float32))
      self.assertAllClose(tf.cast(y, tf.float32), exact(_x(), training=True), atol=0.05)
      self.assertNear(np.linalg.norm(layer.u), 1, 1e-5)

  def test_replicas_agree(self):
    strategy, alone = two_replicas(), _built()
    with strategy.scope():
      shared = _built()
    shared.set_weights(alone.get_weights())
    run = tf.function(lambda: strategy.run(lambda: shared(_x(), training=True)))
    for _ in range(2):
      expected = alone(_x(), training=True)
      for y in strategy.experimental_local_results(run()):
        self.assertAllClose(y, expected, atol=1e-6)
      for u in strategy.experimental_local_results(shared.u):
        self.assertAllClose(u, alone.u, atol=1e-6)


if __name__ == '__main__':
  split_cpu()
  tf.test.main()
