"""Batches from which translators learn: label maps or classes beside images, in slices or volumes."""

from collections.abc import Sequence

import gin
import tensorflow as tf

from stroke_tfds import case_appearance
from stroke_tfds.case_appearance import Scores
from stroke_tfds.class_maps import ClassMap
from stroke_tfds.pipelines.batches import endless
from stroke_tfds.pipelines.reading import Example, examples, segmentation, to_signed
from stroke_tfds.sources import Source


@gin.register(module='stroke_tfds.pipelines')
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
  return _batches(pairs, batch_size, seed, start_step)


@gin.register(module='stroke_tfds.pipelines')
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


@gin.register(module='stroke_tfds.pipelines')
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
  return _batches(volume_pairs(sources, appearances, classes), batch_size, seed, start_step)


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

  def with_scores(case: Example):
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


def signed(labels: tf.Tensor, image: tf.Tensor, *scores: tf.Tensor) -> tuple[tf.Tensor, ...]:
  """A pair, or triple, with its intensities in the translators' range."""
  return labels, to_signed(image), *scores


def _batches(pairs: tf.data.Dataset, batch_size: int, seed: int, start_step: int) -> tf.data.Dataset:
  """Endless batches of pairs, or triples, in the translators' range."""
  # The last argument is a random seed, which nothing here needs.
  transform = lambda *pair: signed(*pair[:-1])
  return endless(pairs, batch_size, seed=seed, start_step=start_step, transform=transform)
