"""Lesions as masks: how one is put into a brain, and what a set of them looks like.

Masks and label maps are [..., X, Y, Z] or any other shape that fits: all but the statistics work
voxel by voxel. Statistics expect [n, X, Y, Z] masks of 0 and 1.
"""

from collections.abc import Sequence

import tensorflow as tf

# Smaller lesions are drawn again (Platscher et al. 2020, section 2.4).
MIN_VOXELS = 20


def binarise(probability: tf.Tensor, threshold: float = 0.5) -> tf.Tensor:
  """1 where the probability exceeds `threshold`, else 0; uint8, same shape."""
  return tf.cast(probability > threshold, tf.uint8)


def classify(probability: tf.Tensor) -> tf.Tensor:
  """The class of each voxel, where a lesion is more probable than none; uint8.

  Args:
    probability: Of a lesion [X, Y, Z], or of classes [X, Y, Z, K], of which the first is none.

  Returns:
    [X, Y, Z]: 0 outside of lesions, else 1, or the most probable class from 1.
  """
  if len(probability.shape) == 3:
    return binarise(probability)
  lesion = binarise(tf.reduce_sum(probability[..., 1:], axis=-1))
  return lesion * tf.cast(1 + tf.argmax(probability[..., 1:], axis=-1), tf.uint8)


def restrict(lesion: tf.Tensor, labels: tf.Tensor, parenchyma_ids: Sequence[int]) -> tf.Tensor:
  """The part of a lesion that lies in parenchyma.

  Args:
    lesion: 0 or 1, any integer type.
    labels: Anatomical label map of the same shape, uint8.
    parenchyma_ids: Labels that a lesion may replace.

  Returns:
    0 or 1, uint8, same shape.
  """
  by_id = tf.reduce_any(tf.one_hot(parenchyma_ids, 256, on_value=True, off_value=False), axis=0)
  is_parenchyma = tf.gather(by_id, tf.cast(labels, tf.int32))
  return tf.cast(tf.logical_and(lesion > 0, is_parenchyma), tf.uint8)


def inject(labels: tf.Tensor, lesion: tf.Tensor, lesion_id: int) -> tf.Tensor:
  """The label map with `lesion_id` where the lesion is; dtype and shape of `labels`.

  A lesion that may reach out of the parenchyma goes through `restrict` first, so that image and mask
  of a synthetic case agree.
  """
  return tf.where(lesion > 0, tf.cast(lesion_id, labels.dtype), labels)


def balance_sizes(masks: tf.Tensor, exponent: float, typical_voxels: float = 256.0) -> tf.Tensor:
  """Scales each mask by ((V + 20) / (typical + 20)) ^ -exponent, V being its own volume.

  The length of a mask as a vector is the root of its volume, so that a distance between masks is
  ruled by the large ones. An exponent of 0.5 makes all equally long, 0 changes nothing.

  Args:
    masks: Values in [0, 1], float [n, X, Y, Z].
    exponent: From 0 to 0.5.
    typical_voxels: Volume that keeps its values.

  Returns:
    The scaled masks, same shape and type.
  """
  volume = tf.reduce_sum(masks, axis=[1, 2, 3], keepdims=True)
  return masks * ((volume + MIN_VOXELS) / (typical_voxels + MIN_VOXELS)) ** -exponent


def volume_voxels(masks: tf.Tensor) -> tf.Tensor:
  """Voxels of each mask, [n, X, Y, Z] -> int32 [n]."""
  return tf.reduce_sum(tf.cast(masks, tf.int32), axis=[1, 2, 3])


def pass_rate(masks: tf.Tensor, min_voxels: int = MIN_VOXELS) -> tf.Tensor:
  """Share of masks with at least `min_voxels` voxels, float32 scalar in [0, 1]."""
  return tf.reduce_mean(tf.cast(volume_voxels(masks) >= min_voxels, tf.float32))


def pairwise_dice(masks: tf.Tensor) -> tf.Tensor:
  """Mean Dice over all pairs of different masks: 0 when none overlap, 1 when all are alike.

  Two empty masks count as 1. Memory grows with n^2 + n X Y Z.

  Args:
    masks: 0 or 1, [n, X, Y, Z], n of at least 2.

  Returns:
    float32 scalar; NaN for fewer than two masks.
  """
  flat = tf.cast(tf.reshape(masks, [tf.shape(masks)[0], -1]), tf.float32)
  volume = tf.reduce_sum(flat, axis=1)
  overlap = tf.matmul(flat, flat, transpose_b=True)
  total = volume[:, None] + volume[None, :]
  dice = tf.where(total > 0, 2 * overlap / tf.maximum(total, 1.0), tf.ones_like(total))
  n = tf.cast(tf.shape(masks)[0], tf.float32)
  return (tf.reduce_sum(dice) - tf.linalg.trace(dice)) / (n * (n - 1))
