"""Nearest-neighbour upsampling and a convolution, in one operation where that is faster."""

import numpy as np
import tensorflow as tf

from keras_itm.layers.nearest_upsampling import doubled
from keras_itm.layers.space_to_depth import spread

# Up to here the eight kernels of a block of voxels are convolved side by side, which a CPU does
# faster than a transposed convolution of few channels.
_FEW_FILTERS = 4

# Measured on a CPU: maps up to here are convolved faster as a product of matrices, whose gradient by
# the kernel does not wait for a kernel of another layout,
_SMALL_MAP = 4
# and from here on by a transposed convolution.
_LARGE_MAP = 32

# [place in block, source voxel (before, same, after), tap of the kernel]
_TAPS = np.array([[[1, 0, 0], [0, 1, 1], [0, 0, 0]], [[0, 0, 0], [1, 1, 0], [0, 0, 1]]], np.float32)


@tf.keras.utils.register_keras_serializable('keras_itm')
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
    self.kernel = self.add_weight(name='kernel', shape=(3, 3, 3, input_shape[-1], self.filters))
    if self.use_bias:
      self.bias = self.add_weight(name='bias', shape=(self.filters,), initializer=self.bias_initializer)
    super().build(input_shape)

  def call(self, x: tf.Tensor) -> tf.Tensor:
    kernel = tf.cast(self.kernel, x.dtype)
    convolve = self._side_by_side if self.filters <= _FEW_FILTERS else self._transposed
    y = convolve(x, kernel)
    return tf.nn.bias_add(y, tf.cast(self.bias, y.dtype)) if self.use_bias else y

  def _transposed(self, x: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    n, size = tf.shape(x)[0], [2 * n for n in x.shape[1:4]]
    kernel = _doubling_kernel(kernel)
    return tf.nn.conv3d_transpose(x, kernel, [n, *size, self.filters], strides=2, padding='SAME')

  def _side_by_side(self, x: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    taps = tf.cast(_TAPS, x.dtype)
    kernels = tf.einsum('aip,bjq,ckr,pqruv->ijkuabcv', taps, taps, taps, kernel)
    kernels = tf.reshape(kernels, [3, 3, 3, x.shape[-1], 8 * self.filters])
    return spread(tf.nn.conv3d(x, kernels, strides=[1] * 5, padding='SAME'))

  def get_config(self):
    return {
      **super().get_config(),
      'filters': self.filters,
      'use_bias': self.use_bias,
      'bias_initializer': tf.keras.initializers.serialize(self.bias_initializer),
    }


@tf.keras.utils.register_keras_serializable('keras_itm')
class UpsamplingConvolution2D(tf.keras.layers.Conv2D):
  """Doubles maps by nearest neighbour and convolves them: [n, X, Y, c] -> [n, 2X, 2Y, f].

  Weights and result are those of UpSampling2D() and Conv2D(filters, 4, padding='same'), for 9 products
  a value or 25 / 4 on large maps instead of 16, without the upsampled copy. Small maps take as many as
  ever, in an order that is kinder to a CPU.
  """

  def __init__(self, filters: int, **kwargs):
    super().__init__(filters, 4, padding='same', **kwargs)

  def convolution_op(self, inputs: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    if max(inputs.shape[1:3]) <= _SMALL_MAP:
      return self._product(doubled(inputs), kernel)
    if min(inputs.shape[1:3]) < _LARGE_MAP:
      return self._side_by_side(inputs, kernel)
    return self._transposed(inputs, kernel)

  def _side_by_side(self, x: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    places = [place for row in _places(kernel, axis=0) for place in _places(row, axis=1)]
    return tf.nn.depth_to_space(tf.nn.conv2d(x, tf.concat(places, axis=-1), 1, 'SAME'), 2)

  def _transposed(self, x: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    shape = [tf.shape(x)[0], *(2 * n for n in x.shape[1:3]), self.filters]
    # As 'same' pads an even kernel: one less before than after, in the map that is not there.
    padding = [[0, 0], [2, 1], [2, 1], [0, 0]]
    return tf.nn.conv2d_transpose(x, _doubling_kernel(kernel), shape, 2, padding)

  def _product(self, x: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    height, width, channels = x.shape[1:]
    padded = tf.pad(x, [[0, 0], [1, 2], [1, 2], [0, 0]])
    taps = [padded[:, i : i + height, j : j + width] for i in range(4) for j in range(4)]
    patches = tf.reshape(tf.concat(taps, axis=-1), [-1, 16 * channels])
    y = tf.matmul(patches, tf.reshape(kernel, [16 * channels, self.filters]))
    return tf.reshape(y, [-1, height, width, self.filters])

  def compute_output_shape(self, input_shape):
    n, height, width, _ = input_shape
    return n, 2 * height, 2 * width, self.filters

  def get_config(self):
    fixed = ('kernel_size', 'padding')
    return {name: value for name, value in super().get_config().items() if name not in fixed}


def _places(kernel: tf.Tensor, axis: int) -> tuple[tf.Tensor, tf.Tensor]:
  """The 4 taps along an axis as 3 on the map before it is doubled, for even and odd values of it."""
  a, b, c, d = tf.split(kernel, 4, axis)
  return tf.concat([a, b + c, d], axis), tf.concat([tf.zeros_like(a), a + b, c + d], axis)


def _doubling_kernel(kernel: tf.Tensor) -> tf.Tensor:
  """The kernel [k, ..., c, f] as that of a transposed convolution of stride 2, [k + 1, ..., f, c].

  Each tap acts on two neighbours of the doubled map, which are one value before.
  """
  rank = len(kernel.shape)
  for axis in range(rank - 2):
    before = [[1, 0] if i == axis else [0, 0] for i in range(rank)]
    after = [[0, 1] if i == axis else [0, 0] for i in range(rank)]
    kernel = tf.pad(kernel, before) + tf.pad(kernel, after)
  # A transposed convolution wants its kernel mirrored, and output channels before the input's.
  kernel = tf.reverse(kernel, list(range(rank - 2)))
  return tf.transpose(kernel, [*range(rank - 2), rank - 1, rank - 2])
