"""Adam, with less traffic to memory."""

import gin
import tensorflow as tf

from keras_itm import stack


@gin.register
@tf.keras.utils.register_keras_serializable('keras_itm')
class Adam(tf.keras.optimizers.Adam):
  """Keras' Adam, its update of a variable in a single operation.

  The numbers and the checkpoints are those of Keras, which reads and writes each variable and each
  moment several times in a step.
  """

  def __init__(self, *args, **kwargs):
    super().__init__(*args, **kwargs)
    if self.amsgrad:
      raise ValueError('amsgrad is True, expected False: the single operation does without')

  def update_step(
    self, gradient: tf.Tensor, variable: tf.Variable, learning_rate: tf.Tensor | None = None
  ) -> None:
    """Moves a variable; Keras 3 gives the learning rate, Keras 2 leaves it to be asked for."""
    learning_rate = self.learning_rate if learning_rate is None else learning_rate
    step = tf.cast(self.iterations + 1, variable.dtype)
    beta_1, beta_2 = (tf.cast(beta, variable.dtype) for beta in (self.beta_1, self.beta_2))
    first, second = stack.moments(self, variable)
    tf.raw_ops.ResourceApplyAdam(
      var=variable.handle,
      m=first.handle,
      v=second.handle,
      beta1_power=beta_1**step,
      beta2_power=beta_2**step,
      lr=tf.cast(learning_rate, variable.dtype),
      beta1=beta_1,
      beta2=beta_2,
      epsilon=self.epsilon,
      grad=gradient,
    )
