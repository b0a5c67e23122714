"""Nearest-neighbour upsampling of slices."""

import tensorflow as tf


@tf.keras.utils.register_keras_serializable('keras_itm')
class NearestUpsampling2D(tf.keras.layers.Layer):
  """Doubles maps by nearest neighbour: [n, X, Y, c] -> [n, 2X, 2Y, c].

  As fast on a CPU as the Keras layer UpSampling2D, whose gradient XLA does not know.
  """

  def call(self, x: tf.Tensor) -> tf.Tensor:
    return doubled(x)


def doubled(x: tf.Tensor) -> tf.Tensor:
  """Each pixel four times: [n, X, Y, c] -> [n, 2X, 2Y, c]."""
  height, width, channels = x.shape[1:]
  x = tf.reshape(tf.concat([x, x], axis=-1), [-1, height, 1, 2 * width * channels])
  return tf.reshape(tf.concat([x, x], axis=2), [-1, 2 * height, 2 * width, channels])
