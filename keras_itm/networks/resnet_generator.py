"""The residual generator, of cycleGAN and as an alternative in Pix2Pix."""

import gin
import tensorflow as tf

from keras_itm.layers.nearest_upsampling import NearestUpsampling2D
from keras_itm.layers.normalization import InstanceNormalization

_layers = tf.keras.layers


@gin.register
def resnet_generator(
  image_size: tuple[int, int] = (128, 128),
  n_labels: int = 29,
  n_contrasts: int = 1,
  filters: int = 64,
  n_downs: int = 4,
  n_blocks: int = 9,
  activation: str = 'tanh',
) -> tf.keras.Model:
  """Builds the generator: slices [n, X, Y, n_labels] -> slices [n, X, Y, n_contrasts].

  The global generator of Wang et al. 2018, section 3.2 (with 2 halvings that of Zhu et al. 2017):
  a 7x7 convolution, halvings that double the filters, residual blocks of two 3x3 convolutions, and
  the way back. Maps are mirrored at their border where the resolution stays, so that the border is
  no label of its own. Instance normalisation and ReLU follow all convolutions but the last. Maps are
  doubled by nearest neighbour and a 3x3 convolution; the transposed convolutions of the original
  leave a checkerboard.

  Args:
    image_size: Slice size (X, Y).
    n_labels: Channels of the input: of one-hot labels, or of images on the way back.
    n_contrasts: Channels of the output: of images, or labels on the way back.
    filters: Filters at full resolution.
    n_downs: How often the resolution is halved.
    n_blocks: Residual blocks at the coarsest resolution.
    activation: Of the output: `tanh` for images in [-1, 1], `softmax` for label probabilities.

  Raises:
    ValueError: A number below its least, or a slice that cannot be halved to maps of 2x2 or more.
  """
  if filters < 1 or n_downs < 0 or n_blocks < 0:
    raise ValueError(
      f'filters {filters}, n_downs {n_downs}, n_blocks {n_blocks}: expected 1, 0, 0 or more'
    )
  _check_size(image_size, n_downs)
  inputs = _layers.Input((*image_size, n_labels), name='slice')
  x = _norm_relu(_convolution(filters, 7)(ReflectionPadding(3)(inputs)))
  for i in range(n_downs):
    x = _norm_relu(_convolution(filters * 2 ** (i + 1), 3, strides=2, padding='same')(x))
  for _ in range(n_blocks):
    x = _residual_block(x)
  for i in reversed(range(n_downs)):
    x = NearestUpsampling2D()(x)
    x = _norm_relu(_convolution(filters * 2**i, 3, padding='same')(x))
  x = _convolution(n_contrasts, 7, use_bias=True)(ReflectionPadding(3)(x))
  # The last activation stays in float32 under a mixed policy.
  outputs = _layers.Activation(activation, dtype='float32', name=activation)(x)
  return tf.keras.Model(inputs, outputs, name='resnet_generator')


@tf.keras.utils.register_keras_serializable('keras_itm')
class ReflectionPadding(tf.keras.layers.Layer):
  """Mirrors a map at its border, whose pixels are not repeated: [n, X, Y, c] -> [n, X+2p, Y+2p, c]."""

  def __init__(self, size: int, **kwargs):
    super().__init__(**kwargs)
    self.size = size

  def call(self, x: tf.Tensor) -> tf.Tensor:
    return tf.pad(x, [[0, 0], [self.size] * 2, [self.size] * 2, [0, 0]], mode='REFLECT')

  def get_config(self):
    return {**super().get_config(), 'size': self.size}


def _check_size(image_size: tuple[int, int], n_downs: int) -> None:
  factor = 2**n_downs
  # Mirroring by 1 needs 2 pixels, by 3 at full resolution 4.
  least = max(2 * factor, 4)
  if any(size % factor or size < least for size in image_size):
    raise ValueError(
      f'image_size {tuple(image_size)} with {n_downs} halvings: expected sizes divisible by {factor} '
      f'and at least {least}'
    )


def _residual_block(x: tf.Tensor) -> tf.Tensor:
  n_filters = x.shape[-1]
  y = _norm_relu(_convolution(n_filters, 3)(ReflectionPadding(1)(x)))
  y = InstanceNormalization()(_convolution(n_filters, 3)(ReflectionPadding(1)(y)))
  return _layers.Add()([x, y])


def _norm_relu(x: tf.Tensor) -> tf.Tensor:
  return _layers.ReLU()(InstanceNormalization()(x))


def _convolution(n_filters: int, size: int, use_bias: bool = False, **options) -> tf.keras.layers.Layer:
  # No bias but the last: the normalisation takes away any constant that it would add.
  initializer = tf.keras.initializers.RandomNormal(0.0, 0.02)
  return _layers.Conv2D(n_filters, size, use_bias=use_bias, kernel_initializer=initializer, **options)
