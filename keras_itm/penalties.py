"""Penalties on networks that losses alone do not tame; one value per example, any rank."""

from collections.abc import Callable

import tensorflow as tf

# Keeps the derivative of the norm finite where the gradient vanishes.
_TINY = 1e-12


def gradient_penalty(
  critic: Callable[[tf.Tensor], tf.Tensor], real: tf.Tensor, fake: tf.Tensor, alpha: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
  """How far the critic is from slope 1 between real and fake (Gulrajani et al. 2017, eq. 3).

  Args:
    critic: Maps examples to one score each; examples must not influence each other's score.
    real: Real examples, [n, ...].
    fake: Generated examples, the shape of `real`.
    alpha: Where on the line from real (0) to fake (1) to look, [n], uniform draws.

  Returns:
    The penalty (norm - 1)^2, [n], and the norm of the gradient, [n], both float32.
  """
  real, fake = tf.convert_to_tensor(real), tf.convert_to_tensor(fake)
  weight = tf.reshape(tf.cast(alpha, real.dtype), [-1] + [1] * (real.shape.rank - 1))
  between = real + weight * (fake - real)
  with tf.GradientTape(watch_accessed_variables=False) as tape:
    tape.watch(between)
    scores = critic(between)
  slope = tf.cast(tape.gradient(scores, between), tf.float32)
  squares = tf.reduce_sum(tf.square(slope), axis=list(range(1, real.shape.rank)))
  norm = tf.sqrt(squares + _TINY)
  return tf.square(norm - 1.0), norm
