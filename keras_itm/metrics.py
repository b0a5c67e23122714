"""Overlap of segmentations (paper, equation 2)."""

import tensorflow as tf


def dice(truth: tf.Tensor, prediction: tf.Tensor) -> tf.Tensor:
  """Dice coefficient of binary masks.

  Args:
    truth: [n, ...], 0 or 1.
    prediction: The same shape, 0 or 1.

  Returns:
    [n], in [0, 1]; 1 where both masks are empty.
  """
  truth, prediction = _flat(truth), _flat(prediction)
  overlap = tf.reduce_sum(truth * prediction, -1)
  total = tf.reduce_sum(truth, -1) + tf.reduce_sum(prediction, -1)
  return tf.where(total > 0, 2 * overlap / tf.maximum(total, 1.0), 1.0)


def soft_dice(truth: tf.Tensor, probability: tf.Tensor) -> tf.Tensor:
  """Dice coefficient with probabilities for a mask: differentiable, [n].

  The overlap of two empty masks counts as 1 and one voxel is added to both sides of the fraction, so
  that the gradient of a volume without lesion stays finite.
  """
  truth, probability = _flat(truth), _flat(probability)
  overlap = tf.reduce_sum(truth * probability, -1)
  total = tf.reduce_sum(truth, -1) + tf.reduce_sum(probability, -1)
  return (2 * overlap + 1) / (total + 1)


def _flat(x: tf.Tensor) -> tf.Tensor:
  return tf.reshape(tf.cast(x, tf.float32), [tf.shape(x)[0], -1])
