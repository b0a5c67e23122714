"""All that a killed training needs to end with the weights of one left alone."""

import os

import numpy as np
import tensorflow as tf

from keras_itm.checks import TrainingError
from keras_itm.models.tracked import TrackedModel


class TrainingState:
  """A model with its optimizers, averages and random states, and the step it has reached, on disk.

  Args:
    model: A compiled model.
    folder: Where checkpoints are written; the newest two are kept.
    steps_per_epoch: Optimizer steps in an epoch.
  """

  def __init__(self, model: TrackedModel, folder: str | os.PathLike[str], steps_per_epoch: int):
    self._model = model
    self._steps_per_epoch = steps_per_epoch
    self._step = tf.Variable(0, dtype=tf.int64, trainable=False)
    # Optimizers, pools and generators of random numbers are attributes of the model or its layers.
    self._checkpoint = tf.train.Checkpoint(model=model, step=self._step)
    self._manager = tf.train.CheckpointManager(
      self._checkpoint, str(folder), max_to_keep=2, checkpoint_name='step'
    )

  @property
  def step(self) -> int:
    """Optimizer steps done over all starts of the training."""
    return int(self._step)

  @property
  def epoch(self) -> int:
    """Epochs that are done."""
    return self.step // self._steps_per_epoch

  def restore(self, folder: str | os.PathLike[str]) -> None:
    """Goes to the newest checkpoint in a folder, where there is one; `fit` then begins there."""
    newest = tf.train.latest_checkpoint(str(folder))
    if newest:
      self._checkpoint.restore(newest).assert_existing_objects_matched()
      self._model.initial_position = divmod(self.step, self._steps_per_epoch)

  def advance(self) -> None:
    """Counts a step."""
    self._step.assign_add(1)

  def save(self) -> None:
    """Writes a checkpoint.

    Raises:
      TrainingError: A weight is not finite; the last checkpoint is kept.
    """
    for variable in self._model.trainable_variables:
      if not np.all(np.isfinite(variable.numpy())):
        raise TrainingError(
          f'step {self.step}: {variable.name} holds numbers that are not finite; '
          'the last good checkpoint is kept'
        )
    self._manager.save(checkpoint_number=self.step)


class CountSteps(tf.keras.callbacks.Callback):
  """Counts the steps of a state; put it first, for the others to read."""

  def __init__(self, state: TrainingState):
    super().__init__()
    self._state = state

  def on_train_batch_end(self, batch, logs=None):
    self._state.advance()


class SaveState(tf.keras.callbacks.Callback):
  """Saves a state from time to time; put it last, so that what it saves has been looked at.

  Args:
    state: What to save.
    every: Steps between two checkpoints; at the end of the training there is one in any case.
  """

  def __init__(self, state: TrainingState, every: int):
    super().__init__()
    self._state = state
    self._every = every
    self._last_saved = state.step
    self._metrics: list[list[np.ndarray]] = []

  def on_train_begin(self, logs=None):
    # Keras forgets the means of the epoch in which the training goes on.
    if self.model.initial_position and self.model.initial_position[1]:
      self._metrics = [metric.get_weights() for metric in self.model.metrics]

  def on_epoch_begin(self, epoch, logs=None):
    for metric, weights in zip(self.model.metrics, self._metrics):
      metric.set_weights(weights)
    self._metrics = []

  def on_train_batch_end(self, batch, logs=None):
    # At the end of an epoch, what the others write comes first.
    if batch + 1 < self.params['steps']:
      self._save_if_due()

  def on_epoch_end(self, epoch, logs=None):
    self._save_if_due(is_last=epoch + 1 == self.params['epochs'])

  def _save_if_due(self, is_last: bool = False) -> None:
    if is_last or self._state.step - self._last_saved >= self._every:
      self._state.save()
      self._last_saved = self._state.step
