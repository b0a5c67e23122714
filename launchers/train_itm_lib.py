"""Training of an image-to-image translation model (Platscher et al. 2020, section 2.2)."""

from collections.abc import Callable

import gin
import numpy as np
import tensorflow as tf

from keras_itm import callbacks
from launchers import fitting
from launchers.hardware import hardware
from launchers.run_folder import RunFolder
from stroke_tfds import pipelines
from stroke_tfds.licences import licences_of
from stroke_tfds.sources import Source, fingerprint, open_sources


@gin.configurable
def train_itm(
  workdir: str,
  data_dir: str | None = None,
  *,
  sources: list[str] = gin.REQUIRED,
  validation: list[str] = gin.REQUIRED,
  model: Callable[..., tf.keras.Model] = gin.REQUIRED,
  networks: Callable[..., dict[str, tf.keras.Model]] = gin.REQUIRED,
  batches: Callable[..., tf.data.Dataset] = pipelines.paired_slices,
  generator_optimizer: Callable[..., tf.keras.optimizers.Optimizer] = gin.REQUIRED,
  discriminator_optimizer: Callable[..., tf.keras.optimizers.Optimizer] = gin.REQUIRED,
  epochs: int = gin.REQUIRED,
  steps_per_epoch: int = gin.REQUIRED,
  batch_size: int = 8,
  picture_every: int = 10,
  seed: int = 0,
) -> None:
  """Trains a translator from label slices to images and leaves its bundle.

  Args:
    workdir: The run's folder.
    data_dir: TFDS data folder.
    sources: What it learns from, `name/config:split` each.
    validation: What it is measured on; no case of `sources`.
    model: Takes the networks, and the seed.
    networks: Makes them by name, given image_size, n_labels and n_contrasts.
    batches: What it learns from, see `pipelines.paired_slices` and `pipelines.unpaired_slices`.
    generator_optimizer: Optimizer factory.
    discriminator_optimizer: Optimizer factory.
    epochs: Epochs in all.
    steps_per_epoch: Optimizer steps in each.
    batch_size: Slices in a batch.
    picture_every: Epochs between two pictures of validation slices.
    seed: Of weights, order and dropout.
  """
  devices = hardware()
  devices.check_batch_size(batch_size)
  run = RunFolder(workdir, devices.is_chief)
  if run.is_finished():
    return
  opened = open_sources([*sources, *validation], data_dir)
  learnt, held_out = opened[: len(sources)], opened[len(sources) :]
  grid, metadata = learnt[0].grid, learnt[0].metadata
  n_labels, n_contrasts = metadata['label_scheme']['lesion_id'] + 1, len(metadata['contrasts'])
  fitting.begin(seed)
  with devices.scope():
    translator = model(**networks(grid.shape[:2], n_labels, n_contrasts), seed=seed)
    translator.compile(generator_optimizer(), discriminator_optimizer(), jit_compile=devices.xla)
  config = run.write_operative_config()
  held_out_slices = _signed_slices(held_out, batch_size)
  fitting.fit(
    run,
    translator,
    lambda step: batches(learnt, batch_size, seed=seed, start_step=step),
    epochs=epochs,
    steps_per_epoch=steps_per_epoch,
    shown=('l1_loss', 'val_l1_loss', 'discriminator_loss'),
    validation=held_out_slices,
    extra_callbacks=[
      callbacks.SampleImages(
        run.samples, run.tensorboard, _painter(translator, held_out), picture_every
      )
    ],
  )
  name = translator.export(
    run.bundle,
    grid=metadata['grid'],
    label_scheme=metadata['label_scheme'],
    trained_on=tuple(map(str, learnt)),
    licences=licences_of(learnt),
    training_set=fingerprint(learnt),
    operative_config=config,
  )
  run.finish({'bundle': name, 'epochs': epochs})


def _signed_slices(sources: list[Source], batch_size: int) -> tf.data.Dataset:
  slices = pipelines.slice_pairs(sources).unbatch().batch(batch_size)
  return slices.map(lambda labels, image: (labels, pipelines.to_signed(image))).cache()


def _painter(translator: tf.keras.Model, sources: list[Source]) -> Callable[[], np.ndarray]:
  """Rows: labels, true image, translated image; columns: slices of the first validation cases."""
  pairs = list(pipelines.slice_pairs(sources).take(2).as_numpy_iterator())
  middle = [slice(len(labels) // 4, None, max(1, len(labels) // 4)) for labels, _ in pairs]
  labels = np.concatenate([labels[where] for (labels, _), where in zip(pairs, middle)])
  images = np.concatenate([image[where, ..., 0] for (_, image), where in zip(pairs, middle)])

  def paint() -> np.ndarray:
    made = (translator(labels).numpy()[..., 0] + 1) / 2
    return callbacks.mosaic([list(labels / (translator.n_labels - 1)), list(images), list(made)])

  return paint
