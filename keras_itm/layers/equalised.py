"""Layers whose weights all learn at the same pace, whatever their number of inputs.

Weights are drawn from N(0, 1) and scaled where they are used, by 1 / sqrt(inputs of an output), so that
Adam, whose steps do not know the scale of a weight, moves all layers alike (Karras et al. 2018, 4.1).
"""

import math
from typing import Any

import tensorflow as tf

from keras_itm.layers.blurred_resampling import halving_convolution

_LEAKINESS = 0.2


def scaled_leaky_relu(x: tf.Tensor) -> tf.Tensor:
  """LeakyReLU 0.2 times sqrt(2), which about keeps the mean square of its input."""
  return tf.nn.leaky_relu(x, _LEAKINESS) * math.sqrt(2)


def add_normal_weight(layer: tf.keras.layers.Layer, shape: tuple[int, ...], stddev: float = 1.0) -> Any:
  """A kernel of a layer, from N(0, stddev^2)."""
  initializer = tf.keras.initializers.RandomNormal(0.0, stddev)
  return layer.add_weight(name='kernel', shape=shape, initializer=initializer)


def scaled_kernel(kernel: Any, dtype: tf.DType | str, rate: float = 1.0) -> tf.Tensor:
  """A kernel [..., inputs, outputs] over the root of how many values make one output, times a rate."""
  fan_in = math.prod(kernel.shape[:-1])
  return tf.cast(kernel, dtype) * (rate / math.sqrt(fan_in))


@tf.keras.utils.register_keras_serializable('keras_itm')
class EqualisedDense(tf.keras.layers.Layer):
  """A dense layer at the equalised rate: [n, c] -> [n, units]."""

  def __init__(
    self,
    units: int,
    rate: float = 1.0,
    initial_bias: float = 0.0,
    activated: bool = False,
    **kwargs: Any,
  ):
    """Prepares the layer.

    Args:
      units: Outputs.
      rate: How fast it learns beside the others: kernel and bias are kept 1 / rate as large and
        multiplied by it where they are used.
      initial_bias: What the bias adds at first.
      activated: Whether `scaled_leaky_relu` follows.
      **kwargs: Of every Keras layer.

    Raises:
      ValueError: No unit, or a rate that is not above 0.
    """
    if units < 1 or rate <= 0:
      raise ValueError(f'units {units}, rate {rate}: expected at least 1 and more than 0')
    super().__init__(**kwargs)
    self.units = units
    self.rate = rate
    self.initial_bias = initial_bias
    self.activated = activated

  def build(self, input_shape):
    self.kernel = add_normal_weight(self, (input_shape[-1], self.units), 1 / self.rate)
    bias = tf.keras.initializers.Constant(self.initial_bias / self.rate)
    self.bias = self.add_weight(name='bias', shape=(self.units,), initializer=bias)
    super().build(input_shape)

  def call(self, x: tf.Tensor) -> tf.Tensor:
    kernel = scaled_kernel(self.kernel, x.dtype, self.rate)
    y = tf.matmul(x, kernel) + tf.cast(self.bias, x.dtype) * self.rate
    return scaled_leaky_relu(y) if self.activated else y

  def get_config(self):
    names = ('units', 'rate', 'initial_bias', 'activated')
    return {**super().get_config(), **{name: getattr(self, name) for name in names}}


@tf.keras.utils.register_keras_serializable('keras_itm')
class EqualisedConv2D(tf.keras.layers.Layer):
  """A convolution at the equalised rate: [n, X, Y, c] -> [n, X, Y, filters], or half the size.

  With an activation it has a bias, which is added before it; without, it is linear.
  """

  def __init__(
    self,
    filters: int,
    kernel_size: int,
    activated: bool = True,
    halved: bool = False,
    **kwargs: Any,
  ):
    """Prepares the layer.

    Args:
      filters: Channels of its maps.
      kernel_size: Taps along either axis, odd.
      activated: Whether a bias and `scaled_leaky_relu` follow.
      halved: Whether maps are blurred and every second value is kept.
      **kwargs: Of every Keras layer.

    Raises:
      ValueError: No filter, or an even kernel.
    """
    if filters < 1 or kernel_size % 2 != 1:
      raise ValueError(f'filters {filters}, kernel_size {kernel_size}: expected 1 or more, and odd')
    super().__init__(**kwargs)
    self.filters = filters
    self.kernel_size = kernel_size
    self.activated = activated
    self.halved = halved

  def build(self, input_shape):
    size = (self.kernel_size, self.kernel_size)
    self.kernel = add_normal_weight(self, (*size, input_shape[-1], self.filters))
    if self.activated:
      self.bias = self.add_weight(name='bias', shape=(self.filters,), initializer='zeros')
    super().build(input_shape)

  def call(self, x: tf.Tensor) -> tf.Tensor:
    kernel = scaled_kernel(self.kernel, x.dtype)
    y = halving_convolution(x, kernel) if self.halved else tf.nn.conv2d(x, kernel, 1, 'SAME')
    return scaled_leaky_relu(y + tf.cast(self.bias, y.dtype)) if self.activated else y

  def get_config(self):
    names = ('filters', 'kernel_size', 'activated', 'halved')
    return {**super().get_config(), **{name: getattr(self, name) for name in names}}


@tf.keras.utils.register_keras_serializable('keras_itm')
class ChannelBias(tf.keras.layers.Layer):
  """Adds a number to each channel, [..., c] -> [..., c]; an activation may follow."""

  def __init__(self, initial: float | list[float] = 0.0, activated: bool = False, **kwargs: Any):
    """Prepares the layer.

    Args:
      initial: What is added at first: one number, or one for each channel.
      activated: Whether `scaled_leaky_relu` follows.
      **kwargs: Of every Keras layer.
    """
    super().__init__(**kwargs)
    self.initial = initial
    self.activated = activated

  def build(self, input_shape):
    initializer = tf.keras.initializers.Constant(self.initial)
    self.bias = self.add_weight(name='bias', shape=(input_shape[-1],), initializer=initializer)
    super().build(input_shape)

  def call(self, x: tf.Tensor) -> tf.Tensor:
    y = x + tf.cast(self.bias, x.dtype)
    return scaled_leaky_relu(y) if self.activated else y

  def get_config(self):
    return {**super().get_config(), 'initial': self.initial, 'activated': self.activated}
