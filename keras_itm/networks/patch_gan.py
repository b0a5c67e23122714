"""The PatchGAN discriminator of all translators (Platscher et al. 2020, appendix A.3.1)."""

from collections.abc import Sequence

import gin
import tensorflow as tf

from keras_itm.layers.normalization import InstanceNormalization
from keras_itm.layers.spectral_convolution import SpectralConv2D

_LEAKINESS = 0.2
_layers = tf.keras.layers


@gin.register
def patch_gan(
  n_labels: int = 29,
  n_contrasts: int = 1,
  filters: tuple[int, ...] = (32, 64, 128),
  strides: tuple[int, ...] = (2, 2, 1),
  n_scales: int = 1,
  normalised: tuple[bool, ...] | None = None,
  spectral: bool = False,
  init_stddev: float = 0.02,
  image_gain: float = 1.0,
) -> tf.keras.Model:
  """Builds the discriminator: one-hot labels and image -> logits and the maps on the way to them.

  The default sees patches of 34x34 pixels, as the paper's text says.

  Args:
    n_labels: Channels of the one-hot segmentation [n, X, Y, n_labels]; 0 for one that sees none.
    n_contrasts: Channels of the image [n, X, Y, n_contrasts]; 0 for one that sees none.
    filters: Filters of the 4x4 convolutions before the last, which has one.
    strides: Stride of each of them; the last has stride 1.
    n_scales: How many discriminators look at the pair, each at half the resolution of the one before.
    normalised: Which of them instance normalisation follows; all, when None. It hides from the
      discriminator how strong a texture is.
    spectral: Whether the normalised convolutions are spectrally normalised as well.
    init_stddev: Of the kernels' initial values.
    image_gain: How much the image is amplified beside the many one-hot channels.

  Returns:
    A model from the list of inputs that exist, segmentation first, to a list per scale of the maps
    [n, x, y, c] after each convolution; the last of them are the logits [n, x, y, 1], float32.

  Raises:
    ValueError: Lists that differ in length, no input or no scale.
  """
  normalised = (True,) * len(filters) if normalised is None else normalised
  if n_scales < 1:
    raise ValueError(f'n_scales is {n_scales}, expected at least 1')
  if not len(filters) == len(strides) == len(normalised):
    raise ValueError(
      f'filters {tuple(filters)}, strides {tuple(strides)} and normalised {tuple(normalised)}: '
      'expected lists of one length'
    )
  inputs = [
    _layers.Input((None, None, channels), name=name)
    for name, channels in (('segmentation', n_labels), ('image', n_contrasts))
    if channels
  ]
  if not inputs:
    raise ValueError('n_labels and n_contrasts are 0, expected something to see')
  *seen, last = inputs
  if n_contrasts and image_gain != 1:
    last = _layers.Rescaling(image_gain)(last)
  x = _layers.Concatenate()([*seen, last]) if seen else last
  scales = []
  for _ in range(n_scales):
    scales.append(_patch_maps(x, list(zip(filters, strides, normalised)), spectral, init_stddev))
    x = _layers.AveragePooling2D(3, strides=2, padding='same')(x)
  return PatchGAN(inputs, scales, name='patch_gan')


@tf.keras.utils.register_keras_serializable('keras_itm')
class PatchGAN(tf.keras.Model):
  """A functional model with a list for each scale, also of a single one, which Keras 3 unpacks."""

  def call(self, inputs, training=None, mask=None):
    return by_scale(super().call(inputs, training=training, mask=mask))


def by_scale(maps: Sequence[tf.Tensor] | Sequence[Sequence[tf.Tensor]]) -> list[list[tf.Tensor]]:
  """Maps of a discriminator as a list for each scale; a single list is that of a single scale."""
  is_nested = isinstance(maps[0], list | tuple)
  return [list(scale) for scale in (maps if is_nested else [maps])]


def _patch_maps(
  x: tf.Tensor, blocks: list[tuple[int, int, bool]], spectral: bool, init_stddev: float
) -> list[tf.Tensor]:
  maps = []
  for n_filters, stride, normalised in blocks:
    convolution = SpectralConv2D if spectral and normalised else _layers.Conv2D
    x = _convolution(convolution, n_filters, stride, init_stddev)(x)
    if normalised:
      x = InstanceNormalization()(x)
    x = _layers.LeakyReLU(_LEAKINESS)(x)
    maps.append(x)
  logits = _convolution(_layers.Conv2D, 1, 1, init_stddev)(x)
  return [*maps, _layers.Activation('linear', dtype='float32')(logits)]


def _convolution(
  convolution: type[tf.keras.layers.Conv2D], n_filters: int, stride: int, init_stddev: float
) -> tf.keras.layers.Layer:
  # One initializer each: a shared one gives kernels of the same shape the same values.
  initializer = tf.keras.initializers.RandomNormal(0.0, init_stddev)
  return convolution(n_filters, 4, strides=stride, padding='same', kernel_initializer=initializer)
