"""Dropout that goes on exactly where a checkpoint left it."""

import random

import tensorflow as tf


class Dropout(tf.keras.layers.Layer):
  """Drops a share of the activations in training and scales up the rest, [n, ...] -> [n, ...].

  Keras' own layer draws the same; but checkpoints leave its random state out, so that a resumed
  training would drop what the first steps dropped.
  """

  def __init__(self, rate: float, seed: int | None = None, **kwargs):
    """Prepares the draw.

    Args:
      rate: Share that is dropped, in [0, 1).
      seed: Of the draws; without it, one from `random`, which tf.keras.utils.set_random_seed seeds.
      **kwargs: Of every Keras layer.

    Raises:
      ValueError: A rate outside [0, 1).
    """
    if not 0 <= rate < 1:
      raise ValueError(f'dropout rate is {rate}, expected a number in [0, 1)')
    super().__init__(**kwargs)
    self.rate = rate
    self.seed = seed
    self.generator = tf.random.Generator.from_seed(random.getrandbits(31) if seed is None else seed)

  def call(self, x: tf.Tensor, training: bool = False) -> tf.Tensor:
    if not training or not self.rate:
      return x
    return tf.nn.experimental.general_dropout(x, self.rate, self._uniform)

  def _uniform(self, shape: tf.Tensor, dtype: tf.DType) -> tf.Tensor:
    # Drawn in float32: coarser types hold too few numbers for a small rate.
    return tf.cast(self.generator.uniform(shape), dtype)

  def get_config(self):
    return {**super().get_config(), 'rate': self.rate, 'seed': self.seed}
