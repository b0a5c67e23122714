"""Dropout that goes on exactly where a checkpoint left it."""

import random

import tensorflow as tf

from keras_itm.random_state import SavesRandomState

_N_VALUES = 2**16


@tf.keras.utils.register_keras_serializable('keras_itm')
class Dropout(SavesRandomState, tf.keras.layers.Layer):
  """Drops a share of the activations in training and scales up the rest, [n, ...] -> [n, ...].

  Keras' own layer does the same, but checkpoints leave its random state out, so that a resumed training
  would drop what the first steps dropped.
  """

  def __init__(self, rate: float, seed: int | None = None, **kwargs):
    """Prepares the draw.

    Args:
      rate: Share that is dropped, in [0, 1), in steps of 2^-16.
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
    n_dropped = min(round(self.rate * _N_VALUES), _N_VALUES - 1)
    is_kept = self._draw(tf.shape(x)) >= n_dropped - _N_VALUES // 2
    return x * tf.cast(is_kept, x.dtype) * (_N_VALUES / (_N_VALUES - n_dropped))

  def _draw(self, shape: tf.Tensor) -> tf.Tensor:
    """Uniform int16. Drawing is what dropout costs, so that a word of 64 bits makes four of them."""
    n = tf.reduce_prod(shape)
    words = self.generator.uniform_full_int([(n + 3) // 4], tf.int64)
    return tf.reshape(tf.reshape(tf.bitcast(words, tf.int16), [-1])[:n], shape)

  def get_config(self):
    return {**super().get_config(), 'rate': self.rate, 'seed': self.seed}
