"""What trainings share: how one opens, goes on where it stopped, and hands on what it made."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import gin
import tensorflow as tf

from keras_itm import callbacks
from keras_itm.checks import RunChecks, TrainingError
from keras_itm.models.exported import ExportsBundle
from keras_itm.models.tracked import TrackedModel
from keras_itm.training_state import CountSteps, SaveState, TrainingState
from launchers.console import say
from launchers.hardware import Hardware, hardware
from launchers.run_folder import RunFolder
from stroke_tfds.errors import InputError, first_line
from stroke_tfds.licences import licences_of
from stroke_tfds.sources import Source, fingerprint


def open_run(workdir: str, batch_size: int) -> tuple[Hardware, RunFolder]:
  """The devices of a training, chosen before anything else of TensorFlow, and its folder.

  Raises:
    InputError: Devices that cannot share a batch, or a folder of another run.
  """
  devices = hardware()
  devices.check_batch_size(batch_size)
  return devices, RunFolder(workdir, devices.is_chief)


def begin(seed: int) -> None:
  """Seeds Keras before networks are built, and counts the names of their layers from the first.

  TensorFlow orders a step's sums by these names: with those that an earlier training in the process
  left over, a training would end with other last bits than in a process of its own.
  """
  policy = tf.keras.mixed_precision.global_policy()
  tf.keras.backend.clear_session()  # Keras 3 forgets the policy too.
  tf.keras.mixed_precision.set_global_policy(policy)
  tf.keras.utils.set_random_seed(seed)


@contextlib.contextmanager
def building(devices: Hardware, sources: Sequence[Source]) -> Iterator[None]:
  """Networks and models are built within: on the devices, and a contradiction is the user's.

  Raises:
    InputError: Networks that cannot be built for the data, or do not fit together.
  """
  try:
    with devices.scope():
      yield
  except InputError:
    raise
  except ValueError as error:
    raise InputError(f'networks do not fit {sources[0].name}: {first_line(error)}') from error


@gin.configurable(allowlist=['checkpoint_every', 'checks'])
def fit(
  run: RunFolder,
  model: TrackedModel,
  make_dataset: Callable[[int], tf.data.Dataset],
  *,
  epochs: int,
  steps_per_epoch: int,
  shown: tuple[str, ...],
  validation: tf.data.Dataset | None = None,
  extra_callbacks: Sequence[tf.keras.callbacks.Callback] = (),
  checkpoint_every: int = 250,
  checks: bool = True,
) -> None:
  """Fits a compiled model, from its newest checkpoint where there is one.

  Killed at any step and started again, it ends with the weights of one left alone, bit for bit where
  the devices compute the same twice, as CPUs do.

  Args:
    run: Where checkpoints, metrics and TensorBoard files go.
    model: A compiled, built model.
    make_dataset: Optimizer step to start at -> endless batches from there.
    epochs: Epochs in all, including those already done.
    steps_per_epoch: Optimizer steps in an epoch.
    shown: Metrics beside the progress bar.
    validation: Batches on which the model's losses are measured after each epoch.
    extra_callbacks: Run before the logs are written.
    checkpoint_every: Steps between two checkpoints.
    checks: Whether the model's checks are applied; values that are not finite always stop it.

  Raises:
    InputError: A number below 1.
    TrainingError: A check that failed.
  """
  if min(epochs, steps_per_epoch, checkpoint_every) < 1:
    raise InputError(
      f'epochs {epochs}, steps_per_epoch {steps_per_epoch}, checkpoint_every {checkpoint_every}: '
      'expected at least 1 each'
    )
  state = TrainingState(model, run.checkpoints, steps_per_epoch)
  state.restore(run.checkpoints_to_resume)
  if state.step:
    say(f'{run.path}: resumed after step {state.step} of {epochs * steps_per_epoch}')
  table = callbacks.MetricsCsv(run.metrics, state.epoch, steps_per_epoch)
  try:
    state.fit(
      make_dataset,
      epochs=epochs,
      validation=validation,
      callbacks=[
        CountSteps(state),
        *extra_callbacks,
        RunChecks(model.checks if checks else (), lambda: state.step, table.rows()),
        table,
        tf.keras.callbacks.TensorBoard(str(run.tensorboard), write_graph=False, profile_batch=0),
        callbacks.Progress(state.step, shown),
        SaveState(state, checkpoint_every),
      ],
    )
  except TrainingError as error:
    run.fail(str(error))
    raise


def export(
  run: RunFolder, model: ExportsBundle, learnt: Sequence[Source], operative_config: str, **facts: Any
) -> str:
  """Leaves the bundle of a trained model in its run and returns the bundle's fingerprint.

  Args:
    run: The run.
    model: What was trained.
    learnt: What it learnt from, which says grid, label scheme, scaling, licences and so on.
    operative_config: The gin values that were used.
    facts: Further arguments of `model.export`, or others than those of the data.
  """
  first = learnt[0]
  of_data = {
    'grid': first.metadata['grid'],
    'label_scheme': first.metadata['label_scheme'],
    'intensity_scaling': first.intensity_scaling,
    'trained_on': tuple(map(str, learnt)),
    'licences': licences_of(learnt),
    'training_set': fingerprint(learnt),
  }
  return model.export(run.bundle, operative_config=operative_config, **{**of_data, **facts})
