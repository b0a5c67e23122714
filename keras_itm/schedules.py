"""Learning rates over training."""

import gin
import tensorflow as tf


@gin.register
@tf.keras.utils.register_keras_serializable('keras_itm')
class ConstantThenLinear(tf.keras.optimizers.schedules.LearningRateSchedule):
  """Holds a learning rate, then lowers it linearly to 0: the recipe of the Pix2Pix references.

  Args:
    learning_rate: The rate up to `decay_start`.
    decay_start: Optimizer step at which it begins to fall.
    decay_steps: Steps from there to 0.
  """

  def __init__(self, learning_rate: float, decay_start: int, decay_steps: int):
    if decay_steps < 1:
      raise ValueError(f'decay_steps is {decay_steps}, expected at least 1')
    self.learning_rate = learning_rate
    self.decay_start = decay_start
    self.decay_steps = decay_steps

  def __call__(self, step: tf.Tensor) -> tf.Tensor:
    passed = (tf.cast(step, tf.float32) - self.decay_start) / self.decay_steps
    return self.learning_rate * (1 - tf.clip_by_value(passed, 0.0, 1.0))

  def get_config(self) -> dict[str, float]:
    return {
      'learning_rate': self.learning_rate,
      'decay_start': self.decay_start,
      'decay_steps': self.decay_steps,
    }
