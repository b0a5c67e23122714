"""Convolution under spectral normalisation."""

from collections.abc import Mapping, MutableMapping

import numpy as np
import tensorflow as tf

from keras_itm import stack


@tf.keras.utils.register_keras_serializable('keras_itm')
class SpectralConv2D(tf.keras.layers.Conv2D):
  """A Conv2D whose kernel is divided by its largest singular value (Miyato et al. 2018, eq. 8).

  The singular value comes from one step of power iteration for each call in training; its vector `u`
  is part of the weights. The gradient flows through the division, as in the references. The kernel
  itself is left alone, so that replicas and graphs have nothing to overwrite.
  """

  def build(self, input_shape):
    super().build(input_shape)
    self.u = self.add_weight(
      name='u',
      shape=(self.filters,),
      initializer=tf.keras.initializers.RandomNormal(),
      trainable=False,
      # Replicas hold the same kernel, so their vectors agree.
      **stack.SHARED_WEIGHT,
    )

  # In a `.keras` file Keras 3 has the kernel and the bias of a convolution, and no other weight.

  def save_own_variables(self, store: MutableMapping[str, np.ndarray]) -> None:
    for i, weight in enumerate(self.weights):
      store[str(i)] = weight.numpy()

  def load_own_variables(self, store: Mapping[str, np.ndarray]) -> None:
    for i, weight in enumerate(self.weights):
      weight.assign(store[str(i)])

  def call(self, x: tf.Tensor, training: bool = False) -> tf.Tensor:
    kernel = self.kernel / tf.cast(self._singular_value(training), self.compute_dtype)
    y = self.convolution_op(x, kernel)
    return self.activation(tf.nn.bias_add(y, self.bias) if self.use_bias else y)

  def _singular_value(self, training: bool) -> tf.Tensor:
    matrix = tf.cast(tf.reshape(self.kernel, [-1, self.filters]), tf.float32)
    fixed = tf.stop_gradient(matrix)
    v = tf.math.l2_normalize(tf.linalg.matvec(fixed, self.u))
    u = tf.math.l2_normalize(tf.linalg.matvec(fixed, v, transpose_a=True))
    if training:
      self.u.assign(u)
    return tf.tensordot(v, tf.linalg.matvec(matrix, u), 1)
