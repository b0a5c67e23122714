"""The one place that knows which stack runs: Keras 3, or Keras 2.15 with tensorflow-addons.

All else is written once, for what both have in common. Two sets of versions are known to work; others
are refused here, before Keras is imported.
"""

import contextlib
import importlib
import importlib.metadata
import os
import types
import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import tensorflow as tf

_KNOWN = (
  'known to work are TensorFlow 2.21 with Keras 3.15 (Python 3.12, 3.13), '
  'and TensorFlow 2.15 with Keras 2.15 (Python 3.10, 3.11)'
)


def find_problem(tensorflow: str, keras: str, environment: Mapping[str, str]) -> str | None:
  """What is wrong with a set of versions, in one line; None where nothing is known to be.

  Args:
    tensorflow: Its version.
    keras: The version of the package keras.
    environment: Variables of the process.
  """
  tf_numbers, keras_numbers = (tuple(map(int, v.split('.')[:2])) for v in (tensorflow, keras))
  found = f'TensorFlow {tensorflow} with Keras {keras}'
  if tf_numbers == (2, 15):
    return None if keras_numbers == (2, 15) else f'{found}: {_KNOWN}'
  if tf_numbers < (2, 21) or keras_numbers < (3, 15):
    return f'{found}: {_KNOWN}'
  if environment.get('TF_USE_LEGACY_KERAS', '').lower() in ('1', 'true'):
    return f'TF_USE_LEGACY_KERAS is set beside {found}, expected it unset: {_KNOWN}'
  backend = environment.get('KERAS_BACKEND', 'tensorflow')
  if backend != 'tensorflow':
    return f'KERAS_BACKEND is {backend!r}, expected tensorflow: {_KNOWN}'
  return None


_problem = find_problem(tf.__version__, importlib.metadata.version('keras'), os.environ)
if _problem:
  raise ImportError(_problem, name=__name__)

IS_KERAS_3 = hasattr(tf.keras, 'ops')
NAME = 'Keras 3' if IS_KERAS_3 else 'Keras 2'

_addons: types.ModuleType | None = None
if not IS_KERAS_3:
  with warnings.catch_warnings():
    # That its development has ended is known: TensorFlow 2.15 is the last that it serves.
    warnings.simplefilter('ignore', UserWarning)
    with contextlib.suppress(ImportError):
      _addons = importlib.import_module('tensorflow_addons')

LossScaleOptimizer: Any = tf.keras.mixed_precision.LossScaleOptimizer

# Options of `add_weight`: the weight keeps its type under a mixed policy, and replicas agree on it.
SHARED_WEIGHT: dict[str, Any] = (
  {'autocast': False, 'aggregation': 'only_first_replica'}
  if IS_KERAS_3
  else {
    'experimental_autocast': False,
    'aggregation': tf.VariableAggregation.ONLY_FIRST_REPLICA,
  }
)


def plain(variable: Any) -> tf.Variable:
  """A variable as TensorFlow knows it; one of Keras 3 wraps it."""
  return variable.value if IS_KERAS_3 and isinstance(variable, tf.keras.Variable) else variable


def maker_of_checkpoint(keys: Iterable[str]) -> str | None:
  """The `NAME` of the stack that wrote a checkpoint of functional networks, by its keys."""
  text = ' '.join(keys)
  if '/_operations/' in text:
    return 'Keras 3'
  return 'Keras 2' if '/layer_with_weights-' in text else None


def kept_in_checkpoints(metrics: Iterable[tf.keras.metrics.Metric]) -> tf.train.Checkpoint | None:
  """An attribute that brings metrics into their model's checkpoints, where Keras leaves them out."""
  if not IS_KERAS_3:
    return None
  return tf.train.Checkpoint(metrics=[[plain(v) for v in metric.variables] for metric in metrics])


