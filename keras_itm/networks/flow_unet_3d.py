"""The velocity network of a rectified flow on whole volumes, steered by label maps."""

from collections.abc import Sequence

import gin
import tensorflow as tf

from keras_itm.layers.fourier_features import FourierFeatures

_layers = tf.keras.layers
_IN_PLANE, _ACROSS = (3, 3, 1), (1, 1, 3)


@gin.register
def flow_unet_3d(
  shape: tuple[int, int, int] = (128, 128, 32),
  n_labels: int = 29,
  n_contrasts: int = 1,
  filters: tuple[int, ...] = (32, 64, 128, 256),
  blocks: tuple[int, ...] = (2, 2, 2, 2),
  label_size: int = 16,
  time_size: int = 128,
  n_groups: int = 8,
) -> tf.keras.Model:
  """Builds the network: a noisy volume, its label map and the time -> the velocity of the flow.

  A U-Net of residual blocks with group normalisation. Every block takes the time and, at its own
  resolution, the label map, each label a learnt vector. Kernels are three voxels wide within slices and
  then three across, as slices are thick: less than half of the arithmetic of cubes. After the last
  upsampling there are blocks at full resolution, so that no grid is left; the last layers of blocks and
  network start at 0.

  Args:
    shape: Volume size (X, Y, Z).
    n_labels: Labels of the map, lesion included.
    n_contrasts: Channels of the volume.
    filters: Filters at each resolution, finest first; each further one halves the volume.
    blocks: Residual blocks at each resolution, on the way down and again on the way up.
    label_size: Length of a label's vector.
    time_size: Length of the time's vector.
    n_groups: Groups of the normalisation.

  Returns:
    A model from [image [n, X, Y, Z, C], one-hot segmentation [n, X, Y, Z, n_labels], time [n, 1]]
    to the velocity [n, X, Y, Z, C], float32.

  Raises:
    ValueError: A volume that cannot be halved so often, or filters that the groups do not divide.
  """
  factor = 2 ** (len(filters) - 1)
  if not filters or any(size % factor for size in shape):
    raise ValueError(
      f'shape {tuple(shape)} with {len(filters)} filters {tuple(filters)}: expected at least one '
      f'filter and sizes divisible by {factor}'
    )
  if len(blocks) != len(filters) or min(blocks) < 1:
    raise ValueError(
      f'blocks are {tuple(blocks)}, expected one or more for each of {len(filters)} filters'
    )
  if any(n % n_groups for n in filters):
    raise ValueError(f'filters are {tuple(filters)}, expected multiples of n_groups, {n_groups}')
  image = _layers.Input((*shape, n_contrasts), name='image')
  segmentation = _layers.Input((*shape, n_labels), name='segmentation')
  time = _layers.Input((1,), name='time')
  when = FourierFeatures(time_size)(time)
  for _ in range(2):
    when = _layers.Dense(time_size, activation='swish')(when)
  labels = [_convolution(segmentation, label_size, 1, use_bias=False)]
  for _ in filters[1:]:
    labels.append(_layers.AveragePooling3D(2)(labels[-1]))
  x = _layers.Concatenate()([image, labels[0]])
  x = _layers.Conv3D(filters[0], 3, padding='same')(x)
  levels = list(zip(filters, blocks, labels))
  skips: list[tf.Tensor] = []
  for n_filters, n_blocks, maps in levels:
    x = _layers.AveragePooling3D(2)(x) if skips else x
    x = _blocks(x, n_filters, n_blocks, [when, maps], n_groups)
    skips.append(x)
  for (n_filters, n_blocks, maps), skip in list(zip(levels, skips))[-2::-1]:
    # Narrowed before it grows, and added: at full resolution every channel is dear.
    x = _layers.UpSampling3D()(_convolution(x, n_filters, 1))
    x = _blocks(_layers.Add()([x, skip]), n_filters, n_blocks, [when, maps], n_groups)
  x = _layers.Activation('swish')(_layers.GroupNormalization(n_groups)(x))
  # The velocity stays in float32 under a mixed policy.
  velocity = _convolution(x, n_contrasts, 3, 'zeros', dtype='float32', name='velocity')
  return tf.keras.Model([image, segmentation, time], velocity, name='flow_unet_3d')


def _blocks(
  x: tf.Tensor, n_filters: int, n_blocks: int, conditions: Sequence[tf.Tensor], n_groups: int
) -> tf.Tensor:
  """Residual blocks; conditions are the time's vector and the label map at this resolution."""
  when, labels = conditions
  for _ in range(n_blocks):
    shortcut = x if x.shape[-1] == n_filters else _convolution(x, n_filters, 1)
    y = _layers.Activation('swish')(_layers.GroupNormalization(n_groups)(x))
    y = _convolution(y, n_filters, _IN_PLANE)
    at_time = _layers.Reshape((1, 1, 1, n_filters))(_layers.Dense(n_filters)(when))
    y = _layers.Add()([y, at_time, _convolution(labels, n_filters, 1)])
    y = _convolution(_layers.Activation('swish')(y), n_filters, _IN_PLANE)
    y = _convolution(y, n_filters, _ACROSS, 'zeros')
    x = _layers.Add()([shortcut, y])
  return x


def _convolution(
  x: tf.Tensor,
  n_filters: int,
  kernel: int | tuple[int, int, int],
  start: str = 'glorot_uniform',
  **options,
) -> tf.Tensor:
  layer = _layers.Conv3D(n_filters, kernel, padding='same', kernel_initializer=start, **options)
  return layer(x)
