"""Linear interpolation to twice the size, by products of matrices.

The operations of TensorFlow that resize images have no gradient of their gradient, which a penalty on
path lengths needs.
"""

import numpy as np
import tensorflow as tf


@tf.keras.utils.register_keras_serializable('keras_itm')
class LinearDoubling(tf.keras.layers.Layer):
  """Doubles maps linearly: [n, X, Y, c] -> [n, 2X, 2Y, c].

  New values lie a quarter of a pixel before and after each old one; edges go on as they are.
  """

  def call(self, x: tf.Tensor) -> tf.Tensor:
    height, width, channels = x.shape[1:]
    x = tf.reshape(x, [-1, height, width * channels])
    x = tf.matmul(tf.constant(_matrix(height), x.dtype), x)
    x = tf.reshape(x, [-1, 2 * height, width, channels])
    return tf.matmul(tf.constant(_matrix(width), x.dtype), x)


def _matrix(size: int) -> np.ndarray:
  """[2 size, size]; rows add up to 1."""
  own = np.eye(size).repeat(2, axis=0)
  neighbour = np.clip(np.arange(2 * size) // 2 + np.tile([-1, 1], size), 0, size - 1)
  return 0.75 * own + 0.25 * np.eye(size)[neighbour]
