import numpy as np
import tensorflow as tf

from keras_itm.layers import blurred_resampling
from keras_itm.layers.blurred_resampling import Blur

_TAPS = np.array([1, 3, 3, 1]) / 8


def _point(size: int, at: int) -> np.ndarray:
  """Maps [1, size, size, 1] of zeros with a 1."""
  maps = np.zeros([1, size, size, 1], np.float32)
  maps[0, at, at, 0] = 1
  return maps


class BlurTest(tf.test.TestCase):
  def test_a_point_becomes_the_outer_product(self):
    y = blurred_resampling.blur(tf.constant(_point(8, 4)), gain=2.0)[0, :, :, 0]
    expected = np.zeros([5, 5])
    expected[1:5, 1:5] = 2 * np.outer(_TAPS, _TAPS)
    self.assertAllClose(y, expected)

  def test_layer_keeps_constants_and_takes_away_a_pattern_of_two_pixels(self):
    self.assertAllClose(Blur()(tf.fill([1, 6, 6, 2], 3.0)), np.full([1, 6, 6, 2], 3.0))
    board = np.indices((6, 6)).sum(0)[None, :, :, None] % 2 * 2.0 - 1
    self.assertAllClose(Blur()(tf.constant(board, tf.float32)), np.zeros([1, 6, 6, 1]), atol=1e-6)


class DoublingTest(tf.test.TestCase):
  def test_a_point_by_hand(self):
    """The point goes through the kernel, then the blur: along an axis [1, 3, 3, 1] / 4."""
    kernel = np.zeros([3, 3, 1, 1], np.float32)
    kernel[1, 1] = 1
    y = blurred_resampling.doubling_convolution(tf.constant(_point(4, 1)), tf.constant(kernel))
    expected = np.zeros([8, 8])
    expected[1:5, 1:5] = np.outer([1, 3, 3, 1], [1, 3, 3, 1]) / 16
    self.assertAllClose(y[0, :, :, 0], expected)

  def test_against_zeros_between_and_a_convolution(self):
    rng = np.random.default_rng(0)
    x, kernel = rng.normal(size=[2, 4, 4, 3]), rng.normal(size=[3, 3, 3, 2])
    between = np.zeros([2, 7, 7, 3])
    between[:, ::2, ::2] = x
    wide = tf.nn.conv2d(np.pad(between, [(0, 0), (2, 2), (2, 2), (0, 0)]), kernel, 1, 'VALID')
    expected = blurred_resampling.blur(tf.pad(wide, [[0, 0], [1, 1], [1, 1], [0, 0]]), gain=4.0)
    result = blurred_resampling.doubling_convolution(tf.constant(x), tf.constant(kernel))
    self.assertEqual(result.shape, [2, 8, 8, 2])
    self.assertAllClose(result, expected)


class HalvingTest(tf.test.TestCase):
  def test_a_single_tap_equals_three_with_zeros(self):
    """Both keep the same places."""
    rng = np.random.default_rng(0)
    x, kernel = rng.normal(size=[2, 6, 6, 3]), rng.normal(size=[1, 1, 3, 2])
    padded = np.pad(kernel, [(1, 1), (1, 1), (0, 0), (0, 0)])
    one, three = (
      blurred_resampling.halving_convolution(tf.constant(x), tf.constant(k)) for k in (kernel, padded)
    )
    self.assertEqual(one.shape, [2, 3, 3, 2])
    self.assertAllClose(one, three)

  def test_constants_inside_by_hand(self):
    y = blurred_resampling.halving_convolution(tf.ones([1, 8, 8, 1]), tf.ones([3, 3, 1, 1]))
    self.assertAllClose(y[0, 1:3, 1:3, 0], [[9, 9], [9, 9]])


if __name__ == '__main__':
  tf.test.main()
