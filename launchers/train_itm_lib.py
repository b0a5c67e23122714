"""Training of an image-to-image translation model (Platscher et al. 2020, section 2.2)."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import gin
import numpy as np
import tensorflow as tf

from keras_itm import callbacks
from keras_itm.appearance import Appearances
from keras_itm.models.exported import ExportsTranslator
from keras_itm.models.tracked import TrackedModel
from launchers import fitting
from launchers.reports.axial_view import shown_contrast
from stroke_tfds import case_appearance, pipelines
from stroke_tfds.class_maps import TISSUES, ClassMap
from stroke_tfds.errors import InputError
from stroke_tfds.sources import Source, check_unseen, open_sources


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
  discriminator_optimizer: Callable[..., tf.keras.optimizers.Optimizer] | None = None,
  epochs: int = gin.REQUIRED,
  steps_per_epoch: int = gin.REQUIRED,
  batch_size: int = 8,
  appearance: Sequence[str] = (),
  by_classes: bool = False,
  groups: Mapping[str, Sequence[str]] = TISSUES,
  picture_every: int = 10,
  seed: int = 0,
) -> None:
  """Trains a translator from label maps to images, slices or whole volumes, and leaves its bundle.

  One of classes takes few classes in the place of labels, those that `train_style_gan` draws.

  Args:
    workdir: The run's folder.
    data_dir: TFDS data folder.
    sources: What it learns from, `name/config:split` each.
    validation: What it is measured on; a case of `sources` among them is an error.
    model: Takes the networks, and the seed.
    networks: Makes them by name, given the grid's shape, n_labels and n_contrasts.
    batches: What it learns from: `pipelines.paired_slices`, `unpaired_slices` or `paired_volumes`.
    generator_optimizer: Optimizer factory.
    discriminator_optimizer: The same for a model with a discriminator; a flow has none.
    epochs: Epochs in all.
    steps_per_epoch: Optimizer steps in each.
    batch_size: Slices, or volumes, in a batch.
    appearance: What the translator is told beside the labels and can be asked for at synthesis, some of
      `stroke_tfds.case_appearance` such as `lesion_to_parenchyma`; nothing when empty.
    by_classes: Whether it is a translator of classes.
    groups: Of such a one, tissues beside background and lesion, see `ClassMap.from_scheme`.
    picture_every: Epochs between two pictures of validation slices.
    seed: Of weights, order and dropout.
  """
  devices, run = fitting.open_run(workdir, batch_size)
  if run.is_finished():
    return
  opened = open_sources([*sources, *validation], data_dir)
  learnt, held_out = opened[: len(sources)], opened[len(sources) :]
  for source in held_out:
    check_unseen('validation', source, learnt)
  grid, metadata = learnt[0].grid, learnt[0].metadata
  classes = ClassMap.from_scheme(metadata['label_scheme'], groups) if by_classes else None
  n_labels, n_contrasts = count_labels(metadata, classes), len(metadata['contrasts'])
  fitting.begin(seed)
  told = _appearances(model, learnt, appearance)
  options = {'n_appearances': len(told.names)} if told else {}
  with fitting.building(devices, learnt):
    steering = n_labels + options.get('n_appearances', 0)
    translator = model(**networks(grid.shape, steering, n_contrasts), **options, seed=seed)
    optimizers = _optimizers(translator, generator_optimizer, discriminator_optimizer)
    translator.compile(*optimizers, jit_compile=devices.xla)
  config = run.write_operative_config()
  fitting.fit(
    run,
    translator,
    lambda step: batches(
      learnt,
      batch_size,
      seed=seed,
      start_step=step,
      **({'appearances': told} if told else {}),
      **({'classes': classes} if classes else {}),
    ),
    epochs=epochs,
    steps_per_epoch=steps_per_epoch,
    shown=('l1_loss', 'val_l1_loss', 'discriminator_loss', 'velocity_loss', 'val_velocity_loss'),
    validation=_signed(_pairs(translator, held_out, told, classes), batch_size, devices.n_replicas),
    extra_callbacks=[
      callbacks.SampleImages(
        run.samples, run.tensorboard, _painter(translator, held_out, classes), picture_every
      )
    ],
  )
  facts = {'classes': classes.names, 'contrasts': metadata['contrasts']} if classes else {}
  bundle = fitting.export(run, translator, learnt, config, appearances=told, **facts)
  run.finish({'bundle': bundle, 'epochs': epochs})


def count_labels(metadata: Mapping[str, Any], classes: ClassMap | None) -> int:
  """How many ids a translator takes: labels and the lesion's, or classes."""
  return len(classes.names) if classes else metadata['label_scheme']['lesion_id'] + 1


