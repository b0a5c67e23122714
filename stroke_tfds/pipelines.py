"""From prepared data sets to what a model trains on: masks, slices and volumes."""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import gin
import numpy as np
import tensorflow as tf

from stroke_tfds import case_appearance
from stroke_tfds.case_appearance import Scores
from stroke_tfds.class_maps import ClassMap
from stroke_tfds.errors import InputError
from stroke_tfds.kept_examples import kept_examples
from stroke_tfds.slice_example import LESION, LEVEL, level_of
from stroke_tfds.sources import Source

_Example = dict[str, tf.Tensor]


def examples(sources: Sequence[Source]) -> tf.data.Dataset:
  """The examples of all sources, one after another, in a fixed order."""
  dataset = sources[0].examples()
  for source in sources[1:]:
    dataset = dataset.concatenate(source.examples())
  return dataset


def segmentation(example: _Example, lesion_id: int) -> tf.Tensor:
  """The label map with the lesion as an id of its own, uint8 [X, Y, Z]."""
  return tf.where(example['lesion'] > 0, tf.cast(lesion_id, tf.uint8), example['labels'])


def lesion_masks(
  sources: Sequence[Source], batch_size: int, *, min_voxels: int, seed: int, start_step: int = 0
) -> tf.data.Dataset:
  """Endless batches of lesion masks, float32 [n, X, Y, Z], each mirrored left to right at random.

  Masks of fewer than `min_voxels` voxels are left out.
  """

  def mirror(mask: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    mask = tf.cast(mask, tf.float32)
    return tf.cond(tf.random.stateless_uniform([], seed) < 0.5, lambda: mask[::-1], lambda: mask)

  masks = examples(sources).map(lambda example: example['lesion'])
  masks = masks.filter(lambda mask: _n_voxels(mask) >= min_voxels)
  return endless(masks, batch_size, seed=seed, start_step=start_step, transform=mirror)


@gin.register
def paired_slices(
  sources: Sequence[Source],
  batch_size: int,
  *,
  appearances: Scores | None = None,
  classes: ClassMap | None = None,
  seed: int,
  start_step: int = 0,
) -> tf.data.Dataset:
  """Endless batches of axial slices for a translator.

  Yields:
    (segmentation uint8 [n, X, Y] with the lesion as its own id, image float32 [n, X, Y, C] in [-1, 1]),
    and with `appearances` the normal scores of the k numbers of its volume, float32 [n, k]. With
    `classes`, the segmentation holds these in the place of labels.
  """
  pairs = slice_pairs(sources, appearances, classes).unbatch()
  return endless(
    pairs, batch_size, seed=seed, start_step=start_step, transform=lambda *pair: signed(*pair[:-1])
  )


@gin.register
def unpaired_slices(
  sources: Sequence[Source],
  batch_size: int,
  *,
  classes: ClassMap | None = None,
  seed: int,
  start_step: int = 0,
) -> tf.data.Dataset:
  """Endless batches as of `paired_slices`, but labels and images are drawn independently.

  Each side comes in an order of its own, in which every slice comes up once an epoch.
  """
  slices = slice_pairs(sources, classes=classes).unbatch()
  # Only what a side yields is kept in memory.
  labels, images = slices.map(lambda labels, image: labels), slices.map(lambda labels, image: image)
  keep, scale = (lambda labels, seed: labels), (lambda image, seed: to_signed(image))
  # Two seeds for each: otherwise the labels of one training come as the images of the next.
  labels = endless(labels, batch_size, seed=2 * seed, start_step=start_step, transform=keep)
  images = endless(images, batch_size, seed=2 * seed + 1, start_step=start_step, transform=scale)
  return tf.data.Dataset.zip((labels, images))


@gin.register
def paired_volumes(
  sources: Sequence[Source],
  batch_size: int,
  *,
  appearances: Scores | None = None,
  classes: ClassMap | None = None,
  seed: int,
  start_step: int = 0,
) -> tf.data.Dataset:
  """Endless batches of whole volumes for a translator.

  Yields:
    (segmentation uint8 [n, X, Y, Z] with the lesion as its own id, image float32 [n, X, Y, Z, C] in
    [-1, 1]), and with `appearances` the normal scores of its k numbers, float32 [n, k]. With `classes`,
    the segmentation holds these in the place of labels.
  """
  pairs = volume_pairs(sources, appearances, classes)
  return endless(
    pairs, batch_size, seed=seed, start_step=start_step, transform=lambda *pair: signed(*pair[:-1])
  )


CONDITIONS = (LEVEL, LESION)
MIN_LESION_PIXELS = 8  # Of a slice that counts as one with a lesion.


@gin.register
def joint_slices(
  sources: Sequence[Source],
  batch_size: int,
  *,
  classes: ClassMap,
  conditions: Sequence[str] = (),
  lesion_share: float | None = None,
  min_lesion_pixels: int = MIN_LESION_PIXELS,
  softened: bool = True,
  seed: int,
  start_step: int = 0,
) -> tf.data.Dataset:
  """Endless batches of axial slices and their classes, each mirrored left to right at random.

  Slices without any label are left out.

  Args:
    sources: Data sets.
    batch_size: Slices in a batch.
    classes: Of the labels.
    conditions: Facts of each slice to give beside it: `level`, from -1 at the lowest slice's lower face
      to 1 at the highest's upper one, and `lesion`, 1 where it has one, else 0.
    lesion_share: Share of slices with a lesion in the batches; as in the sources, when None.
    min_lesion_pixels: Smaller lesions do not count as one.
    softened: Whether probabilities are blurred by [1, 2, 1] / 4 along either axis; else they are 0 or
      1, by which a discriminator tells them from generated ones at once.
    seed: Of order and mirroring.
    start_step: How many batches to pass over.

  Yields:
    (image float32 [n, X, Y, C] in [-1, 1], probability float32 [n, X, Y, K]), and where there are
    conditions, those float32 [n, k].

  Raises:
    InputError: An unknown condition, or a share that is none.
  """
  if set(conditions) - set(CONDITIONS):
    raise InputError(f'conditions {list(conditions)}, expected some of {list(CONDITIONS)}')
  if lesion_share is not None and not 0 <= lesion_share <= 1:
    raise InputError(f'lesion_share is {lesion_share}, expected a number from 0 to 1')

  def transform(ids: tf.Tensor, image: tf.Tensor, facts: _Example, seed: tf.Tensor):
    flipped = tf.random.stateless_uniform([], seed) < 0.5
    image, ids = (tf.cond(flipped, lambda x=x: x[::-1], lambda x=x: x) for x in (image, ids))
    probability = tf.one_hot(ids, len(classes.names))
    pair = to_signed(image), _soften(probability) if softened else probability
    return (*pair, tf.stack([facts[name] for name in conditions])) if conditions else pair

  slices = _class_slices(sources, classes, min_lesion_pixels)
  if lesion_share is None:
    stream = _shuffled(slices, seed)
  else:
    has_lesion = lambda ids, image, facts: facts['lesion'] > 0
    parts = [slices.filter(has_lesion), slices.filter(lambda *slice_: ~has_lesion(*slice_))]
    stream = _mixed(parts, [lesion_share, 1 - lesion_share], seed)
  return _batches(stream, batch_size, seed=seed, start_step=start_step, transform=transform)


def slice_shares(
  sources: Sequence[Source], classes: ClassMap, min_lesion_pixels: int = MIN_LESION_PIXELS
) -> dict[str, tuple[float, ...]]:
  """How often real patients have each axial slice, from the lowest, and a lesion in it.

  Returns:
    `slice_shares`, of the patients, with a label there, and `lesion_shares`, of these slices, with a
    lesion of at least `min_lesion_pixels` (0 where there are none); Z numbers each, to six digits.
  """
  counts = np.zeros([2, sources[0].grid.shape[2]])
  for source in sources:
    for example in source.examples(['labels', 'lesion']):
      facts = _slice_facts(classes.classes(example), example, classes, min_lesion_pixels)
      has_brain = ~facts['is_empty'].numpy()
      counts += has_brain, has_brain * facts['lesion'].numpy()
  shares = {
    'slice_shares': counts[0] / sum(source.n_examples for source in sources),
    'lesion_shares': counts[1] / np.maximum(counts[0], 1),
  }
  return {name: tuple(values.round(6).tolist()) for name, values in shares.items()}


def _slice_facts(
  ids: tf.Tensor, example: _Example, classes: ClassMap, min_lesion_pixels: int
) -> _Example:
  """Facts of each slice of an example by name, [Z]; its classes are [X, Y, Z]."""
  n = ids.shape[2]
  n_pixels = tf.reduce_sum(tf.cast(ids >= classes.first_lesion, tf.int32), axis=[0, 1])
  return {
    LEVEL: level_of(tf.range(n, dtype=tf.float32), n),
    LESION: tf.cast(n_pixels >= min_lesion_pixels, tf.float32),
    'is_empty': tf.reduce_all(example['labels'] == 0, axis=[0, 1]),
  }


def _class_slices(
  sources: Sequence[Source], classes: ClassMap, min_lesion_pixels: int
) -> tf.data.Dataset:
  """(class ids uint8 [X, Y], image float16 [X, Y, C] in [0, 1], facts by name) of each slice."""

  def as_slices(example: _Example):
    ids = classes.classes(example)
    facts = _slice_facts(ids, example, classes, min_lesion_pixels)
    return tf.transpose(ids, [2, 0, 1]), tf.transpose(example['image'], [2, 0, 1, 3]), facts

  slices = examples(sources).map(as_slices).unbatch()
  return slices.filter(lambda ids, image, facts: ~facts['is_empty'])


def _soften(probability: tf.Tensor) -> tf.Tensor:
  """A binomial blur of 3x3 pixels, [X, Y, K]; the sum over classes stays 1."""
  for axis in (0, 1):
    padding = [[1, 1] if i == axis else [0, 0] for i in range(3)]
    padded = tf.pad(probability, padding, 'SYMMETRIC')
    n = probability.shape[axis]
    before, same, after = (tf.gather(padded, tf.range(i, i + n), axis=axis) for i in range(3))
    probability = (before + 2 * same + after) / 4
  return probability


def volume_pairs(
  sources: Sequence[Source], appearances: Scores | None = None, classes: ClassMap | None = None
) -> tf.data.Dataset:
  """(segmentation uint8 [X, Y, Z], image float16 [X, Y, Z, C] in [0, 1]) of each case.

  With `appearances`, the normal scores of its k numbers as well, float32 [k]. With `classes`, the
  segmentation holds these in the place of labels.
  """
  metadata = sources[0].metadata
  lesion_id = metadata['label_scheme']['lesion_id']
  ids = classes.classes if classes else lambda case: segmentation(case, lesion_id)
  pairs = lambda case: (ids(case), case['image'])
  if not appearances:
    return examples(sources).map(pairs)
  scores = case_appearance.scorer(appearances, metadata)

  def with_scores(case: _Example):
    volumes = [case[name] for name in ('image', 'labels', 'lesion')]
    measured = tf.numpy_function(scores, volumes, tf.float32)
    return *pairs(case), tf.ensure_shape(measured, [len(appearances.names)])

  return examples(sources).map(with_scores)


def slice_pairs(
  sources: Sequence[Source], appearances: Scores | None = None, classes: ClassMap | None = None
) -> tf.data.Dataset:
  """Volumes as slices: (segmentation uint8 [Z, X, Y], image float16 [Z, X, Y, C] in [0, 1]).

  With `appearances`, the scores of the volume for each slice, float32 [Z, k]; with `classes`, these in
  the place of labels.
  """

  def as_slices(labels: tf.Tensor, image: tf.Tensor, *scores: tf.Tensor):
    slices = tf.transpose(labels, [2, 0, 1]), tf.transpose(image, [2, 0, 1, 3])
    return *slices, *(tf.tile(one[tf.newaxis], [labels.shape[2], 1]) for one in scores)

  return volume_pairs(sources, appearances, classes).map(as_slices)


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
  """Endless batches for the segmenter: (image float32 [n, X, Y, Z, C], lesion float32 [n, X, Y, Z]).

  Args:
    sources: Data sets.
    batch_size: Volumes in a batch.
    min_voxels: Volumes with a smaller lesion are left out (20 in the paper, in training only).
    seed: Of order and augmentation.
    start_step: How many batches to pass over.
    weights: For each source, how often its volumes are drawn relative to those of the others; all
      volumes alike when empty.
    augment: (image, lesion, seed) -> (image, lesion).

  Raises:
    InputError: Not one positive weight for each source.
  """

  def transform(image: tf.Tensor, lesion: tf.Tensor, seed: tf.Tensor):
    return augment(tf.cast(image, tf.float32), tf.cast(lesion, tf.float32), seed)

  def volumes(sources: Sequence[Source]) -> tf.data.Dataset:
    large = examples(sources).filter(lambda example: _n_voxels(example['lesion']) >= min_voxels)
    return large.map(lambda example: (example['image'], example['lesion']))

  if not weights:
    stream = _shuffled(volumes(sources), seed)
  else:
    _check_weights(sources, weights)
    stream = _mixed([volumes([source]) for source in sources], weights, seed)
  return _batches(stream, batch_size, seed=seed, start_step=start_step, transform=transform)


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
    stream = _mixed(slices, weights, seed)
  else:
    stream = _shuffled(functools.reduce(tf.data.Dataset.concatenate, slices), seed)
  return _batches(stream, batch_size, seed=seed, start_step=start_step, transform=transform)


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
  classes = ClassMap.from_scheme(source.metadata['label_scheme'], groups={})
  slices = _class_slices([source], classes, min_lesion_pixels=1)
  return slices.map(lambda ids, image, facts: (image, ids))


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


def endless(
  dataset: tf.data.Dataset,
  batch_size: int,
  *,
  seed: int,
  start_step: int,
  transform: Callable[..., Any],
) -> tf.data.Dataset:
  """Yields shuffled, transformed batches without end; keeps examples in memory where they fit.

  The same seed gives the same batches, also when a resumed run starts at a later step: order and
  random numbers depend on the seed and the example's position alone.
  """
  stream = _shuffled(dataset, seed)
  return _batches(stream, batch_size, seed=seed, start_step=start_step, transform=transform)


def _shuffled(dataset: tf.data.Dataset, seed: int) -> tf.data.Dataset:
  """Endless elements, kept in memory where they fit, in another order in each round."""
  n_shuffled = 4096
  dataset = kept_examples(dataset)
  return dataset.shuffle(n_shuffled, seed=seed, reshuffle_each_iteration=True).repeat()


def _mixed(datasets: Sequence[tf.data.Dataset], weights: Sequence[float], seed: int) -> tf.data.Dataset:
  """Endless elements, each data set in an order of its own and drawn as often as its weight says."""
  streams = [_shuffled(dataset, seed + 1000 * i) for i, dataset in enumerate(datasets)]
  return tf.data.Dataset.sample_from_datasets(
    streams, [float(weight) for weight in weights], seed=seed, rerandomize_each_iteration=False
  )


def _batches(
  stream: tf.data.Dataset,
  batch_size: int,
  *,
  seed: int,
  start_step: int,
  transform: Callable[..., Any],
) -> tf.data.Dataset:
  """Batches of transformed elements of an endless stream, from batch `start_step` on."""

  def numbered(index: tf.Tensor, elements: Any) -> Any:
    elements = elements if isinstance(elements, tuple) else (elements,)
    return transform(*elements, tf.stack([tf.constant(seed, tf.int64), index]))

  dataset = stream.enumerate().skip(start_step * batch_size)
  dataset = dataset.map(numbered, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
  return dataset.batch(batch_size, drop_remainder=True).prefetch(2)


def signed(labels: tf.Tensor, image: tf.Tensor, *scores: tf.Tensor) -> tuple[tf.Tensor, ...]:
  """A pair, or triple, with its intensities in the translators' range."""
  return labels, to_signed(image), *scores


def to_signed(image: tf.Tensor) -> tf.Tensor:
  """Intensities in [0, 1] to the translators' [-1, 1], float32."""
  return tf.cast(image, tf.float32) * 2 - 1


def _n_voxels(mask: tf.Tensor) -> tf.Tensor:
  return tf.reduce_sum(tf.cast(mask, tf.int32))
