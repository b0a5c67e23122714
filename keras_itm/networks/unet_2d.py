"""The 2D U-Net that segments slices (Ronneberger, Fischer and Brox 2015)."""

import gin
import tensorflow as tf

from keras_itm.layers.dropout import Dropout
from keras_itm.layers.normalization import InstanceNormalization
from keras_itm.shape_checks import check_halvings

_layers = tf.keras.layers


@gin.register
def unet_2d(
  shape: tuple[int, int] = (256, 256),
  n_contrasts: int = 1,
  n_classes: int = 2,
  filters: tuple[int, ...] = (64, 128, 256, 512),
  bottleneck_filters: int = 1024,
  dropout: float = 0.5,
  normalization: str = 'none',
) -> tf.keras.Model:
  """Builds the segmenter: slices [n, X, Y, n_contrasts] -> probabilities [n, X, Y, n_classes].

  The default has the paper's 23 convolutions and 31,030,658 weights. Unlike the paper's, convolutions
  are padded, so that every pixel of a slice has its probability.

  Args:
    shape: Size of a slice (X, Y).
    n_contrasts: Channels of the slice, intensities in [0, 1].
    n_classes: Channels of the softmax, background first; 1 for a single logit, whose sigmoid is the
      probability of the lesion.
    filters: Filters of the downsampling blocks, outermost first; each halves the slice.
    bottleneck_filters: Filters between the two branches.
    dropout: Share of activations dropped in training at the end of the downsampling branch: after its
      last block and after the bottleneck.
    normalization: `none` as in the paper; or `instance`, after every 3x3 convolution in place of its
      bias, for short trainings.

  Raises:
    ValueError: The shape cannot be halved once per entry of `filters`, no class, an unknown
      normalization, or a dropout outside [0, 1).
  """
  if normalization not in ('none', 'instance'):
    raise ValueError(f'normalization is {normalization!r}, expected none or instance')
  if n_classes < 1:
    raise ValueError(f'n_classes is {n_classes}, expected at least 1')
  check_halvings(shape, filters)
  is_instance = normalization == 'instance'
  inputs = x = _layers.Input((*shape, n_contrasts), name='image')
  skips = []
  for i, n_filters in enumerate(filters, start=1):
    x = _two_convolutions(x, n_filters, is_instance)
    if i == len(filters):
      x = Dropout(dropout)(x)
    skips.append(x)
    x = _layers.MaxPooling2D()(x)
  x = Dropout(dropout)(_two_convolutions(x, bottleneck_filters, is_instance))
  for n_filters, skip in zip(reversed(filters), reversed(skips)):
    x = _layers.Conv2DTranspose(n_filters, 2, strides=2, kernel_initializer='he_normal')(x)
    x = _layers.Concatenate()([skip, x])
    x = _two_convolutions(x, n_filters, is_instance)
  x = _layers.Conv2D(n_classes, 1)(x)
  # It stays in float32 under a mixed policy.
  kind = 'softmax' if n_classes > 1 else 'sigmoid'
  outputs = _layers.Activation(kind, dtype='float32', name='probability')(x)
  return tf.keras.Model(inputs, outputs, name='unet_2d')


def _two_convolutions(x: tf.Tensor, n_filters: int, is_normalised: bool) -> tf.Tensor:
  for _ in range(2):
    x = _layers.Conv2D(
      n_filters, 3, padding='same', use_bias=not is_normalised, kernel_initializer='he_normal'
    )(x)
    if is_normalised:
      x = InstanceNormalization()(x)
    x = _layers.ReLU()(x)
  return x
