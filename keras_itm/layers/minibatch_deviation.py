"""How much the examples of a batch differ, as a further channel for a discriminator."""

from typing import Any

import tensorflow as tf

_TINY = 1e-8


@tf.keras.utils.register_keras_serializable('keras_itm')
class MinibatchDeviation(tf.keras.layers.Layer):
  """Adds a channel with the mean standard deviation of a group: [n, X, Y, c] -> [n, X, Y, c + 1].

  A discriminator that sees it notices a generator whose examples are all alike (Karras et al. 2018,
  section 3). Groups are consecutive examples, so that devices that share a batch judge as one does.
  """

  def __init__(self, group: int = 4, **kwargs: Any):
    """Prepares the layer.

    Args:
      group: Examples that are compared; where it does not divide the batch, the largest smaller
        number that does.
      **kwargs: Of every Keras layer.

    Raises:
      ValueError: A group of less than 1.
    """
    if group < 1:
      raise ValueError(f'group is {group}, expected at least 1')
    super().__init__(**kwargs)
    self.group = group

  def call(self, x: tf.Tensor) -> tf.Tensor:
    group = self._group_of(tf.shape(x)[0])
    y = tf.reshape(tf.cast(x, tf.float32), [-1, group, *x.shape[1:]])
    variance = tf.reduce_mean(tf.square(y - tf.reduce_mean(y, axis=1, keepdims=True)), axis=1)
    deviation = tf.reduce_mean(tf.sqrt(variance + _TINY), axis=[1, 2, 3])
    own = tf.cast(tf.repeat(deviation, group), x.dtype)[:, tf.newaxis, tf.newaxis, tf.newaxis]
    return tf.concat([x, own * tf.ones_like(x[..., :1])], axis=-1)

  def _group_of(self, n: tf.Tensor) -> tf.Tensor:
    sizes = tf.range(1, self.group + 1)
    return tf.reduce_max(tf.where(n % sizes == 0, sizes, 1))

  def get_config(self):
    return {**super().get_config(), 'group': self.group}
