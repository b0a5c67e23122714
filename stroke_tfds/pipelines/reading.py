"""Examples of data sets, and what models take of one."""

from collections.abc import Sequence

import tensorflow as tf

from stroke_tfds.errors import InputError
from stroke_tfds.sources import Source

Example = dict[str, tf.Tensor]


def examples(sources: Sequence[Source]) -> tf.data.Dataset:
  """The examples of all sources, one after another, in a fixed order."""
  dataset = sources[0].examples()
  for source in sources[1:]:
    dataset = dataset.concatenate(source.examples())
  return dataset


def check_lesions(sources: Sequence[Source], min_voxels: int) -> None:
  """Refuses sources of which nothing would be left.

  Raises:
    InputError: One has no case with a lesion of at least `min_voxels` voxels.
  """
  for source in sources:
    with tf.init_scope():  # They are looked at where a graph makes the data set, too.
      voxels = source.lesion_voxels
      if source.draw:
        voxels = voxels[source.draw_positions(*source.draw)]
    if not (voxels >= min_voxels).any():
      raise InputError(
        f'{source} has no case with a lesion of {min_voxels} voxels or more, expected some to learn '
        'from'
      )


def segmentation(example: Example, lesion_id: int) -> tf.Tensor:
  """The label map with the lesion as an id of its own, uint8 [X, Y, Z]."""
  return tf.where(example['lesion'] > 0, tf.cast(lesion_id, tf.uint8), example['labels'])


def to_signed(image: tf.Tensor) -> tf.Tensor:
  """Intensities in [0, 1] to the translators' [-1, 1], float32."""
  return tf.cast(image, tf.float32) * 2 - 1


def n_voxels(mask: tf.Tensor) -> tf.Tensor:
  return tf.reduce_sum(tf.cast(mask, tf.int32))