def logs_of_step(results: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
  """What a step gives back: Keras 3 takes the mean over workers along an axis, which numbers lack."""
  strategy = tf.distribute.get_strategy()
  if IS_KERAS_3 and isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
    return {name: tf.reshape(value, [1]) for name, value in results.items()}
  return results


def same_each_time(
  make_dataset: Callable[[], tf.data.Dataset], model: tf.keras.Model
) -> tf.data.Dataset:
  """Batches for `fit` in the order in which they come when gone over for the first time.

  Under a strategy Keras 3 looks at the first batch, to learn shapes, then begins again; a dataset that
  shuffles has another order then. Made anew, it has the first one.
  """
  strategies = (tf.distribute.MirroredStrategy, tf.distribute.MultiWorkerMirroredStrategy)
  if not (IS_KERAS_3 and isinstance(model.distribute_strategy, strategies)):
    return make_dataset()
  options = make_dataset().options()
  return tf.data.Dataset.range(1).flat_map(lambda _: make_dataset()).with_options(options)


def gradients_for(
  optimizer: tf.keras.optimizers.Optimizer,
  tape: tf.GradientTape,
  values: tf.Tensor,
  weights: tf.Tensor,
  variables: list[tf.Variable],
) -> list[tf.Tensor]:
  """The gradient of sum(weights * values) as `apply_gradients` of an optimizer takes it."""
  if not isinstance(optimizer, LossScaleOptimizer):
    return tape.gradient(values, variables, output_gradients=weights)
  if IS_KERAS_3:  # It scales down by itself.
    return tape.gradient(values, variables, output_gradients=optimizer.scale_loss(weights))
  scaled = tape.gradient(values, variables, output_gradients=weights * optimizer.loss_scale)
  return optimizer.get_unscaled_gradients(scaled)


def loss_scale(optimizer: tf.keras.optimizers.Optimizer) -> float:
  """The scale that an optimizer has reached; it is built."""
  return float(optimizer.dynamic_scale if IS_KERAS_3 else optimizer.loss_scale)


def unsaved_variables(optimizer: tf.keras.optimizers.Optimizer) -> list[tf.Variable]:
  """Variables of an optimizer that its `.keras` file would lack."""
  if IS_KERAS_3 or not isinstance(optimizer, LossScaleOptimizer) or not optimizer.dynamic:
    return []
  return [optimizer.dynamic_counter]


def moments(optimizer: tf.keras.optimizers.Adam, variable: Any) -> tuple[tf.Variable, tf.Variable]:
  """Adam's first and second moment of a variable."""
  if IS_KERAS_3:
    index = optimizer._get_variable_index(variable)
  else:
    index = optimizer._index_dict[optimizer._var_key(variable)]
  return optimizer._momentums[index], optimizer._velocities[index]


class OwnInstanceNormalization(tf.keras.layers.Layer):
  """The layer of tensorflow-addons with its weights and arguments (Ulyanov et al. 2016)."""

  def __init__(
    self,
    epsilon: float = 1e-3,
    center: bool = True,
    scale: bool = True,
    beta_initializer: str = 'zeros',
    gamma_initializer: str = 'ones',
    **kwargs,
  ):
    super().__init__(**kwargs)
    self.epsilon, self.center, self.scale = epsilon, center, scale
    self.beta_initializer = tf.keras.initializers.get(beta_initializer)
    self.gamma_initializer = tf.keras.initializers.get(gamma_initializer)

  def build(self, input_shape):
    shape = (input_shape[-1],)
    self.gamma = self.beta = None
    if self.scale:
      self.gamma = self.add_weight(name='gamma', shape=shape, initializer=self.gamma_initializer)
    if self.center:
      self.beta = self.add_weight(name='beta', shape=shape, initializer=self.beta_initializer)
    super().build(input_shape)

  def call(self, x: tf.Tensor) -> tf.Tensor:
    mean, variance = tf.nn.moments(x, list(range(1, len(x.shape) - 1)), keepdims=True)
    beta, gamma = (w if w is None else tf.convert_to_tensor(w) for w in (self.beta, self.gamma))
    return tf.nn.batch_normalization(x, mean, variance, beta, gamma, self.epsilon)

  def get_config(self):
    return {
      **super().get_config(),
      'epsilon': self.epsilon,
      'center': self.center,
      'scale': self.scale,
      'beta_initializer': tf.keras.initializers.serialize(self.beta_initializer),
      'gamma_initializer': tf.keras.initializers.serialize(self.gamma_initializer),
    }


InstanceNormalization: Any = (
  _addons.layers.InstanceNormalization if _addons else OwnInstanceNormalization
)
