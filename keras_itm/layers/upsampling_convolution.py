"""Nearest-neighbour upsampling and a convolution, in one operation."""

import numpy as np
import tensorflow as tf

from keras_itm.layers.folding import UnfoldVoxels

# Up to here the eight kernels of a block of voxels are convolved side by side, which a CPU does
# faster than a transposed convolution of few channels.
_FEW_FILTERS = 4

# [place in block, source voxel (before, same, after), tap of the kernel]
_TAPS = np.array([[[1, 0, 0], [0, 1, 1], [0, 0, 0]], [[0, 0, 0], [1, 1, 0], [0, 0, 1]]], np.float32)


class UpsamplingConvolution3D(tf.keras.layers.Layer):
  """Doubles a volume by nearest neighbour and convolves it: [n, X, Y, Z, c] -> [n, 2X, 2Y, 2Z, f].

  The result is that of UpSampling3D(2) and Conv3D(filters, 3, padding='same') of the same weights.
  Both steps are linear, so that they make one convolution, with the taps added up that meet the
  same source voxel: 8 products a voxel instead of 27, and no upsampled copy in memory. On a CPU this
  is three times as fast.
  """

  def __init__(self, filters: int, use_bias: bool = True, bias_initializer: str = 'zeros', **kwargs):
    super().__init__(**kwargs)
    if filters < 1:
      raise ValueError(f'filters is {filters}, expected at least 1')
    self.filters = filters
    self.use_bias = use_bias
    self.bias_initializer = tf.keras.initializers.get(bias_initializer)

  def build(self, input_shape):
    self.kernel = self.add_weight('kernel', (3, 3, 3, input_shape[-1], self.filters))
    if self.use_bias:
      self.bias = self.add_weight('bias', (self.filters,), initializer=self.bias_initializer)
    self._unfold = UnfoldVoxels(dtype=self.dtype_policy)
    super().build(input_shape)

  def call(self, x: tf.Tensor) -> tf.Tensor:
    kernel = tf.cast(self.kernel, x.dtype)
    convolve = self._side_by_side if self.filters <= _FEW_FILTERS else self._transposed
    y = convolve(x, kernel)
    return tf.nn.bias_add(y, tf.cast(self.bias, y.dtype)) if self.use_bias else y

  def _transposed(self, x: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    # Each tap acts on two neighbours: a 4x4x4 kernel.
    for axis in range(3):
      before = [[1, 0] if i == axis else [0, 0] for i in range(5)]
      after = [[0, 1] if i == axis else [0, 0] for i in range(5)]
      kernel = tf.pad(kernel, before) + tf.pad(kernel, after)
    # A transposed convolution wants its kernel mirrored, and output channels before the input's.
    kernel = tf.transpose(tf.reverse(kernel, [0, 1, 2]), [0, 1, 2, 4, 3])
    n, size = tf.shape(x)[0], [2 * n for n in x.shape[1:4]]
    return tf.nn.conv3d_transpose(x, kernel, [n, *size, self.filters], strides=2, padding='SAME')

  def _side_by_side(self, x: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    taps = tf.cast(_TAPS, x.dtype)
    kernels = tf.einsum('aip,bjq,ckr,pqruv->ijkuabcv', taps, taps, taps, kernel)
    kernels = tf.reshape(kernels, [3, 3, 3, x.shape[-1], 8 * self.filters])
    return self._unfold(tf.nn.conv3d(x, kernels, strides=[1] * 5, padding='SAME'))

  def get_config(self):
    return {
      **super().get_config(),
      'filters': self.filters,
      'use_bias': self.use_bias,
      'bias_initializer': tf.keras.initializers.serialize(self.bias_initializer),
    }