def _appearances(
  model: Callable[..., tf.keras.Model], learnt: Sequence[Source], names: Sequence[str]
) -> Appearances | None:
  """How the training cases have some numbers; None for no numbers.

  Raises:
    InputError: A model that takes none, an unknown number, or one that no case has.
  """
  if not names:
    return None
  if not getattr(model, 'learns_appearance', False):
    raise InputError(
      f'train_itm.appearance is given, expected none: {model.__name__} learns from labels alone'
    )
  found = case_appearance.measure_sets(learnt, names)
  try:
    return Appearances.fit(list(found), list(zip(*found.values())))
  except ValueError as error:
    raise InputError(f'{", ".join(map(str, learnt))}: {error}') from error


def _optimizers(
  translator: TrackedModel, *factories: Callable[..., tf.keras.optimizers.Optimizer] | None
) -> list[tf.keras.optimizers.Optimizer]:
  """One for each that the model has.

  Raises:
    InputError: Fewer or more are given.
  """
  given, names = [make for make in factories if make], translator.optimizer_names
  if len(given) != len(names):
    what = 'train_itm.generator_optimizer and discriminator_optimizer'
    raise InputError(
      f'{what}: {len(given)} given, expected {len(names)} for {type(translator).__name__}: '
      f'{", ".join(names)}'
    )
  return [make() for make in given]


def _pairs(
  translator: ExportsTranslator,
  sources: list[Source],
  told: Appearances | None,
  classes: ClassMap | None,
) -> tf.data.Dataset:
  """(segmentation, image) as the translator sees them, slices or volumes, and what it is told."""
  if len(translator.exported_size) == 3:
    return pipelines.volume_pairs(sources, told, classes)
  return pipelines.slice_pairs(sources, told, classes).unbatch()


def _signed(pairs: tf.data.Dataset, batch_size: int, n_replicas: int) -> tf.data.Dataset:
  """Batches for validation, intensities in [-1, 1].

  Fewer pairs than a batch has come once for each replica, as Keras wants the first batch to be shared
  equally; means over them stay what they are.
  """
  n_pairs = int(pairs.take(batch_size).reduce(0, lambda n, pair: n + 1))
  batches = (pairs.repeat(n_replicas) if n_pairs < batch_size else pairs).batch(batch_size)
  return batches.map(pipelines.signed).cache()


def _painter(
  translator: ExportsTranslator, sources: list[Source], classes: ClassMap | None
) -> Callable[[], np.ndarray]:
  """Rows: labels, true image, translated image; columns: slices of the first validation cases."""
  pairs = pipelines.volume_pairs(sources, classes=classes)
  volumes = list(pairs.take(2).as_numpy_iterator())
  quarters = slice(volumes[0][0].shape[2] // 4, None, max(1, volumes[0][0].shape[2] // 4))
  shown = lambda volume: list(np.moveaxis(volume, 2, 0)[quarters])
  contrast = shown_contrast(sources[0].metadata['contrasts'])
  is_whole = len(translator.exported_size) == 3
  labels = np.stack([labels for labels, _ in volumes])
  if not is_whole:
    labels = np.concatenate([shown(volume) for volume in labels])
  rows = [
    [axial / (translator.n_labels - 1) for labels, _ in volumes for axial in shown(labels)],
    [axial for _, image in volumes for axial in shown(image[..., contrast])],
  ]

  def paint() -> np.ndarray:
    made = (translator(labels).numpy()[..., contrast] + 1) / 2
    slices = [axial for volume in made for axial in shown(volume)] if is_whole else list(made)
    return callbacks.mosaic([*rows, slices])

  return paint
