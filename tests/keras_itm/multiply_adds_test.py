"""Counts by hand: (values of the result) times (terms in each sum)."""

import tensorflow as tf

from keras_itm.layers.spectral_convolution import SpectralConv2D
from keras_itm.layers.upsampling_convolution import UpsamplingConvolution3D
from keras_itm.multiply_adds import count_multiply_adds

_layers = tf.keras.layers


def _count(shape: tuple[int, ...], *layers: tf.keras.layers.Layer) -> int:
  inputs = x = tf.keras.Input(shape)
  for layer in layers:
    x = layer(x)
  return count_multiply_adds(tf.keras.Model(inputs, x))


def _any_size() -> tf.keras.Model:
  inputs = [tf.keras.Input((None, None, 3)), tf.keras.Input((None, None, 1))]
  return tf.keras.Model(inputs, _layers.Conv2D(5, 1)(_layers.Concatenate()(inputs)))


class MultiplyAddsTest(tf.test.TestCase):
  def test_convolutions(self):
    self.assertEqual(_count((8, 6, 3), _layers.Conv2D(5, 3, padding='same')), 8 * 6 * 5 * 3 * 3 * 3)
    halved = _layers.Conv2D(5, 4, strides=2, padding='same')
    self.assertEqual(_count((8, 6, 3), halved), 4 * 3 * 5 * 4 * 4 * 3)
    self.assertEqual(_count((8, 6, 4, 2), _layers.Conv3D(7, 3)), 6 * 4 * 2 * 7 * 27 * 2)
    self.assertEqual(_count((8, 6, 4), _layers.Conv2D(6, 3, groups=2)), 6 * 4 * 6 * 9 * 2)
    depthwise = _layers.DepthwiseConv2D(3, depth_multiplier=2)
    self.assertEqual(_count((8, 6, 4), depthwise), 6 * 4 * 8 * 9)

  def test_transposed_convolutions_count_from_the_small_map(self):
    doubled = _layers.Conv2DTranspose(5, 4, strides=2, padding='same')
    self.assertEqual(_count((8, 6, 3), doubled), 8 * 6 * 3 * 16 * 5)
    self.assertEqual(_count((4, 3, 2, 6), _layers.Conv3DTranspose(5, 2, strides=2)), 24 * 6 * 8 * 5)

  def test_matrix_products(self):
    self.assertEqual(_count((7,), _layers.Dense(5)), 7 * 5)
    # On a map, Keras writes a dense layer as a product of matrices for each row.
    self.assertEqual(_count((4, 7), _layers.Dense(5)), 4 * 7 * 5)
    turned = _layers.Lambda(lambda x: tf.matmul(x, x, transpose_a=True))
    self.assertEqual(_count((4, 7), turned), 7 * 7 * 4)

  def test_einsum(self):
    spread = _layers.EinsumDense('nab,bcd->nacd', output_shape=(None, 3, 2))
    self.assertEqual(_count((4, 7), spread), 4 * 3 * 2 * 7)
    kernel = tf.ones([7, 5])
    dotted = _layers.Lambda(lambda x: tf.einsum('...b,bc->...c', x, kernel))
    self.assertEqual(_count((4, 3, 7), dotted), 4 * 3 * 5 * 7)
    summed = _layers.Lambda(lambda x: tf.einsum('...ab->...', x))
    self.assertEqual(_count((4, 3, 7), summed), 4 * (3 * 7))

  def test_layers_add_up_and_share_the_work_of_all_inputs(self):
    a, b = tf.keras.Input((4, 4, 2)), tf.keras.Input((3,))
    y = _layers.Concatenate()([_layers.Flatten()(_layers.Conv2D(1, 1)(a)), _layers.Dense(6)(b)])
    network = tf.keras.Model([a, b], _layers.Dense(2)(_layers.ReLU()(y)))
    self.assertEqual(count_multiply_adds(network), 16 * 2 + 3 * 6 + (16 + 6) * 2)

  def test_work_on_weights_alone_is_left_out(self):
    spectral = SpectralConv2D(5, 3, padding='same')
    self.assertEqual(_count((8, 6, 3), spectral), 8 * 6 * 5 * 27)

  def test_counts_what_is_executed(self):
    # Eight taps instead of 27 for each voxel of the doubled volume, see the layer.
    self.assertEqual(_count((4, 4, 2, 3), UpsamplingConvolution3D(6)), 8 * 8 * 4 * 6 * 3 * 8)
    # Few filters: 3x3x3 taps give all eight voxels of a block.
    self.assertEqual(_count((4, 4, 2, 3), UpsamplingConvolution3D(2)), 4 * 4 * 2 * 3 * 27 * 2 * 8)

  def test_networks_of_any_size_are_counted_at_a_given_one(self):
    self.assertEqual(count_multiply_adds(_any_size(), (8, 6)), 8 * 6 * (3 + 1) * 5)
    # A volume's third size is of no concern to slices.
    self.assertEqual(count_multiply_adds(_any_size(), (8, 6, 4)), 8 * 6 * (3 + 1) * 5)

  def test_looks_into_functions(self):
    class Inner(_layers.Layer):
      @tf.function
      def call(self, x):
        return tf.matmul(x, tf.ones([7, 5]))

    self.assertEqual(_count((4, 7), Inner()), 4 * 7 * 5)
    self.assertFalse(tf.config.functions_run_eagerly())

  def test_refuses_what_it_cannot_count(self):
    loop = _layers.Lambda(lambda x: tf.while_loop(lambda y: tf.norm(y) < 9, lambda y: [y @ y], [x])[0])
    with self.assertRaisesRegex(ValueError, 'While.* cannot be counted'):
      _count((4, 4), loop)
    with self.assertRaisesRegex(ValueError, 'None, 3.* expected all sizes'):
      _count((None, None, 3), _layers.Conv2D(5, 3))
    with self.assertRaisesRegex(ValueError, r'\(8,\), expected all sizes'):
      count_multiply_adds(_any_size(), (8,))


if __name__ == '__main__':
  tf.test.main()
