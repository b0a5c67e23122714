"""Parts of a vector."""

from collections.abc import Sequence

import tensorflow as tf


@tf.keras.utils.register_keras_serializable('keras_itm')
class Split(tf.keras.layers.Layer):
  """Cuts vectors into consecutive parts: [n, sum of sizes] -> list of [n, size]."""

  def __init__(self, sizes: Sequence[int], **kwargs):
    """Prepares the layer.

    Args:
      sizes: Length of each part.
      **kwargs: Of every Keras layer.

    Raises:
      ValueError: No part, or an empty one.
    """
    if not sizes or min(sizes) < 1:
      raise ValueError(f'sizes are {tuple(sizes)}, expected at least one and each at least 1')
    super().__init__(**kwargs)
    self.sizes = tuple(sizes)

  def call(self, x: tf.Tensor) -> list[tf.Tensor]:
    return tf.split(x, self.sizes, axis=1)

  def get_config(self):
    return {**super().get_config(), 'sizes': self.sizes}
