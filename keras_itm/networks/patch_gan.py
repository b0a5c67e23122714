"""The PatchGAN discriminator of all translators (Platscher et al. 2020, appendix A.3.1)."""

import gin
import tensorflow as tf

from keras_itm.layers.normalization import InstanceNormalization

_LEAKINESS = 0.2
_layers = tf.keras.layers


@gin.register
def patch_gan(
  n_labels: int = 29,
  n_contrasts: int = 1,
  filters: tuple[int, ...] = (32, 64, 128),
  strides: tuple[int, ...] = (2, 2, 1),
  n_scales: int = 1,
) -> tf.keras.Model:
  """Builds the discriminator: (one-hot labels, image) -> one map of logits per scale.

  The default sees patches of 34x34 pixels, as the paper's text says.

  Args:
    n_labels: Channels of the one-hot segmentation [n, X, Y, n_labels].
    n_contrasts: Channels of the image [n, X, Y, n_contrasts].
    filters: Filters of the 4x4 convolutions before the last, which has one.
    strides: Stride of each of them; the last has stride 1.
    n_scales: How many discriminators look at the pair, each at half the resolution of the one before.

  Returns:
    A model from `[segmentation, image]` to a logit map [n, x, y, 1], float32, or to a list of
    `n_scales` of them where there are several.

  Raises:
    ValueError: `filters` and `strides` differ in length, or there is no scale.
  """
  if n_scales < 1:
    raise ValueError(f'n_scales is {n_scales}, expected at least 1')
  if len(filters) != len(strides):
    raise ValueError(f'filters {tuple(filters)} and strides {tuple(strides)}: expected one stride each')
  segmentation = _layers.Input((None, None, n_labels), name='segmentation')
  image = _layers.Input((None, None, n_contrasts), name='image')
  x = _layers.Concatenate()([segmentation, image])
  logits = []
  for _ in range(n_scales):
    logits.append(_patch_logits(x, filters, strides))
    x = _layers.AveragePooling2D(3, strides=2, padding='same')(x)
  return tf.keras.Model([segmentation, image], logits, name='patch_gan')


def _patch_logits(x: tf.Tensor, filters: tuple[int, ...], strides: tuple[int, ...]) -> tf.Tensor:
  for n_filters, stride in zip(filters, strides):
    x = InstanceNormalization()(_convolution(n_filters, stride)(x))
    x = _layers.LeakyReLU(_LEAKINESS)(x)
  return _layers.Activation('linear', dtype='float32')(_convolution(1, 1)(x))


def _convolution(n_filters: int, stride: int) -> _layers.Layer:
  # One initializer each: a shared one gives kernels of the same shape the same values.
  initializer = tf.keras.initializers.RandomNormal(0.0, 0.02)
  return _layers.Conv2D(n_filters, 4, strides=stride, padding='same', kernel_initializer=initializer)
