"""Generator of lesion masks (Platscher et al. 2020, section 2.4)."""

from collections.abc import Sequence

import gin
import numpy as np
import tensorflow as tf

from keras_itm.layers.normalization import InstanceNormalization
from keras_itm.layers.split import Split
from keras_itm.layers.upsampling_convolution import UpsamplingConvolution3D
from keras_itm.layers.voxel_noise import VoxelNoise


@gin.register
def lesion_generator(
  shape: Sequence[int] = (128, 128, 32),
  latent_size: int = 128,
  coarse_filters: int = 256,
  filters: Sequence[int] = (128, 64, 32, 16),
  lesion_rate: float = 0.5,
  noise_levels: Sequence[int] = (),
) -> tf.keras.Model:
  """Latent vectors [n, L] to class probabilities [n, X, Y, Z, 2]; channel 1 is the lesion.

  L is `latent_size` and the number of voxels of each level with noise, whose part follows the code.

  A dense layer makes the coarsest maps. Each step doubles them by nearest neighbour, convolves,
  normalises per instance and applies LeakyReLU 0.2. The last doubling and its convolution give the
  two classes, with a softmax; normalised maps of full size would double the time.

  Args:
    shape: Voxels of a mask along X, Y, Z.
    latent_size: Numbers in the code for the whole mask, drawn from N(0, I).
    coarse_filters: Channels of the maps that the dense layer makes.
    filters: Channels after each doubling but the last, coarse to fine.
    lesion_rate: Share of lesion voxels that the output bias starts from. That of the training masks
      spares the steps in which only the background would be learnt.
    noise_levels: Doublings, counted from 1, whose maps are given noise for each voxel. A lesion's
      fragments hang on it; without (as in the paper), a short training leaves hardly any.

  Raises:
    ValueError: A size below 1, a shape that the doublings do not divide, a rate outside (0, 1), a
      level that does not exist.
  """
  coarse = _coarse_shape(shape, doublings=len(filters) + 1)
  if min(latent_size, coarse_filters, *filters) < 1:
    raise ValueError(
      f'latent_size {latent_size}, coarse_filters {coarse_filters}, filters {tuple(filters)}: '
      'expected at least 1 each'
    )
  if not 0 < lesion_rate < 1:
    raise ValueError(f'lesion_rate is {lesion_rate}, expected a number between 0 and 1')
  if set(noise_levels) - set(range(1, len(filters) + 1)) or len(set(noise_levels)) < len(noise_levels):
    raise ValueError(
      f'noise_levels {tuple(noise_levels)}: expected different numbers from 1 to {len(filters)}'
    )
  sizes = [latent_size, *(int(np.prod(coarse)) * 8**level for level in noise_levels)]
  latent = tf.keras.Input((sum(sizes),), name='latent')
  code, *noise = Split(sizes, name='split')(latent)
  noise = dict(zip(noise_levels, noise))
  x = tf.keras.layers.Dense(int(np.prod(coarse)) * coarse_filters, name='dense')(code)
  x = tf.keras.layers.Reshape((*coarse, coarse_filters), name='coarse_maps')(x)
  for i, n_filters in enumerate(filters):
    # The normalisation takes away any constant that a bias would add.
    x = UpsamplingConvolution3D(n_filters, use_bias=False, name=f'up_{i}')(x)
    if i + 1 in noise:
      x = VoxelNoise(name=f'noise_{i}')((x, noise[i + 1]))
    x = InstanceNormalization(name=f'norm_{i}')(x)
    x = tf.keras.layers.LeakyReLU(0.2, name=f'relu_{i}')(x)
  bias = tf.keras.initializers.Constant(np.log([1 - lesion_rate, lesion_rate]).tolist())
  logits = UpsamplingConvolution3D(2, bias_initializer=bias, name='logits')(x)
  classes = TwoClassSoftmax(dtype='float32', name='classes')(logits)
  return tf.keras.Model(latent, classes, name='lesion_generator')


@tf.keras.utils.register_keras_serializable('keras_itm')
class TwoClassSoftmax(tf.keras.layers.Layer):
  """Softmax over a last axis of size 2; tf.nn.softmax takes twice as long on so short an axis."""

  def call(self, logits: tf.Tensor) -> tf.Tensor:
    return tf.sigmoid(logits - tf.reverse(logits, axis=[-1]))


def _coarse_shape(shape: Sequence[int], doublings: int) -> tuple[int, ...]:
  if len(shape) != 3 or any(n < 1 or n % 2**doublings for n in shape):
    raise ValueError(
      f'shape {tuple(shape)} with {doublings} doublings: expected three sizes divisible by '
      f'{2**doublings}'
    )
  return tuple(n // 2**doublings for n in shape)
