"""Batches from which lesion generators learn: masks."""

from collections.abc import Sequence

import tensorflow as tf

from stroke_tfds.pipelines.batches import endless
from stroke_tfds.pipelines.reading import check_lesions, examples, n_voxels
from stroke_tfds.sources import Source


def lesion_masks(
  sources: Sequence[Source], batch_size: int, *, min_voxels: int, seed: int, start_step: int = 0
) -> tf.data.Dataset:
  """Endless batches of lesion masks, float32 [n, X, Y, Z], each mirrored left to right at random.

  Masks of fewer than `min_voxels` voxels are left out.

  Raises:
    InputError: A source has no other.
  """
  check_lesions(sources, min_voxels)

  def mirror(mask: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    mask = tf.cast(mask, tf.float32)
    return tf.cond(tf.random.stateless_uniform([], seed) < 0.5, lambda: mask[::-1], lambda: mask)

  masks = examples(sources).map(lambda example: example['lesion'])
  masks = masks.filter(lambda mask: n_voxels(mask) >= min_voxels)
  return endless(masks, batch_size, seed=seed, start_step=start_step, transform=mirror)
