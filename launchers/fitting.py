"""Training that goes on where it stopped."""

from collections.abc import Callable, Sequence

import tensorflow as tf

from keras_itm import callbacks
from launchers.console import say
from launchers.run_folder import RunFolder
from stroke_tfds.errors import InputError


def fit(
  run: RunFolder,
  model: tf.keras.Model,
  make_dataset: Callable[[int], tf.data.Dataset],
  *,
  epochs: int,
  steps_per_epoch: int,
  shown: tuple[str, ...],
  validation: tf.data.Dataset | None = None,
  extra_callbacks: Sequence[tf.keras.callbacks.Callback] = (),
) -> None:
  """Fits a compiled model, from its newest checkpoint where there is one.

  Args:
    run: Where checkpoints, metrics and TensorBoard files go.
    model: A compiled, built model.
    make_dataset: Optimizer step to start at -> endless batches from there.
    epochs: Epochs in all, including those already done.
    steps_per_epoch: Optimizer steps in an epoch.
    shown: Metrics beside the progress bar.
    validation: Batches on which the model's losses are measured after each epoch.
    extra_callbacks: Run before the logs are written.
  """
  if epochs < 1 or steps_per_epoch < 1:
    raise InputError(f'epochs {epochs}, steps_per_epoch {steps_per_epoch}: expected at least 1 each')
  # Optimizers are attributes of the model and so part of the checkpoint.
  manager = tf.train.CheckpointManager(
    tf.train.Checkpoint(model=model), str(run.checkpoints), max_to_keep=1, checkpoint_name='epoch'
  )
  done = 0
  if manager.latest_checkpoint:
    done = int(manager.latest_checkpoint.rsplit('-', 1)[1])
    manager.checkpoint.restore(manager.latest_checkpoint).assert_existing_objects_matched()
    say(f'{run.path}: resumed after epoch {done} of {epochs}')
  model.fit(
    make_dataset(done * steps_per_epoch),
    initial_epoch=done,
    epochs=epochs,
    steps_per_epoch=steps_per_epoch,
    verbose=0,
    validation_data=validation,
    callbacks=[
      *extra_callbacks,
      callbacks.RefuseNonFinite(),
      callbacks.MetricsCsv(run.metrics, done, steps_per_epoch),
      tf.keras.callbacks.TensorBoard(str(run.tensorboard), write_graph=False, profile_batch=0),
      callbacks.Progress(done, shown),
      callbacks.SaveCheckpoints(manager),
    ],
  )
