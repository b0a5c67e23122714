"""Doubling and halving of maps behind a small blur, so that no pattern of two pixels arises."""

import numpy as np
import tensorflow as tf

_TAPS = np.array([1, 3, 3, 1], np.float32) / 8


def blur(x: tf.Tensor, gain: float = 1.0, stride: int = 1) -> tf.Tensor:
  """Weighs 4x4 neighbours by [1, 3, 3, 1] / 8 along either axis: [n, X, Y, c] -> [n, X - 3, Y - 3, c].

  Args:
    x: Maps, padded as the caller wants.
    gain: What the sum of the weights is.
    stride: Of the places that are kept.
  """
  kernel = tf.constant(gain * np.outer(_TAPS, _TAPS), x.dtype)[:, :, tf.newaxis, tf.newaxis]
  kernel = tf.tile(kernel, [1, 1, x.shape[-1], 1])
  return tf.nn.depthwise_conv2d(x, kernel, [1, stride, stride, 1], 'VALID')


def doubling_convolution(x: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
  """A transposed convolution of stride 2, then the blur: [n, X, Y, c] -> [n, 2X, 2Y, f].

  Args:
    x: Maps.
    kernel: [3, 3, c, f].
  """
  size = [2 * size + 1 for size in x.shape[1:3]]
  # Between inputs lie zeros, which the gain makes up for.
  transposed = tf.transpose(kernel[::-1, ::-1], [0, 1, 3, 2])
  y = tf.nn.conv2d_transpose(
    x, transposed, [tf.shape(x)[0], *size, kernel.shape[-1]], strides=2, padding='VALID'
  )
  return blur(_pad(y, 1), gain=4.0)


def halving_convolution(x: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
  """The blur, then a convolution of stride 2: [n, X, Y, c] -> [n, X / 2, Y / 2, f].

  Args:
    x: Maps of even size.
    kernel: [k, k, c, f], k odd.
  """
  if kernel.shape[0] == 1:  # What is not kept need not be blurred.
    return tf.nn.conv2d(blur(_pad(x, 1), stride=2), kernel, 1, 'VALID')
  return tf.nn.conv2d(blur(_pad(x, 1 + kernel.shape[0] // 2)), kernel, 2, 'VALID')


def _pad(x: tf.Tensor, width: int) -> tf.Tensor:
  return tf.pad(x, [[0, 0], [width, width], [width, width], [0, 0]])


@tf.keras.utils.register_keras_serializable('keras_itm')
class Blur(tf.keras.layers.Layer):
  """The blur at the size of its maps, their edges mirrored: [n, X, Y, c] -> [n, X, Y, c].

  It takes away a pattern of two pixels, such as a sub-pixel convolution leaves.
  """

  def call(self, x: tf.Tensor) -> tf.Tensor:
    return blur(tf.pad(x, [[0, 0], [1, 2], [1, 2], [0, 0]], 'REFLECT'))
