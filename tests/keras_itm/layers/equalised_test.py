import math

import numpy as np
import tensorflow as tf

from keras_itm.layers.equalised import (
  ChannelBias,
  EqualisedConv2D,
  EqualisedDense,
  scaled_leaky_relu,
)

_ROOT_2 = math.sqrt(2)


class EqualisedDenseTest(tf.test.TestCase):
  def test_by_hand(self):
    """Four inputs: weights count half. 1 * 2 / 2 + 3 * -4 / 2 = -5."""
    layer = EqualisedDense(1)
    x = tf.constant([[1.0, 3.0, 0.0, 0.0]])
    layer(x)
    layer.kernel.assign([[2.0], [-4.0], [9.0], [9.0]])
    layer.bias.assign([0.5])
    self.assertAllClose(layer(x), [[-4.5]])

  def test_rate_by_hand(self):
    """What is kept is 100 times as large, and a step of 1 of it moves the result by 0.01 / 2."""
    layer = EqualisedDense(1, rate=0.01, initial_bias=3.0, activated=True)
    x = tf.constant([[1.0, 0.0, 0.0, 0.0]])
    layer(x)
    self.assertAllClose(layer.bias, [300.0])
    layer.kernel.assign([[200.0], [0.0], [0.0], [0.0]])
    self.assertAllClose(layer(x), [[4.0 * _ROOT_2]])  # 200 * 0.01 / 2 + 3
    layer.kernel.assign_add([[1.0], [0.0], [0.0], [0.0]])
    self.assertAllClose(layer(x), [[4.005 * _ROOT_2]])

  def test_kept_weights_have_one_over_the_rate_as_deviation(self):
    tf.keras.utils.set_random_seed(0)
    layer = EqualisedDense(300, rate=0.1)
    layer.build((None, 200))
    self.assertNear(np.std(layer.kernel.numpy()), 10.0, 0.1)

  def test_activation_by_hand_keeps_the_mean_square(self):
    self.assertAllClose(scaled_leaky_relu(tf.constant([1.0, -5.0])), [_ROOT_2, -_ROOT_2])
    x = np.random.default_rng(0).normal(size=100_000).astype(np.float32)
    self.assertNear(float(tf.reduce_mean(tf.square(scaled_leaky_relu(x)))), 1.04, 0.02)

  def test_refused(self):
    with self.assertRaisesRegex(ValueError, 'units 0'):
      EqualisedDense(0)
    with self.assertRaisesRegex(ValueError, 'rate 0'):
      EqualisedDense(1, rate=0.0)


class EqualisedConv2DTest(tf.test.TestCase):
  def test_by_hand(self):
    """Nine taps of 4 channels: weights count a sixth."""
    layer = EqualisedConv2D(1, 3)
    x = tf.ones([1, 3, 3, 4])
    layer(x)
    layer.kernel.assign(tf.ones([3, 3, 4, 1]))
    layer.bias.assign([1.0])
    y = layer(x)[0, :, :, 0] / _ROOT_2
    self.assertAllClose(y, [[16 / 6 + 1, 5, 16 / 6 + 1], [5, 7, 5], [16 / 6 + 1, 5, 16 / 6 + 1]])

  def test_linear_without_bias(self):
    layer = EqualisedConv2D(2, 1, activated=False, halved=True)
    x = tf.constant(np.random.default_rng(0).normal(size=[1, 4, 4, 3]), tf.float32)
    self.assertEqual(layer(x).shape, [1, 2, 2, 2])
    self.assertLen(layer.weights, 1)
    self.assertAllClose(layer(-2 * x), -2 * layer(x), atol=1e-6)

  def test_refused(self):
    with self.assertRaisesRegex(ValueError, 'kernel_size 2'):
      EqualisedConv2D(1, 2)


class ChannelBiasTest(tf.test.TestCase):
  def test_by_hand(self):
    self.assertAllClose(ChannelBias([1.0, -2.0])(tf.zeros([1, 2, 2])), [[[1.0, -2.0], [1.0, -2.0]]])
    layer = ChannelBias([1.0, -1.0], activated=True)
    self.assertAllClose(layer(tf.zeros([1, 2])), [[_ROOT_2, -0.2 * _ROOT_2]])


if __name__ == '__main__':
  tf.test.main()
