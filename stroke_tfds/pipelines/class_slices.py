"""Axial slices of volumes with the classes of their pixels."""

from collections.abc import Sequence

import tensorflow as tf

from stroke_tfds.class_maps import ClassMap
from stroke_tfds.pipelines.reading import Example, examples
from stroke_tfds.slice_example import LESION, LEVEL, level_of
from stroke_tfds.sources import Source


def class_slices(
  sources: Sequence[Source], classes: ClassMap, min_lesion_pixels: int
) -> tf.data.Dataset:
  """(class ids uint8 [X, Y], image float16 [X, Y, C] in [0, 1], facts by name) of each slice."""

  def as_slices(example: Example):
    ids = classes.classes(example)
    facts = slice_facts(ids, example, classes, min_lesion_pixels)
    return tf.transpose(ids, [2, 0, 1]), tf.transpose(example['image'], [2, 0, 1, 3]), facts

  slices = examples(sources).map(as_slices).unbatch()
  return slices.filter(lambda ids, image, facts: ~facts['is_empty'])


def slice_facts(ids: tf.Tensor, example: Example, classes: ClassMap, min_lesion_pixels: int) -> Example:
  """Facts of each slice of an example by name, [Z]; its classes are [X, Y, Z]."""
  n = ids.shape[2]
  n_pixels = tf.reduce_sum(tf.cast(ids >= classes.first_lesion, tf.int32), axis=[0, 1])
  return {
    LEVEL: level_of(tf.range(n, dtype=tf.float32), n),
    LESION: tf.cast(n_pixels >= min_lesion_pixels, tf.float32),
    'is_empty': tf.reduce_all(example['labels'] == 0, axis=[0, 1]),
  }
