"""The 3D U-Net that segments lesions (Platscher et al. 2020, appendix A.1)."""

import gin
import tensorflow as tf

from keras_itm.layers.dropout import Dropout
from keras_itm.layers.normalization import InstanceNormalization, SynchronizedBatchNormalization
from keras_itm.shape_checks import check_halvings

_layers = tf.keras.layers


@gin.register
def unet_3d(
  shape: tuple[int, int, int] = (128, 128, 32),
  n_contrasts: int = 1,
  n_classes: int = 2,
  filters: tuple[int, ...] = (16, 32, 64, 128),
  bottleneck_filters: int = 256,
  dropout: float = 0.02,
  normalization: str = 'batch',
  batch_norm_momentum: float = 0.99,
) -> tf.keras.Model:
  """Builds the segmenter: volumes [n, X, Y, Z, n_contrasts] -> probabilities [n, X, Y, Z, n_classes].

  The default has 5,646,242 trainable weights and is the paper's.

  Args:
    shape: Volume size (X, Y, Z).
    n_contrasts: Channels of the volume, intensities in [0, 1].
    n_classes: Channels of the softmax; class 1 is the lesion.
    filters: Filters of the downsampling blocks, outermost first; each halves the volume.
    bottleneck_filters: Filters between the two branches.
    dropout: Share of activations dropped in training after each convolution.
    normalization: `batch`, after each upsampling as in the paper; or `instance`, after every
      convolution in place of its bias, for short trainings and for batches whose statistics are not
      those of a test case.
    batch_norm_momentum: Share of the old statistics kept at each step; less for short trainings.

  Raises:
    ValueError: The shape cannot be halved once per entry of `filters`, no class for the lesion, an
      unknown normalization, or a dropout outside [0, 1).
  """
  if normalization not in ('batch', 'instance'):
    raise ValueError(f'normalization is {normalization!r}, expected batch or instance')
  if n_classes < 2:
    raise ValueError(f'n_classes is {n_classes}, expected at least 2')
  check_halvings(shape, filters)
  is_instance = normalization == 'instance'
  inputs = x = _layers.Input((*shape, n_contrasts), name='image')
  skips = []
  for n_filters in filters:
    x = _two_convolutions(x, n_filters, dropout, is_instance)
    skips.append(x)
    x = _layers.MaxPooling3D()(x)
  x = _two_convolutions(x, bottleneck_filters, dropout, is_instance)
  for n_filters, skip in zip(reversed(filters), reversed(skips)):
    x = _layers.Conv3DTranspose(n_filters, 2, strides=2, use_bias=not is_instance)(x)
    if is_instance:
      x = InstanceNormalization()(x)
    else:
      x = SynchronizedBatchNormalization(momentum=batch_norm_momentum)(x)
    x = _layers.ReLU()(x)
    x = _layers.Concatenate()([x, skip])
    x = _two_convolutions(x, n_filters, dropout, is_instance)
  x = _layers.Conv3D(n_classes, 3, padding='same')(x)
  # The softmax stays in float32 under a mixed policy.
  outputs = _layers.Softmax(dtype='float32', name='probability')(x)
  return tf.keras.Model(inputs, outputs, name='unet_3d')


def _two_convolutions(x: tf.Tensor, n_filters: int, dropout: float, is_normalised: bool) -> tf.Tensor:
  for _ in range(2):
    x = _layers.Conv3D(n_filters, 3, padding='same', use_bias=not is_normalised)(x)
    if is_normalised:
      x = InstanceNormalization()(x)
    x = _layers.ReLU()(x)
    x = Dropout(dropout)(x)
  return x
