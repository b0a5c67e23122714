import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from keras_itm.layers.blurred_resampling import doubling_convolution
from keras_itm.layers.modulated_convolution import ModulatedConv2D


class ModulatedConv2DTest(tf.test.TestCase, parameterized.TestCase):
  @parameterized.product(doubled=[False, True], demodulated=[False, True])
  def test_equals_a_kernel_for_each_example(self, doubled, demodulated):
    tf.keras.utils.set_random_seed(0)
    layer = ModulatedConv2D(6, 3, doubled=doubled, demodulated=demodulated)
    x, style = tf.random.normal([3, 8, 8, 5]), tf.random.normal([3, 7])
    result = layer((x, style))
    for i in range(3):
      scale = style[i].numpy() @ layer.affine.kernel.numpy() / np.sqrt(7) + 1
      kernel = layer.kernel.numpy() / np.sqrt(9 * 5) * scale[:, None]
      if demodulated:
        kernel = kernel / np.sqrt((kernel**2).sum((0, 1, 2)) + 1e-8)
      kernel = tf.constant(kernel, tf.float32)
      one = x[i : i + 1]
      expected = doubling_convolution(one, kernel) if doubled else tf.nn.conv2d(one, kernel, 1, 'SAME')
      self.assertAllClose(result[i], expected[0], atol=1e-5)

  def test_demodulated_by_hand(self):
    """One input, one tap, weight 3, style scale 2: the kernel 6 is brought to 1, its sign kept."""
    layer = ModulatedConv2D(2, 1)
    x, style = tf.fill([1, 1, 1, 1], 5.0), tf.ones([1, 1])
    layer((x, style))
    layer.affine.kernel.assign([[1.0]])
    layer.kernel.assign([[[[3.0, -3.0]]]])
    self.assertAllClose(layer((x, style)), [[[[5.0, -5.0]]]])
    layer.demodulated = False
    self.assertAllClose(layer((x, style)), [[[[30.0, -30.0]]]])

  def test_refused(self):
    with self.assertRaisesRegex(ValueError, 'kernel_size 1: expected'):
      ModulatedConv2D(1, 1, doubled=True)


if __name__ == '__main__':
  tf.test.main()
