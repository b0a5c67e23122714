"""What all models share: means of per-example values as logs, and steps of an optimizer."""

import tensorflow as tf

from keras_itm.checks import Check


class TrackedModel(tf.keras.Model):
  """Keeps a running mean for each name and returns them all as an epoch's logs.

  Attributes:
    checks: What an epoch's logs must fulfil for the training to go on.
    initial_position: (epoch, step within it), from 0, at which `fit` begins, set where a training
      is resumed; None for the beginning of `initial_epoch`.
  """

  checks: tuple[Check, ...] = ()
  initial_position: tuple[int, int] | None = None

  def __init__(self, names: tuple[str, ...], name: str):
    super().__init__(name=name)
    self._trackers = {name: tf.keras.metrics.Mean(name=name) for name in names}

  @property
  def metrics(self) -> list[tf.keras.metrics.Metric]:
    return list(self._trackers.values())

  def track(self, values: dict[str, tf.Tensor]) -> None:
    """Adds per-example values [n] by name."""
    for name, value in values.items():
      self._trackers[name].update_state(value)

  def results(self) -> dict[str, tf.Tensor]:
    return {name: tracker.result() for name, tracker in self._trackers.items()}

  def _maybe_load_initial_counters_from_ckpt(self, steps_per_epoch, initial_epoch):
    # Keras' own BackupAndRestore goes on within an epoch by this; its form is that of Keras 2.15.
    return self.initial_position or (initial_epoch, 0)


def scaled_if_needed(optimizer: tf.keras.optimizers.Optimizer) -> tf.keras.optimizers.Optimizer:
  """Adds loss scaling under the policy mixed_float16, whose small gradients would vanish."""
  if tf.keras.mixed_precision.global_policy().name == 'mixed_float16':
    return tf.keras.mixed_precision.LossScaleOptimizer(optimizer)
  return optimizer


def apply_gradients_of_mean(
  optimizer: tf.keras.optimizers.Optimizer,
  tape: tf.GradientTape,
  values: tf.Tensor,
  variables: list[tf.Variable],
) -> None:
  """One step of the optimizer on the mean of an objective over the examples of all replicas.

  Args:
    optimizer: Built with `variables`.
    tape: Holds how `values` came about; it has ended.
    values: The objective of each example of this replica, [n].
    variables: What is moved.
  """
  # The gradient of a mean: examples per replica times replicas.
  n = tf.size(values) * tf.distribute.get_strategy().num_replicas_in_sync
  weight = tf.fill(tf.shape(values), 1 / tf.cast(n, values.dtype))
  if not isinstance(optimizer, tf.keras.mixed_precision.LossScaleOptimizer):
    gradients = tape.gradient(values, variables, output_gradients=weight)
  else:
    scaled = tape.gradient(values, variables, output_gradients=weight * optimizer.loss_scale)
    gradients = optimizer.get_unscaled_gradients(scaled)
  optimizer.apply_gradients(zip(gradients, variables))
