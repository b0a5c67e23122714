"""Losses and penalties, one value per example; they know neither networks nor data sets.

Callers average them, with the global batch size where training is distributed.
"""

from collections.abc import Callable

import tensorflow as tf

# Keeps the derivative of the norm finite where the gradient vanishes.
_TINY = 1e-12

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


def gradient_penalty(
  critic: Callable[[tf.Tensor], tf.Tensor], real: tf.Tensor, fake: tf.Tensor, alpha: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
  """How far the critic's gradient is from norm 1 between real and fake (Gulrajani et al. 2017, eq. 3).

  Args:
    critic: Maps examples to one score each; examples must not influence each other's score.
    real: Real examples, [n, ...].
    fake: Generated examples, the shape of `real`.
    alpha: Where on the line from real (0) to fake (1) to look, [n], uniform draws.

  Returns:
    The penalty (norm - 1)^2, [n], and the norm of the gradient, [n], both float32.
  """
  real, fake = tf.convert_to_tensor(real), tf.convert_to_tensor(fake)
  weight = tf.reshape(tf.cast(alpha, real.dtype), [-1] + [1] * (real.shape.rank - 1))
  between = real + weight * (fake - real)
  with tf.GradientTape(watch_accessed_variables=False) as tape:
    tape.watch(between)
    scores = critic(between)
  gradient = tf.cast(tape.gradient(scores, between), tf.float32)
  squares = tf.reduce_sum(tf.square(gradient), axis=list(range(1, real.shape.rank)))
  norm = tf.sqrt(squares + _TINY)
  return tf.square(norm - 1.0), norm


# Logistic: as StyleGAN2 has it (Karras et al. 2020). Scores are logits, one of each example.


def logistic_discriminator_loss(real_scores: tf.Tensor, fake_scores: tf.Tensor) -> tf.Tensor:
  """Cross-entropies of real (label 1) and fake (label 0), added up, [n]; arguments as above."""
  return tf.nn.softplus(-real_scores) + tf.nn.softplus(fake_scores)


def logistic_generator_loss(fake_scores: tf.Tensor) -> tf.Tensor:
  """Cross-entropy of fakes with the label of real, [n] -> [n]."""
  return tf.nn.softplus(-fake_scores)


def r1_penalty(discriminator: Callable[[tf.Tensor], tf.Tensor], real: tf.Tensor) -> tf.Tensor:
  """Squared norm of the discriminator's gradient at real examples (Mescheder et al. 2018, eq. 9).

  Args:
    discriminator: Maps examples to one score each.
    real: Real examples, [n, ...].

  Returns:
    Sum of squares of each example, [n], float32; gamma / 2 times it belongs into the loss.
  """
  real = tf.convert_to_tensor(real)
  with tf.GradientTape(watch_accessed_variables=False) as tape:
    tape.watch(real)
    scores = discriminator(real)
  gradient = tf.cast(tape.gradient(scores, real), tf.float32)
  return tf.reduce_sum(tf.square(gradient), axis=list(range(1, real.shape.rank)))


def path_lengths(
  synthesis: Callable[[tf.Tensor], tf.Tensor], styles: tf.Tensor, noise: tf.Tensor
) -> tf.Tensor:
  """How far images move for a step in the space of styles (Karras et al. 2020, equation 4).

  Args:
    synthesis: Styles -> images [n, X, Y, c].
    styles: [n, layers, w].
    noise: Random images from N(0, I), the shape of the images.

  Returns:
    Norm of the gradient of <image, noise> / sqrt(X Y) by the styles of a layer, as the root of its mean
    square over layers, [n], float32.
  """
  styles = tf.convert_to_tensor(styles)
  with tf.GradientTape(watch_accessed_variables=False) as tape:
    tape.watch(styles)
    images = tf.cast(synthesis(styles), tf.float32)
    n_pixels = tf.cast(tf.reduce_prod(tf.shape(images)[1:3]), tf.float32)
    product = tf.reduce_sum(images * noise) * tf.math.rsqrt(n_pixels)
  gradient = tf.cast(tape.gradient(product, styles), tf.float32)
  squares = tf.reduce_mean(tf.reduce_sum(tf.square(gradient), axis=2), axis=1)
  return tf.sqrt(squares + _TINY)


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


# Hinge: Lim and Ye 2017, as SPADE uses it. Logits beyond 1 on the right side add nothing.


def hinge_discriminator_loss(real_logits: list[tf.Tensor], fake_logits: list[tf.Tensor]) -> tf.Tensor:
  """max(0, 1 - real) + max(0, 1 + fake), [n]; arguments as in the minimax form."""
  real = mean_over_scales([tf.nn.relu(1 - logits) for logits in real_logits])
  fake = mean_over_scales([tf.nn.relu(1 + logits) for logits in fake_logits])
  return real + fake


def hinge_generator_loss(fake_logits: list[tf.Tensor]) -> tf.Tensor:
  """Negative logit of the fakes, [n]."""
  return -mean_over_scales(fake_logits)


# Least squares: Mao et al. 2017, as cycleGAN uses it.


def least_squares_discriminator_loss(
  real_logits: list[tf.Tensor], fake_logits: list[tf.Tensor]
) -> tf.Tensor:
  """Half of (real - 1)^2 + fake^2, [n]; arguments as in the minimax form."""
  real = mean_over_scales([tf.square(logits - 1) for logits in real_logits])
  fake = mean_over_scales([tf.square(logits) for logits in fake_logits])
  return (real + fake) / 2


def least_squares_generator_loss(fake_logits: list[tf.Tensor]) -> tf.Tensor:
  """(fake - 1)^2, [n]."""
  return mean_over_scales([tf.square(logits - 1) for logits in fake_logits])


def feature_matching_loss(
  real_features: list[list[tf.Tensor]], fake_features: list[list[tf.Tensor]]
) -> tf.Tensor:
  """Sum over the layers of a discriminator of their L1 distances, mean over its scales, [n].

  Wang et al. 2018, equation 4, the layers not divided by their number, as in its public code.

  Args:
    real_features: Per scale the maps [n, x, y, c] of each layer on real pairs.
    fake_features: The same on generated ones.
  """
  distances = [
    l1_loss(real, fake)
    for real_maps, fake_maps in zip(real_features, fake_features, strict=True)
    for real, fake in zip(real_maps, fake_maps, strict=True)
  ]
  return tf.add_n(distances) / len(real_features)


def gaussian_divergence(mean: tf.Tensor, log_variance: tf.Tensor) -> tf.Tensor:
  """Kullback-Leibler divergence of independent normals from the standard one, [n, L] each -> [n]."""
  return 0.5 * tf.reduce_sum(tf.square(mean) + tf.exp(log_variance) - 1 - log_variance, axis=-1)


def mean_over_scales(maps: list[tf.Tensor]) -> tf.Tensor:
  """Mean of each example's map, then over scales: maps [n, x, y, 1] -> [n]."""
  return tf.add_n([mean_per_example(values) for values in maps]) / len(maps)


def l1_loss(truth: tf.Tensor, prediction: tf.Tensor) -> tf.Tensor:
  """Mean absolute difference of each example, [n, ...] -> [n]."""
  return mean_per_example(tf.abs(tf.cast(truth, tf.float32) - tf.cast(prediction, tf.float32)))


def binary_cross_entropy(truth: tf.Tensor, probability: tf.Tensor) -> tf.Tensor:
  """Mean cross-entropy over the voxels of each example, [n, ...] -> [n].

  Args:
    truth: 0 or 1.
    probability: Of 1; moved away from 0 and 1 by 1e-7, so that no loss is infinite.
  """
  probability = tf.clip_by_value(tf.cast(probability, tf.float32), 1e-7, 1 - 1e-7)
  truth = tf.cast(truth, tf.float32)
  return mean_per_example(-truth * tf.math.log(probability) - (1 - truth) * tf.math.log1p(-probability))


def mean_per_example(values: tf.Tensor) -> tf.Tensor:
  """[n, ...] -> [n], float32."""
  values = tf.cast(values, tf.float32)
  return tf.reduce_mean(tf.reshape(values, [tf.shape(values)[0], -1]), axis=1)
