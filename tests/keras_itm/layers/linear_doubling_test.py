import numpy as np
import tensorflow as tf

from keras_itm.layers.linear_doubling import LinearDoubling


class LinearDoublingTest(tf.test.TestCase):
  def test_by_hand(self):
    x = tf.constant([[[[0.0], [4.0]], [[8.0], [12.0]]]])
    expected = [[0, 1, 3, 4], [2, 3, 5, 6], [6, 7, 9, 10], [8, 9, 11, 12]]
    self.assertAllClose(LinearDoubling()(x)[0, :, :, 0], expected)

  def test_as_tensorflow_resizes(self):
    x = np.random.default_rng(0).normal(size=[2, 3, 5, 4]).astype(np.float32)
    expected = tf.image.resize(x, [6, 10], 'bilinear')
    self.assertAllClose(LinearDoubling()(x), expected, atol=1e-6)

  def test_has_a_second_derivative(self):
    """Of sum(y^4): by the weights of one, then of the other half of a [1, 1] map, 4 * 12 * x^2."""
    x = tf.constant([[[[3.0]]]])
    with tf.GradientTape() as outer:
      outer.watch(x)
      with tf.GradientTape() as inner:
        inner.watch(x)
        y = tf.reduce_sum(LinearDoubling()(x) ** 4)
      slope = inner.gradient(y, x)
    self.assertAllClose(outer.gradient(slope, x), [[[[4 * 12 * 9.0]]]])


if __name__ == '__main__':
  tf.test.main()
