"""All that a killed training needs to end with the weights of one left alone."""

import os
from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

from keras_itm import stack
from keras_itm.checks import TrainingError
from keras_itm.models.tracked import TrackedModel


def check_maker(checkpoint: str) -> None:
  """Refuses a checkpoint of the other stack, whose names for the weights are others.

  Raises:
    TrainingError: It is one.
  """
  maker = stack.maker_of_checkpoint(tf.train.load_checkpoint(checkpoint).get_variable_to_shape_map())
  if maker not in (None, stack.NAME):
    raise TrainingError(
      f'{checkpoint}: a checkpoint of {maker}, expected one of {stack.NAME}, which runs here: '
      'use the Python that began it, or begin anew in another folder'
    )


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
    """Goes to the newest checkpoint in a folder, where there is one; `fit` then begins there.

    Raises:
      TrainingError: It is a checkpoint of another stack.
    """
    newest = tf.train.latest_checkpoint(str(folder))
    if newest:
      check_maker(newest)
      self._checkpoint.restore(newest).assert_existing_objects_matched()

  def fit(
    self,
    make_dataset: Callable[[int], tf.data.Dataset],
    *,
    epochs: int,
    callbacks: Sequence[tf.keras.callbacks.Callback],
    validation: tf.data.Dataset | None = None,
  ) -> None:
    """Trains from the step reached, also within an epoch, to the end of all epochs.

    Args:
      make_dataset: Optimizer step to start at -> endless batches from there.
      epochs: In all, including those already done.
      callbacks: They see a single training and batches counted from the beginning of their epoch.
      validation: Batches on which the model's losses are measured after each epoch.
    """
    epoch, done = divmod(self.step, self._steps_per_epoch)
    calls = _OneTraining(self._model, callbacks, epochs, self._steps_per_epoch, done)
    options = {'callbacks': calls, 'validation_data': validation, 'shuffle': False, 'verbose': 0}
    batches = lambda step: stack.same_each_time(lambda: make_dataset(step), self._model)
    if done:
      self._model.fit(
        batches(self.step),
        initial_epoch=epoch,
        epochs=epoch + 1,
        steps_per_epoch=self._steps_per_epoch - done,
        **options,
      )
      epoch += 1
    if not calls.has_ended:
      self._model.fit(
        batches(epoch * self._steps_per_epoch),
        initial_epoch=epoch,
        epochs=epochs,
        steps_per_epoch=self._steps_per_epoch,
        **options,
      )

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


class _OneTraining(tf.keras.callbacks.CallbackList):
  """Callbacks for which the rest of an epoch and the epochs after it, each a `fit`, are one training.

  The means of that epoch go on from where the checkpoint has them, which Keras would forget.
  """

  def __init__(
    self,
    model: TrackedModel,
    callbacks: Sequence[tf.keras.callbacks.Callback],
    epochs: int,
    steps_per_epoch: int,
    done: int,
  ):
    # Keras has made the state of its callbacks by then, or asks for it here.
    self.has_begun = self.has_ended = False
    self.n_before = done
    self._means = [[v.numpy() for v in metric.variables] for metric in model.metrics] if done else []
    params = {'verbose': 0, 'epochs': epochs, 'steps': steps_per_epoch}
    super().__init__(list(callbacks), add_history=True, model=model, **params)

  def on_train_begin(self, logs=None):
    if not self.has_begun:
      super().on_train_begin(logs)
    self.has_begun = True

  def on_epoch_begin(self, epoch, logs=None):
    for metric, values in zip(self.model.metrics, self._means):
      for variable, value in zip(metric.variables, values, strict=True):
        variable.assign(value)
    self._means = []
    super().on_epoch_begin(epoch, logs)

  def on_train_batch_begin(self, batch, logs=None):
    super().on_train_batch_begin(batch + self.n_before, logs)

  def on_train_batch_end(self, batch, logs=None):
    super().on_train_batch_end(batch + self.n_before, logs)

  def on_epoch_end(self, epoch, logs=None):
    super().on_epoch_end(epoch, logs)
    self.has_ended = self.model.stop_training

  def on_train_end(self, logs=None):
    is_last = not self.n_before or self.has_ended
    self.n_before = 0
    if is_last:
      super().on_train_end(logs)


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
