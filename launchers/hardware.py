"""What a training runs on: devices, precision, compiler."""

import contextlib
import dataclasses
from typing import Any

import gin
import tensorflow as tf

from stroke_tfds.errors import InputError

_PRECISIONS = ('float32', 'mixed_float16', 'mixed_bfloat16')


@dataclasses.dataclass(frozen=True)
class Hardware:
  """Devices and how they are used.

  Attributes:
    strategy: Under its scope models are built.
    xla: Whether training steps are compiled by XLA.
    is_chief: Whether this process writes the run's folder; the others of a cluster do the same work
      but leave nothing behind.
  """

  strategy: tf.distribute.Strategy
  xla: bool
  is_chief: bool

  def scope(self) -> contextlib.AbstractContextManager:
    return self.strategy.scope()

  def check_batch_size(self, batch_size: int) -> None:
    """Refuses a batch that the replicas cannot share equally, which would weigh examples unequally.

    Raises:
      InputError: The batch size is no multiple of the number of replicas.
    """
    n = self.n_replicas
    if batch_size % n:
      raise InputError(f'batch_size is {batch_size}, expected a multiple of the {n} replicas')

  @property
  def n_replicas(self) -> int:
    return self.strategy.num_replicas_in_sync


@gin.configurable
def hardware(strategy: str = 'default', precision: str = 'float32', xla: bool = False) -> Hardware:
  """Sets the precision and chooses devices; call it before anything else of TensorFlow.

  Args:
    strategy: `default`: one GPU or the CPU. `mirrored`: all GPUs of this machine, or its logical CPUs.
      `multi_worker`: all machines that the environment variable TF_CONFIG names.
    precision: `float32`, `mixed_float16` or `mixed_bfloat16`; weights, norms and losses stay float32.
    xla: Whether to compile training steps by XLA; worth a try on GPUs, slow on CPUs.

  Raises:
    InputError: A value that is none of these.
  """
  if precision not in _PRECISIONS:
    raise InputError(f'hardware.precision is {precision!r}, expected one of {_PRECISIONS}')
  if strategy not in _STRATEGIES:
    raise InputError(f'hardware.strategy is {strategy!r}, expected one of {tuple(_STRATEGIES)}')
  chosen = _STRATEGIES[strategy]()
  tf.keras.mixed_precision.set_global_policy(precision)
  worker = chosen.cluster_resolver.task_id if strategy == 'multi_worker' else 0
  return Hardware(chosen, xla, is_chief=not worker)


def _mirrored() -> tf.distribute.Strategy:
  kind = 'GPU' if tf.config.list_logical_devices('GPU') else 'CPU'
  devices = [device.name for device in tf.config.list_logical_devices(kind)]
  # NCCL is for GPUs alone.
  reduce = tf.distribute.NcclAllReduce() if kind == 'GPU' else tf.distribute.ReductionToOneDevice()
  return tf.distribute.MirroredStrategy(devices, reduce)


class _MultiWorker(tf.distribute.MultiWorkerMirroredStrategy):
  """Reduces structures as well: Keras 3 asks it of a whole batch, to learn its shapes and types."""

  def reduce(self, reduce_op: Any, value: Any, axis: int | None) -> Any:
    return tf.nest.map_structure(lambda part: self._reduce_one(reduce_op, part, axis), value)

  def _reduce_one(self, reduce_op: Any, value: Any, axis: int | None) -> tf.Tensor:
    first = tf.convert_to_tensor(self.experimental_local_results(value)[0])
    if first.dtype == tf.uint8:
      return first  # Label maps, which no two workers can add up.
    return super().reduce(reduce_op, value, axis)


_STRATEGIES = {
  'default': tf.distribute.get_strategy,
  'mirrored': _mirrored,
  'multi_worker': _MultiWorker,
}
