"""Numbers as waves, so that a network tells near values apart."""

import math
from typing import Any

import tensorflow as tf


@tf.keras.utils.register_keras_serializable('keras_itm')
class FourierFeatures(tf.keras.layers.Layer):
  """Numbers [n, 1] in [0, 1] -> their sines and cosines at growing frequencies, float32 [n, size].

  Args:
    size: Features, an even number; frequencies grow geometrically from 1 to `max_frequency`.
    max_frequency: Radians per unit of the fastest wave.
    **kwargs: Of every Keras layer.

  Raises:
    ValueError: An odd or too small size.
  """

  def __init__(self, size: int, max_frequency: float = 1000.0, **kwargs: Any):
    if size < 4 or size % 2:
      raise ValueError(f'size is {size}, expected an even number of at least 4')
    super().__init__(**{**kwargs, 'dtype': 'float32'})
    self.size = size
    self.max_frequency = max_frequency

  def call(self, x: tf.Tensor) -> tf.Tensor:
    n = self.size // 2
    frequencies = tf.exp(tf.range(n, dtype=tf.float32) * (math.log(self.max_frequency) / (n - 1)))
    angles = x * frequencies
    return tf.concat([tf.sin(angles), tf.cos(angles)], axis=-1)

  def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, int]:
    return (input_shape[0], self.size)

  def get_config(self) -> dict[str, Any]:
    return {**super().get_config(), 'size': self.size, 'max_frequency': self.max_frequency}
