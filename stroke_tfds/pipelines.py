"""From prepared data sets to what a model trains on: masks, slices and volumes."""

from collections.abc import Callable, Sequence
from typing import Any

import gin
import tensorflow as tf

from stroke_tfds.errors import InputError
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
  sources: Sequence[Source], batch_size: int, *, seed: int, start_step: int = 0
) -> tf.data.Dataset:
  """Endless batches of axial slices for a translator.

  Yields:
    (segmentation uint8 [n, X, Y] with the lesion as its own id, image float32 [n, X, Y, C] in [-1, 1]).
  """
  slices = slice_pairs(sources).unbatch()
  transform = lambda labels, image, seed: (labels, to_signed(image))
  return endless(slices, batch_size, seed=seed, start_step=start_step, transform=transform)


@gin.register
def unpaired_slices(
  sources: Sequence[Source], batch_size: int, *, seed: int, start_step: int = 0
) -> tf.data.Dataset:
  """Endless batches as of `paired_slices`, but labels and images are drawn independently.

  Each side comes in an order of its own, in which every slice comes up once an epoch.
  """
  slices = slice_pairs(sources).unbatch()
  # Only what a side yields is kept in memory.
  labels, images = slices.map(lambda labels, image: labels), slices.map(lambda labels, image: image)
  keep, scale = (lambda labels, seed: labels), (lambda image, seed: to_signed(image))
  # Two seeds for each: otherwise the labels of one training come as the images of the next.
  labels = endless(labels, batch_size, seed=2 * seed, start_step=start_step, transform=keep)
  images = endless(images, batch_size, seed=2 * seed + 1, start_step=start_step, transform=scale)
  return tf.data.Dataset.zip((labels, images))


@gin.register
def paired_volumes(
  sources: Sequence[Source], batch_size: int, *, seed: int, start_step: int = 0
) -> tf.data.Dataset:
  """Endless batches of whole volumes for a translator.

  Yields:
    (segmentation uint8 [n, X, Y, Z] with the lesion as its own id, image float32 [n, X, Y, Z, C] in
    [-1, 1]).
  """
  transform = lambda labels, image, seed: (labels, to_signed(image))
  return endless(
    volume_pairs(sources), batch_size, seed=seed, start_step=start_step, transform=transform
  )


def volume_pairs(sources: Sequence[Source]) -> tf.data.Dataset:
  """(segmentation uint8 [X, Y, Z], image float16 [X, Y, Z, C] in [0, 1]) of each case."""
  lesion_id = sources[0].metadata['label_scheme']['lesion_id']
  return examples(sources).map(lambda case: (segmentation(case, lesion_id), case['image']))


def slice_pairs(sources: Sequence[Source]) -> tf.data.Dataset:
  """Volumes as slices: (segmentation uint8 [Z, X, Y], image float16 [Z, X, Y, C] in [0, 1])."""
  as_slices = lambda labels, image: (
    tf.transpose(labels, [2, 0, 1]),
    tf.transpose(image, [2, 0, 1, 3]),
  )
  return volume_pairs(sources).map(as_slices)


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
    # Each source in an order of its own.
    streams = [_shuffled(volumes([source]), seed + 1000 * i) for i, source in enumerate(sources)]
    stream = tf.data.Dataset.sample_from_datasets(
      streams, [float(weight) for weight in weights], seed=seed, rerandomize_each_iteration=False
    )
  return _batches(stream, batch_size, seed=seed, start_step=start_step, transform=transform)


def _check_weights(sources: Sequence[Source], weights: Sequence[float]) -> None:
  if len(weights) != len(sources) or min(weights) <= 0:
    raise InputError(
      f'weights {list(weights)}, expected a number above 0 for each of {[str(s) for s in sources]}'
    )


def endless(
  dataset: tf.data.Dataset,
  batch_size: int,
  *,
  seed: int,
  start_step: int,
  transform: Callable[..., Any],
) -> tf.data.Dataset:
  """Keeps examples in memory and yields shuffled, transformed batches without end.

  The same seed gives the same batches, also when a resumed run starts at a later step: order and
  random numbers depend on the seed and the example's position alone.
  """
  stream = _shuffled(dataset, seed)
  return _batches(stream, batch_size, seed=seed, start_step=start_step, transform=transform)


def _shuffled(dataset: tf.data.Dataset, seed: int) -> tf.data.Dataset:
  """Endless elements, kept in memory, in another order in each round."""
  n_shuffled = 4096
  return dataset.cache().shuffle(n_shuffled, seed=seed, reshuffle_each_iteration=True).repeat()


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


def to_signed(image: tf.Tensor) -> tf.Tensor:
  """Intensities in [0, 1] to the translators' [-1, 1], float32."""
  return tf.cast(image, tf.float32) * 2 - 1


def _n_voxels(mask: tf.Tensor) -> tf.Tensor:
  return tf.reduce_sum(tf.cast(mask, tf.int32))
