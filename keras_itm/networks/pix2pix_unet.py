"""The U-Net generator of Pix2Pix (Platscher et al. 2020, appendix A.2)."""

import gin
import tensorflow as tf

from keras_itm.layers.dropout import Dropout
from keras_itm.layers.normalization import InstanceNormalization
from keras_itm.layers.upsampling_convolution import UpsamplingConvolution2D
from keras_itm.shape_checks import check_halvings

_LEAKINESS = 0.2
_layers = tf.keras.layers


@gin.register
def pix2pix_unet(
  image_size: tuple[int, int] = (128, 128),
  n_labels: int = 29,
  n_contrasts: int = 1,
  filters: tuple[int, ...] = (64, 128, 256, 512, 512, 512, 512),
  dropout: float = 0.5,
  n_dropout_blocks: int = 3,
  full_resolution_filters: int = 0,
  activation: str = 'tanh',
) -> tf.keras.Model:
  """Builds the generator: one-hot label slices [n, X, Y, n_labels] -> images [n, X, Y, n_contrasts].

  Each entry of `filters` halves the map by a 4x4 convolution of stride 2; the way up mirrors all but
  the last, so that the default has six upsampling blocks and 41.8 M weights. No map of a single pixel
  is normalised: its instance has no spread.

  Args:
    image_size: Slice size (X, Y).
    n_labels: Channels of the one-hot input, lesion included.
    n_contrasts: Channels of the image.
    filters: Filters of the downsampling blocks, outermost first.
    dropout: Share of activations dropped in training in the innermost upsampling blocks.
    n_dropout_blocks: How many upsampling blocks, counted from the innermost, drop activations.
    full_resolution_filters: Of two 3x3 convolutions between the last upsampling and the image, which
      also see the labels; 0 for none, as in the paper.
    activation: Of the output: tanh for images in [-1, 1], softmax for one-hot labels.

  Raises:
    ValueError: The slice size cannot be halved once per entry of `filters`, or a dropout outside
      [0, 1).
  """
  check_halvings(image_size, filters, 'image_size', least=1)
  inputs = x = _layers.Input((*image_size, n_labels), name='segmentation')
  skips = []
  for n_filters in filters:
    x = _down(x, n_filters)
    skips.append(x)
  for i, (n_filters, skip) in enumerate(zip(filters[-2::-1], skips[-2::-1])):
    x = _up(x, skip, n_filters, dropout if i < n_dropout_blocks else 0.0)
  x = _finest(x, inputs, n_contrasts, full_resolution_filters)
  # The last activation stays in float32 under a mixed policy.
  outputs = _layers.Activation(activation, dtype='float32', name='image')(x)
  return tf.keras.Model(inputs, outputs, name='pix2pix_unet')


def _finest(x: tf.Tensor, labels: tf.Tensor, n_contrasts: int, n_filters: int) -> tf.Tensor:
  if not n_filters:
    return UpsamplingConvolution2D(n_contrasts, kernel_initializer=_initializer())(x)
  # A doubled map has a pattern of 2x2 pixels that only what comes after can even out.
  x = UpsamplingConvolution2D(n_filters, kernel_initializer=_initializer())(x)
  for filters in (n_filters, n_contrasts):
    x = _layers.Concatenate()([_layers.LeakyReLU(_LEAKINESS)(x), labels])
    x = _layers.Conv2D(filters, 3, padding='same', kernel_initializer=_initializer())(x)
  return x


def _down(x: tf.Tensor, n_filters: int) -> tf.Tensor:
  x = _layers.Conv2D(n_filters, 4, strides=2, padding='same', kernel_initializer=_initializer())(x)
  if x.shape[1:3] != (1, 1):
    x = InstanceNormalization()(x)
  return _layers.LeakyReLU(_LEAKINESS)(x)


def _up(x: tf.Tensor, skip: tf.Tensor, n_filters: int, dropout: float) -> tf.Tensor:
  x = UpsamplingConvolution2D(n_filters, kernel_initializer=_initializer())(x)
  x = _layers.LeakyReLU(_LEAKINESS)(x)
  if dropout:
    x = Dropout(dropout)(x)
  x = InstanceNormalization()(x)
  x = _layers.Concatenate()([x, skip])
  return _layers.LeakyReLU(_LEAKINESS)(x)


def _initializer() -> tf.keras.initializers.Initializer:
  return tf.keras.initializers.RandomNormal(0.0, 0.02)
