"""Losses, one value per example; they know neither networks nor data sets.

Callers average them, with the global batch size where training is distributed.
"""

import tensorflow as tf

# Wasserstein: Arjovsky et al. 2017, equations 2 and 3. Scores are unbounded, higher is more real.


def wasserstein_critic_loss(real_scores: tf.Tensor, fake_scores: tf.Tensor) -> tf.Tensor:
  """Score of the fakes less that of the real examples, [n]; minus it estimates the distance.

  Args:
    real_scores: Critic on real examples, [n].
    fake_scores: Critic on generated examples, [n].
  """
  return fake_scores - real_scores


def wasserstein_generator_loss(fake_scores: tf.Tensor) -> tf.Tensor:
  """Negative score of the fakes, [n] -> [n]."""
  return -fake_scores


# Minimax: Goodfellow et al. 2014 in its non-saturating form; equation 1 of the paper. A PatchGAN gives
# a map of logits per scale; an example's loss is the mean over its patches, then over scales.


def minimax_discriminator_loss(real_logits: list[tf.Tensor], fake_logits: list[tf.Tensor]) -> tf.Tensor:
  """Half the cross-entropy of telling real (label 1) from fake (label 0), [n].

  The half is the references' way to slow the discriminator down.

  Args:
    real_logits: Maps [n, x, y, 1] on real pairs, one per scale.
    fake_logits: The same on generated ones.
  """
  real = mean_over_scales([tf.nn.softplus(-logits) for logits in real_logits])
  fake = mean_over_scales([tf.nn.softplus(logits) for logits in fake_logits])
  return (real + fake) / 2


def minimax_generator_loss(fake_logits: list[tf.Tensor]) -> tf.Tensor:
  """Cross-entropy of fakes with the label of real, -log D(G(x)), [n]."""
  return mean_over_scales([tf.nn.softplus(-logits) for logits in fake_logits])


def mean_over_scales(maps: list[tf.Tensor]) -> tf.Tensor:
  """Mean of each example's map, then over scales: maps [n, x, y, 1] -> [n]."""
  return tf.add_n([_mean_per_example(values) for values in maps]) / len(maps)


def l1_loss(truth: tf.Tensor, prediction: tf.Tensor) -> tf.Tensor:
  """Mean absolute difference of each example, [n, ...] -> [n]."""
  return _mean_per_example(tf.abs(tf.cast(truth, tf.float32) - tf.cast(prediction, tf.float32)))


def binary_cross_entropy(truth: tf.Tensor, probability: tf.Tensor) -> tf.Tensor:
  """Mean cross-entropy over the voxels of each example, [n, ...] -> [n].

  Args:
    truth: 0 or 1.
    probability: Of 1; moved away from 0 and 1 by 1e-7, so that no loss is infinite.
  """
  probability = tf.clip_by_value(tf.cast(probability, tf.float32), 1e-7, 1 - 1e-7)
  truth = tf.cast(truth, tf.float32)
  return _mean_per_example(
    -truth * tf.math.log(probability) - (1 - truth) * tf.math.log1p(-probability)
  )


def _mean_per_example(values: tf.Tensor) -> tf.Tensor:
  return tf.reduce_mean(tf.reshape(values, [tf.shape(values)[0], -1]), axis=1)
