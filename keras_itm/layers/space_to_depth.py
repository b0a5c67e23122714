"""Neighbouring voxels as channels, and back: what makes convolutions of large, thin maps fast."""

import tensorflow as tf


@tf.keras.utils.register_keras_serializable('keras_itm')
class SpaceToDepth3D(tf.keras.layers.Layer):
  """Folds each 2x2x2 block of voxels into channels, after padding by zeros on every side.

  [n, X, Y, Z, c] -> [n, X/2 + p, Y/2 + p, Z/2 + p, 8c] for even X, Y and Z. A 2x2x2 convolution of
  stride 1 without padding on the result for p = 1 is the 4x4x4 convolution of stride 2
  ('same') on the volume, but three times as fast on a CPU where the volume has a single channel.
  """

  def __init__(self, padding: int = 0, **kwargs):
    """Prepares the layer.

    Args:
      padding: Voxels p that are added on every side.
      **kwargs: Of every Keras layer.

    Raises:
      ValueError: A negative padding.
    """
    if padding < 0:
      raise ValueError(f'padding is {padding}, expected at least 0')
    super().__init__(**kwargs)
    self.padding = padding

  def build(self, input_shape):
    if any(size is None or size % 2 for size in input_shape[1:4]):
      raise ValueError(f'input shape {tuple(input_shape)}: expected even X, Y and Z')
    super().build(input_shape)

  def call(self, x: tf.Tensor) -> tf.Tensor:
    x = tf.pad(x, [[0, 0], *[[self.padding] * 2] * 3, [0, 0]])
    blocks = [size // 2 for size in x.shape[1:4]]
    channels = x.shape[-1]
    x = tf.reshape(x, [-1, blocks[0], 2, blocks[1], 2, blocks[2], 2 * channels])
    x = tf.transpose(x, [0, 1, 3, 5, 2, 4, 6])
    return tf.reshape(x, [-1, *blocks, 8 * channels])

  def get_config(self):
    return {**super().get_config(), 'padding': self.padding}


@tf.keras.utils.register_keras_serializable('keras_itm')
class DepthToSpace3D(tf.keras.layers.Layer):
  """Spreads each voxel's channels over a 2x2x2 block: [n, X, Y, Z, 8c] -> [n, 2X, 2Y, 2Z, c].

  After a convolution this is a sub-pixel convolution (Shi et al. 2016): an upsampling and a
  convolution in one, without the large map between them.
  """

  def build(self, input_shape):
    if input_shape[-1] % 8:
      raise ValueError(f'input shape {tuple(input_shape)}: expected channels divisible by 8')
    super().build(input_shape)

  def call(self, x: tf.Tensor) -> tf.Tensor:
    return spread(x)


@tf.keras.utils.register_keras_serializable('keras_itm')
class SpaceToDepth2D(tf.keras.layers.Layer):
  """Folds each 2x2 block of pixels into channels: [n, X, Y, c] -> [n, X/2, Y/2, 4c], X and Y even."""

  def call(self, x: tf.Tensor) -> tf.Tensor:
    return tf.nn.space_to_depth(x, 2)


@tf.keras.utils.register_keras_serializable('keras_itm')
class DepthToSpace2D(tf.keras.layers.Layer):
  """Spreads each pixel's channels over a 2x2 block: [n, X, Y, 4c] -> [n, 2X, 2Y, c]."""

  def call(self, x: tf.Tensor) -> tf.Tensor:
    return tf.nn.depth_to_space(x, 2)


def spread(x: tf.Tensor) -> tf.Tensor:
  """What `DepthToSpace3D` computes, as a function."""
  size, channels = x.shape[1:4], x.shape[-1] // 8
  # The last axis of a block stays with the channels, so that the transposition moves whole rows.
  x = tf.reshape(x, [-1, *size, 2, 2, 2 * channels])
  x = tf.transpose(x, [0, 1, 4, 2, 5, 3, 6])
  return tf.reshape(x, [-1, *(2 * n for n in size), channels])
