"""The mean of what training has seen, forgotten slowly."""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from keras_itm import stack


@tf.keras.utils.register_keras_serializable('keras_itm')
class MovingMean(tf.keras.layers.Layer):
  """Moving average of values over steps; called, it tells how far values are from it.

  values [n, *shape] -> values less the average, the same shape.
  """

  def __init__(self, shape: Sequence[int], decay: float, **kwargs: Any):
    """Starts at 0.

    Args:
      shape: Of one example's values.
      decay: Share of the old average that a step keeps, in [0, 1).
      **kwargs: Of every Keras layer.

    Raises:
      ValueError: A decay outside of [0, 1).
    """
    if not 0 <= decay < 1:
      raise ValueError(f'decay is {decay}, expected a number in [0, 1)')
    super().__init__(**{**kwargs, 'trainable': False, 'dtype': 'float32'})
    self.shape = tuple(shape)
    self.decay = decay
    options = {'initializer': 'zeros', 'trainable': False, **stack.SHARED_WEIGHT}
    self.mean = self.add_weight(name='mean', shape=self.shape, **options)
    self.built = True

  def call(self, values: tf.Tensor) -> tf.Tensor:
    return values - tf.cast(self.mean, values.dtype)

  def update(self, values: tf.Tensor, weight: tf.Tensor | float = 1.0) -> None:
    """Moves the average towards the mean of the values of all replicas, [n, *shape].

    Call it in replica context, in every step; where `weight` is 0 nothing moves.
    """
    batch = tf.reduce_mean(tf.cast(values, tf.float32), axis=0)
    batch = tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.MEAN, batch)
    mean = stack.plain(self.mean)
    mean.assign(mean + weight * (1 - self.decay) * (batch - mean))

  def get_config(self):
    return {**super().get_config(), 'shape': self.shape, 'decay': self.decay}
