"""What all models share: means of per-example values as logs, and steps of an optimizer."""

from typing import Any

import tensorflow as tf

from keras_itm import stack
from keras_itm.checks import Check
from keras_itm.random_state import SavesRandomState
from keras_itm.stack import LossScaleOptimizer


class TrackedModel(SavesRandomState, tf.keras.Model):
  """Keeps a running mean for each name and returns them all as an epoch's logs.

  `save('x.keras')` keeps networks, averages, optimizers and random states, and `load_model` brings them
  back, so that `fit` goes on as if the model had never been away. The arguments of a subclass are its
  configuration, networks among them.

  Attributes:
    optimizer_names: Arguments of `compile` and attributes that hold an optimizer.
  """

  optimizer_names: tuple[str, ...] = ('optimizer',)

  def __init__(self, names: tuple[str, ...], name: str | None):
    super().__init__(name=name)
    self._trackers = {name: tf.keras.metrics.Mean(name=name) for name in names}
    self._kept_metrics = stack.kept_in_checkpoints(self.metrics)
    # Nothing is left to build: networks are built when they come.
    self.built = True

  @property
  def checks(self) -> tuple[Check, ...]:
    """What an epoch's logs must fulfil for the training to go on."""
    return ()

  @property
  def metrics(self) -> list[tf.keras.metrics.Metric]:
    return list(self._trackers.values())

  def compile(self, *args: Any, jit_compile: bool = False, **options: Any) -> None:
    """As `tf.keras.Model.compile`, but without XLA where it is not asked for, on all devices."""
    super().compile(*args, jit_compile=jit_compile, **options)

  def get_config(self) -> dict[str, Any]:
    return {'name': self.name}

  @classmethod
  def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None):
    load = lambda value: tf.keras.utils.deserialize_keras_object(value, custom_objects)
    return cls(**{name: load(value) for name, value in config.items()})

  def get_compile_config(self) -> dict[str, Any] | None:
    config = super().get_compile_config()
    if config is None:
      return None
    # Keras knows one optimizer, under its own name.
    config.pop('optimizer')
    return {**config, **{name: _save_optimizer(getattr(self, name)) for name in self.optimizer_names}}

  def compile_from_config(self, config: dict[str, Any]) -> None:
    self.compile(**tf.keras.utils.deserialize_keras_object(config))

  def extra_variables(self) -> dict[str, tf.Variable]:
    optimizers = {name: getattr(self, name, None) for name in self.optimizer_names}
    counters = {
      f'{name}_counter': variable
      for name, optimizer in optimizers.items()
      for variable in stack.unsaved_variables(optimizer)
    }
    return {**super().extra_variables(), **counters}

  def track(self, values: dict[str, tf.Tensor]) -> None:
    """Adds per-example values [n] by name."""
    for name, value in values.items():
      self._trackers[name].update_state(value)

  def results(self) -> dict[str, tf.Tensor]:
    return stack.logs_of_step({name: mean.result() for name, mean in self._trackers.items()})


def get_optimizer(optimizer: tf.keras.optimizers.Optimizer | str) -> tf.keras.optimizers.Optimizer:
  """An optimizer, also by name as Keras knows it.

  Under the policy mixed_float16, whose small gradients would vanish, it gets loss scaling.
  """
  optimizer = tf.keras.optimizers.get(optimizer)
  is_scaled = isinstance(optimizer, LossScaleOptimizer)
  if tf.keras.mixed_precision.global_policy().name != 'mixed_float16' or is_scaled:
    return optimizer
  return LossScaleOptimizer(optimizer)


def _save_optimizer(optimizer: tf.keras.optimizers.Optimizer) -> dict[str, Any]:
  config = tf.keras.utils.serialize_keras_object(optimizer)
  if isinstance(optimizer, LossScaleOptimizer):
    # Keras keeps the scale that it began with.
    config['config']['initial_scale'] = stack.loss_scale(optimizer)
  return config


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
  gradients = stack.gradients_for(optimizer, tape, values, weight, variables)
  optimizer.apply_gradients(zip(gradients, variables))
