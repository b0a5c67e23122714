"""Batches from which segmenters learn: volumes or slices with lesions, of real and generated cases."""

import functools
from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

from stroke_tfds.class_maps import ClassMap
from stroke_tfds.errors import InputError
from stroke_tfds.pipelines.batches import batched, mixed, shuffled
from stroke_tfds.pipelines.class_slices import class_slices
from stroke_tfds.pipelines.reading import check_lesions, examples, n_voxels
from stroke_tfds.sources import Source


def training_volumes(
  sources: Sequence[Source],
  batch_size: int,
  *,
  min_voxels: int,
  seed: int,
  start_step: int = 0,
  weights: Sequence[float] = (),
  augment: Callable[[tf.Tensor, tf.Tensor, tf.Tensor], tuple[tf.Tensor, tf.Tensor]],
) -> tf.data.Dataset:
  """Endless batches of volumes with lesions for a segmenter.

  Args:
    sources: Data sets.
    batch_size: Volumes in a batch.
    min_voxels: Volumes with a smaller lesion are left out (20 in the paper, in training only).
    seed: Of order and augmentation.
    start_step: How many batches to pass over.
    weights: For each source, how often its volumes are drawn relative to those of the others; all
      volumes alike when empty.
    augment: (image float32 [X, Y, Z, C], lesion classes, seed) -> the same of the first two.

  Yields:
    (image float32 [n, X, Y, Z, C] in [0, 1], classes of lesions uint8 [n, X, Y, Z]: 0 outside, then
    those of the label scheme from 1).

  Raises:
    InputError: Not one positive weight for each source, or a source without such a lesion.
  """
  check_lesions(sources, min_voxels)
  classes = _classes_of_lesions(sources[0])
  transform = lambda image, ids, seed: augment(tf.cast(image, tf.float32), ids, seed)

  def volumes(sources: Sequence[Source]) -> tf.data.Dataset:
    large = examples(sources).filter(lambda example: n_voxels(example['lesion']) >= min_voxels)
    return large.map(lambda example: (example['image'], classes.classes(example)))

  if not weights:
    stream = shuffled(volumes(sources), seed)
  else:
    _check_weights(sources, weights)
    stream = mixed([volumes([source]) for source in sources], weights, seed)
  return batched(stream, batch_size, seed=seed, start_step=start_step, transform=transform)


def training_slices(
  sources: Sequence[Source],
  batch_size: int,
  *,
  seed: int,
  start_step: int = 0,
  weights: Sequence[float] = (),
  n_slices: Sequence[int] = (),
  augment: Callable[[tf.Tensor, tf.Tensor, tf.Tensor], tuple[tf.Tensor, tf.Tensor]],
) -> tf.data.Dataset:
  """Endless batches for a segmenter of slices, of sets of volumes and of slices alike.

  Slices of volumes without any label are left out.

  Args:
    sources: Data sets.
    batch_size: Slices in a batch.
    seed: Of order and augmentation.
    start_step: How many batches to pass over.
    weights: For each source, how often its slices are drawn relative to those of the others; all slices
      alike when empty.
    n_slices: For each source, how many of its slices there are, drawn by the seed (fewer are among
      more); all when empty.
    augment: (image float32 [X, Y, C], lesion classes, seed) -> the same of the first two.

  Yields:
    (image float32 [n, X, Y, C] in [0, 1], classes of lesions uint8 [n, X, Y]: 0 outside, then those of
    the label scheme from 1).

  Raises:
    InputError: Not one positive weight or number for each source, or one with fewer slices.
  """
  transform = lambda image, classes, seed: augment(tf.cast(image, tf.float32), classes, seed)
  slices = [_lesion_slices(source) for source in sources]
  if n_slices:
    _check_weights(sources, n_slices, 'n_slices')
    slices = [_drawn(source, count, seed) for source, count in zip(sources, n_slices)]
  if weights:
    _check_weights(sources, weights)
    stream = mixed(slices, weights, seed)
  else:
    stream = shuffled(functools.reduce(tf.data.Dataset.concatenate, slices), seed)
  return batched(stream, batch_size, seed=seed, start_step=start_step, transform=transform)


def _lesion_slices(source: Source) -> tf.data.Dataset:
  """(image float16 [X, Y, C] in [0, 1], classes of lesions uint8 [X, Y]) of each slice."""
  if source.holds_slices:
    before = source.metadata['first_lesion'] - 1
    of_lesions = lambda classes: tf.maximum(tf.cast(classes, tf.int32) - before, 0)
    return source.examples(['image', 'classes']).map(
      lambda example: (
        tf.cast(example['image'], tf.float16),
        tf.cast(of_lesions(example['classes']), tf.uint8),
      )
    )
  slices = class_slices([source], _classes_of_lesions(source), min_lesion_pixels=1)
  return slices.map(lambda ids, image, facts: (image, ids))


def _classes_of_lesions(source: Source) -> ClassMap:
  """None, and the classes of its lesions, of which there is at least one."""
  return ClassMap.from_scheme(source.metadata['label_scheme'], groups={})


def _drawn(source: Source, count: int, seed: int) -> tf.data.Dataset:
  """A number of slices in the order in which they are stored."""
  with tf.init_scope():  # They are counted where a graph makes the data set, too.
    n = int(_lesion_slices(source).reduce(0, lambda n, *slice_: n + 1).numpy())
  if count > n:
    raise InputError(f'n_slices is {count}, but {source} has {n} slices')
  is_drawn = np.zeros(n, bool)
  is_drawn[np.random.default_rng(seed).permutation(n)[:count]] = True
  chosen = _lesion_slices(source).enumerate().filter(lambda i, slice_: tf.constant(is_drawn)[i])
  return chosen.map(lambda i, slice_: slice_)


def _check_weights(sources: Sequence[Source], weights: Sequence[float], name: str = 'weights') -> None:
  if len(weights) != len(sources) or min(weights) <= 0:
    raise InputError(
      f'{name} {list(weights)}, expected a number above 0 for each of {[str(s) for s in sources]}'
    )
