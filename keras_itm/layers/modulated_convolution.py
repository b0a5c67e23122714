"""Convolution whose kernel a style scales for each example (Karras et al. 2020, section 2.2)."""

from typing import Any

import tensorflow as tf

from keras_itm.layers.blurred_resampling import doubling_convolution
from keras_itm.layers.equalised import EqualisedDense, add_normal_weight, scaled_kernel

_TINY = 1e-8


@tf.keras.utils.register_keras_serializable('keras_itm')
class ModulatedConv2D(tf.keras.layers.Layer):
  """(maps [n, X, Y, c], style [n, w]) -> maps [n, X, Y, filters], or of twice the size.

  A dense layer turns the style into a scale for each input channel of the kernel; demodulation then
  brings each output channel of the scaled kernel to norm 1. Instead of a kernel for each example, the
  inputs are scaled before one convolution for all and the outputs after it, which is the same.
  """

  def __init__(
    self,
    filters: int,
    kernel_size: int,
    doubled: bool = False,
    demodulated: bool = True,
    **kwargs: Any,
  ):
    """Prepares the layer.

    Args:
      filters: Channels of its maps.
      kernel_size: Taps along either axis, odd; 3 where maps are doubled.
      doubled: Whether it is a transposed convolution with a blur, which doubles the maps.
      demodulated: Whether outputs are brought to the scale of unit kernels.
      **kwargs: Of every Keras layer.

    Raises:
      ValueError: No filter, or a kernel of another size.
    """
    if filters < 1 or kernel_size % 2 != 1 or (doubled and kernel_size != 3):
      raise ValueError(
        f'filters {filters}, kernel_size {kernel_size}: expected 1 or more, and odd, or 3 to double'
      )
    super().__init__(**kwargs)
    self.filters = filters
    self.kernel_size = kernel_size
    self.doubled = doubled
    self.demodulated = demodulated

  def build(self, input_shape):
    maps, style = input_shape
    self.affine = EqualisedDense(maps[-1], initial_bias=1.0, name='affine', dtype=self.dtype_policy)
    self.affine.build(style)
    size = (self.kernel_size, self.kernel_size)
    self.kernel = add_normal_weight(self, (*size, maps[-1], self.filters))
    super().build(input_shape)

  def call(self, inputs: tuple[tf.Tensor, tf.Tensor]) -> tf.Tensor:
    maps, style = inputs
    kernel = scaled_kernel(self.kernel, maps.dtype)
    scale = self.affine(style)
    x = maps * scale[:, tf.newaxis, tf.newaxis, :]
    y = doubling_convolution(x, kernel) if self.doubled else tf.nn.conv2d(x, kernel, 1, 'SAME')
    if not self.demodulated:
      return y
    gain = tf.cast(self._gain(scale, kernel), y.dtype)
    return y * gain[:, tf.newaxis, tf.newaxis, :]

  def _gain(self, scale: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    """One over the norm of each output channel's scaled kernel, [n, filters], float32."""
    scale, kernel = tf.cast(scale, tf.float32), tf.cast(kernel, tf.float32)
    squares = tf.matmul(tf.square(scale), tf.reduce_sum(tf.square(kernel), axis=[0, 1]))
    return tf.math.rsqrt(squares + _TINY)

  def compute_output_shape(self, input_shape):
    n, height, width, _ = input_shape[0]
    factor = 2 if self.doubled else 1
    return n, factor * height, factor * width, self.filters

  def get_config(self):
    names = ('filters', 'kernel_size', 'doubled', 'demodulated')
    return {**super().get_config(), **{name: getattr(self, name) for name in names}}
