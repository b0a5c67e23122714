"""Training and test of the lesion segmenter (Platscher et al. 2020, section 2.4)."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import gin
import numpy as np
import tensorflow as tf

from keras_itm import augmentation
from keras_itm.bundle import read_spec
from keras_itm.bundle_spec import SEGMENTER
from keras_itm.lesions import MIN_VOXELS
from keras_itm.models.segmenter import Segmenter
from keras_itm.models.slice_segmenter import SliceSegmenter
from keras_itm.training_state import check_maker
from launchers import fitting
from launchers.evaluate_held_out import EvaluateHeldOut, predict_with
from launchers.run_folder import RunFolder
from stroke_eval.held_out_cases import HeldOutCases
from stroke_tfds import files, pipelines
from stroke_tfds.class_maps import ClassMap
from stroke_tfds.errors import InputError, first_line
from stroke_tfds.imaging.grid import Grid
from stroke_tfds.licences import UNKNOWN, licences_of
from stroke_tfds.sources import (
  SLICES,
  VOLUMES,
  Source,
  check_agreement,
  check_unseen,
  open_sources,
)

Factory = Callable[..., tf.keras.Model]


@gin.configurable
def train_unet(
  workdir: str,
  data_dir: str | None = None,
  *,
  sources: list[str] = gin.REQUIRED,
  test: str = gin.REQUIRED,
  network: Factory = gin.REQUIRED,
  by_slices: bool = False,
  optimizer: Callable[..., tf.keras.optimizers.Optimizer] = gin.REQUIRED,
  ranges: Callable[..., augmentation.AffineRanges] = augmentation.AffineRanges,
  intensity: Callable[..., augmentation.IntensityRanges] | None = None,
  weights: Sequence[float] = (),
  n_slices: Sequence[int] = (),
  start: str = '',
  epochs: int = gin.REQUIRED,
  steps_per_epoch: int = gin.REQUIRED,
  batch_size: int = 5,
  min_voxels: int = MIN_VOXELS,
  test_every: int = 1,
  evaluated_epochs: tuple[int, int] | None = None,
  seed: int = 0,
) -> None:
  """Trains a segmenter, tests it case by case and leaves its bundle.

  The run folder then also holds test_cases.csv, a row per test case, and test_predictions.npz, the
  predicted masks as packed bits; with evaluated epochs also window/epoch_0001.csv and so on.

  Args:
    workdir: The run's folder.
    data_dir: TFDS data folder.
    sources: What it learns from, `name/config:split` each.
    test: What it is tested on; never trained on, never used to choose anything.
    network: Network factory, given shape, n_contrasts and n_classes: none, and the classes of lesions
      of the label scheme.
    by_slices: Whether it learns from axial slices, of sets of volumes or of `synthetic_slices`, and
      segments the test volumes slice by slice.
    optimizer: Optimizer factory.
    ranges: Limits of the affine augmentation.
    intensity: Limits of the augmentation of intensities; none when absent.
    weights: For each source, how often its volumes are drawn; all volumes alike when empty.
    n_slices: By slices, for each source how many of its slices are learnt from, drawn by the seed; all
      when empty.
    start: Finished run of the same network from whose last checkpoint the weights are taken (the
      paper's fine-tuning, section 3.3); new weights when empty.
    epochs: Epochs in all.
    steps_per_epoch: Optimizer steps in each.
    batch_size: Volumes, or slices, in a batch.
    min_voxels: Volumes with a smaller lesion are left out of training (not by slices) and of the mean
      Dice (section 2.4), not of the table of test cases.
    test_every: Epochs between two points of the learning curve on the test cases.
    evaluated_epochs: First and last epoch, from 1, after which every test case is written to a table.
    seed: Of weights, order, augmentation and dropout.

  Raises:
    InputError: A source that is not there or does not fit, test cases that are learnt from, evaluated
      epochs out of range, a start that is not finished or has another network, test cases without
      lesion, numbers of slices that sources do not have.
  """
  if n_slices and not by_slices:
    raise InputError(f'n_slices is {list(n_slices)}, expected none where by_slices is False')
  evaluated = _evaluated(evaluated_epochs, epochs)
  devices, run = fitting.open_run(workdir, batch_size)
  if run.is_finished():
    return
  learnt, test_source = _open(sources, test, data_dir, by_slices)
  fitting.begin(seed)
  with fitting.building(devices, [test_source]):
    built = build_network(network, test_source.grid, test_source.metadata, by_slices)
    segmenter = SliceSegmenter(built) if by_slices else Segmenter(built)
    segmenter.compile(optimizer(), jit_compile=devices.xla)
  if start:
    _take_weights(segmenter, Path(start).expanduser(), test_source)
  limits, intensities = ranges(), intensity() if intensity else None
  config = run.write_operative_config()
  cases = _held_out(test_source, min_voxels)
  fitting.fit(
    run,
    segmenter,
    lambda step: _batches(
      learnt,
      batch_size,
      by_slices=by_slices,
      min_voxels=min_voxels,
      n_slices=n_slices,
      ranges=limits,
      intensity=intensities,
      seed=seed,
      start_step=step,
      weights=weights,
    ),
    epochs=epochs,
    steps_per_epoch=steps_per_epoch,
    shown=('loss', 'dice', 'test_dice'),
    extra_callbacks=[EvaluateHeldOut(cases, test_every, evaluated, run.path / 'window')],
  )
  dice = _test(run, segmenter, cases)
  facts = {'contrasts': test_source.metadata['contrasts'], 'licences': _licences(learnt, start)}
  if segmenter.n_classes > 2:
    facts['classes'] = _class_names(test_source.metadata)
  name = fitting.export(run, segmenter, learnt, config, **facts)
  run.finish({'bundle': name, 'epochs': epochs, 'test_dice': dice})


def _evaluated(epochs: tuple[int, int] | None, n_epochs: int) -> range:
  """The epochs from the first to the last one, none for None."""
  first, last = epochs or (1, 0)
  if epochs and not 1 <= first <= last <= n_epochs:
    raise InputError(
      f'evaluated_epochs is {epochs}, expected the first and the last one, from 1 to {n_epochs}'
    )
  return range(first, last + 1)


def _held_out(source: Source, min_voxels: int) -> HeldOutCases:
  examples, scheme = source.examples().as_numpy_iterator(), source.metadata['label_scheme']
  return HeldOutCases(examples, source.grid, min_voxels, f'test source {source}', scheme)


def _open(
  sources: Sequence[str], test: str, data_dir: str | None, by_slices: bool
) -> tuple[list[Source], Source]:
  """What is learnt from, and the test set, which holds volumes."""
  units = (VOLUMES, SLICES) if by_slices else (VOLUMES,)
  test_source = open_sources([test], data_dir)[0]
  learnt = open_sources(sources, data_dir, units=units)
  check_agreement([*learnt, test_source])
  check_unseen('test', test_source, learnt)
  return learnt, test_source


def build_network(
  network: Factory, grid: Grid, metadata: Mapping[str, Any], by_slices: bool
) -> tf.keras.Model:
  """The network of volumes, or of slices with their classes, of a data set."""
  return network(
    shape=grid.shape[:2] if by_slices else grid.shape,
    n_contrasts=len(metadata['contrasts']),
    n_classes=len(_class_names(metadata)),
  )


def _class_names(metadata: Mapping[str, Any]) -> tuple[str, ...]:
  """None, and the classes of lesions."""
  return ClassMap.from_scheme(metadata['label_scheme'], groups={}).names


def _batches(
  sources: Sequence[Source],
  batch_size: int,
  *,
  by_slices: bool,
  min_voxels: int,
  n_slices: Sequence[int],
  ranges: augmentation.AffineRanges,
  intensity: augmentation.IntensityRanges | None,
  **options: Any,
) -> tf.data.Dataset:
  """What a segmenter of slices or of volumes learns from, moved and changed by the limits."""
  n_classes = len(_class_names(sources[0].metadata))
  augment = lambda image, classes, key: augmentation.augment(
    image, classes, n_classes, ranges, key, intensity
  )
  if by_slices:
    options['n_slices'] = n_slices
    return pipelines.training_slices(sources, batch_size, augment=augment, **options)
  return pipelines.training_volumes(
    sources, batch_size, min_voxels=min_voxels, augment=augment, **options
  )


def _test(run: RunFolder, segmenter: Segmenter, cases: HeldOutCases) -> float:
  """Leaves the table of test cases and the predicted masks; returns the mean Dice."""
  results = cases.measure(predict_with(segmenter))
  files.write_csv(run.path / 'test_cases.csv', results.rows)
  packed = {subject: np.packbits(mask) for subject, mask in results.masks.items()}
  np.savez(run.path / 'test_predictions.npz', **packed)
  return round(cases.mean_dice(results.rows), 4)


def _licences(learnt: Sequence[Source], start: str) -> list[str]:
  """Of the data of this training and of that of the run it started from."""
  licences = licences_of(learnt)
  if start:
    spec = read_spec(Path(start) / 'bundle', SEGMENTER)
    licences += spec.licences or [f'{UNKNOWN}{SEGMENTER} {spec.weights}']
  return list(dict.fromkeys(licences))


def _take_weights(segmenter: Segmenter, run: Path, source: Source) -> None:
  """Weights of a finished run's network, for data as those of the source.

  Raises:
    InputError: It is not finished, its network is another one, or it learnt from another scaling.
  """
  newest = tf.train.latest_checkpoint(str(run / 'checkpoints'))
  if newest is None or not (run / 'finished.json').exists():
    raise InputError(f'start {run}: no finished run of train_unet, expected one with checkpoints')
  check_maker(newest)
  learnt = read_spec(run / 'bundle', SEGMENTER).intensity_scaling
  if learnt != source.intensity_scaling:
    raise InputError(
      f'start {run}: was trained for the intensity_scaling {learnt}, but {source.name} has '
      f'{source.intensity_scaling}'
    )
  stored = tf.train.Checkpoint(model=tf.train.Checkpoint(network=segmenter.network))
  try:
    stored.restore(newest).assert_existing_objects_matched().expect_partial()
  except (AssertionError, ValueError) as error:
    raise InputError(f'start {run}: holds another network ({first_line(error)})') from error
