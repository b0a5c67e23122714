"""Critic of lesion masks, for a Wasserstein GAN."""

from collections.abc import Sequence

import gin
import tensorflow as tf

from keras_itm.layers.space_to_depth import SpaceToDepth3D
from keras_itm.lesions import MIN_VOXELS


@gin.register
def lesion_critic(
  shape: Sequence[int] = (128, 128, 32),
  filters: Sequence[int] = (32, 64, 128, 256, 512),
  hidden_units: int = 64,
  volume_units: int = 0,
) -> tf.keras.Model:
  """Masks [n, X, Y, Z] with values in [0, 1] to unbounded scores [n]; higher is more real.

  4x4x4 convolutions of stride 2, a hidden dense layer, LeakyReLU 0.2 after each, and the score. The
  hidden layer judges the whole mask: convolutions alone would add up local scores, which can tell
  the mean of the volumes but not their distribution. No normalisation over the batch, which would
  make the gradient penalty of one example depend on the others. The critic sees the lesion's
  probability only, the other class being what is missing to 1.

  Args:
    shape: Voxels of a mask along X, Y, Z.
    filters: Channels after each halving.
    hidden_units: Of the dense layer.
    volume_units: Of a layer that is told the logarithm of the volume and adds to the hidden layer; 0
      for none, as in the paper. The gradient penalty bounds what single voxels may add, so that
      convolutions learn the distribution of volumes late, that of small ones last.

  Raises:
    ValueError: A size below 1 or a shape that the halvings do not divide.
  """
  if len(filters) < 1 or len(shape) != 3 or any(n < 1 or n % 2 ** len(filters) for n in shape):
    raise ValueError(
      f'shape {tuple(shape)} with filters {tuple(filters)}: expected one filter or more and '
      f'three sizes divisible by {2 ** len(filters)}'
    )
  if min(hidden_units, *filters) < 1 or volume_units < 0:
    raise ValueError(
      f'filters {tuple(filters)}, hidden_units {hidden_units}: expected at least 1 each; '
      f'volume_units {volume_units}: expected at least 0'
    )
  mask = tf.keras.Input(tuple(shape), name='mask')
  x = tf.keras.layers.Reshape((*shape, 1), name='channel')(mask)
  x = SpaceToDepth3D(padding=1, name='fold')(x)
  x = tf.keras.layers.Conv3D(filters[0], 2, name='down_0')(x)
  x = tf.keras.layers.LeakyReLU(0.2, name='relu_0')(x)
  for i, n_filters in enumerate(filters[1:], start=1):
    x = tf.keras.layers.Conv3D(n_filters, 4, strides=2, padding='same', name=f'down_{i}')(x)
    x = tf.keras.layers.LeakyReLU(0.2, name=f'relu_{i}')(x)
  x = tf.keras.layers.Flatten(name='flat')(x)
  x = tf.keras.layers.Dense(hidden_units, name='hidden')(x)
  if volume_units:
    volume = tf.keras.layers.Dense(volume_units, name='volume')(LogVolume(name='log_volume')(mask))
    volume = tf.keras.layers.LeakyReLU(0.2, name='volume_relu')(volume)
    volume = tf.keras.layers.Dense(hidden_units, name='volume_to_hidden')(volume)
    x = tf.keras.layers.Add(name='add')([x, volume])
  x = tf.keras.layers.LeakyReLU(0.2, name='hidden_relu')(x)
  x = tf.keras.layers.Dense(1, dtype='float32', name='dense')(x)
  score = tf.keras.layers.Reshape((), dtype='float32', name='score')(x)
  return tf.keras.Model(mask, score, name='lesion_critic')


@tf.keras.utils.register_keras_serializable('keras_itm')
class LogVolume(tf.keras.layers.Layer):
  """Masks [n, X, Y, Z] to the logarithm of their volumes, scaled to about -5 to 6; [n, 1], float32."""

  _TYPICAL_VOXELS = 256.0

  def __init__(self, **kwargs):
    super().__init__(**{**kwargs, 'dtype': 'float32'})  # A large volume overflows half precision.

  def call(self, masks: tf.Tensor) -> tf.Tensor:
    voxels = tf.reduce_sum(masks, axis=[1, 2, 3])[:, tf.newaxis]
    # The smallest volumes that count need no finer distinction.
    return 2 * tf.math.log((voxels + MIN_VOXELS) / self._TYPICAL_VOXELS)
