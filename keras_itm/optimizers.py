"""Adam, with less traffic to memory."""

import gin
import tensorflow as tf


@gin.register
@tf.keras.saving.register_keras_serializable('keras_itm')
class Adam(tf.keras.optimizers.Adam):
  """Keras' Adam, its update of a variable in a single operation.

  The numbers and the checkpoints are those of Keras, which reads and writes each variable and each
  moment several times in a step.
  """

  def __init__(self, *args, **kwargs):
    super().__init__(*args, **kwargs)
    if self.amsgrad:
      raise ValueError('amsgrad is True, expected False: the single operation does without')

  def update_step(self, gradient: tf.Tensor, variable: tf.Variable) -> None:
    step = tf.cast(self.iterations + 1, variable.dtype)
    beta_1, beta_2 = (tf.cast(beta, variable.dtype) for beta in (self.beta_1, self.beta_2))
    index = self._index_dict[self._var_key(variable)]
    tf.raw_ops.ResourceApplyAdam(
      var=variable.handle,
      m=self._momentums[index].handle,
      v=self._velocities[index].handle,
      beta1_power=beta_1**step,
      beta2_power=beta_2**step,
      lr=tf.cast(self.learning_rate, variable.dtype),
      beta1=beta_1,
      beta2=beta_2,
      epsilon=self.epsilon,
      grad=gradient,
    )
