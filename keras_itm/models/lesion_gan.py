"""Wasserstein GAN with gradient penalty for lesion masks (Platscher et al. 2020, section 2.4)."""

from typing import Any

import gin
import tensorflow as tf

from keras_itm import checks
from keras_itm.lesions import balance_sizes
from keras_itm.losses import (
  gradient_penalty,
  mean_per_example,
  wasserstein_critic_loss,
  wasserstein_generator_loss,
)
from keras_itm.models.adversarial import AdversarialModel
from keras_itm.models.ema import AveragedNetwork
from keras_itm.models.exported import ExportsBundle
from keras_itm.models.tracked import apply_gradients_of_mean
from keras_itm.stack import plain

_METRICS = (
  'critic_loss',
  'generator_loss',
  'wasserstein_distance',
  'gradient_penalty',
  'gradient_norm',
  'real_score',
  'fake_score',
  'lesion_share',
)


@gin.register
@tf.keras.utils.register_keras_serializable('keras_itm')
class LesionGAN(ExportsBundle, AdversarialModel):
  """Trains a generator of lesion masks against a critic.

  A batch of n * `critic_steps` real masks makes one training step: n at a time train the critic
  once, against as many fakes, and the generator is trained once on n fakes after that. The moving
  average of the generator is what is used later: calling the model maps latents [n, L] to lesion
  probabilities [n, X, Y, Z] by it.
  """

  bundle_kind = 'lesion_generator'
  intensity_range = (0.0, 1.0)
  checks = (
    checks.tells_apart('real_score', 'fake_score'),
    checks.approaches_one('gradient_norm'),
    checks.is_rare('lesion_share'),
  )

  def __init__(
    self,
    generator: tf.keras.Model,
    critic: tf.keras.Model,
    latent_size: int,
    critic_steps: int = 5,
    penalty_weight: float = 10.0,
    ema_decay: float = 0.999,
    size_exponent: float = 0.0,
    seed: int = 0,
    name: str = 'lesion_gan',
  ):
    """Takes the networks over.

    Args:
      generator: Latents [n, L] to class probabilities [n, X, Y, Z, 2]; channel 1 is the lesion.
      critic: Masks [n, X, Y, Z], scaled by `size_exponent`, to scores [n].
      latent_size: L.
      critic_steps: Critic updates for each update of the generator.
      penalty_weight: Weight of the gradient penalty.
      ema_decay: Of the generator's moving average, in [0, 1).
      size_exponent: How far the critic's view of masks is freed from their size, 0 (not at all, as
        in the paper) to 0.5; see `lesions.balance_sizes`. A short training otherwise neglects small
        lesions, which then fade below the threshold.
      seed: Of latents and of the places where the penalty is taken.
      name: Of the model.

    Raises:
      ValueError: Networks whose shapes do not fit, or a number out of its range.
    """
    super().__init__(_METRICS, name=name)
    _check_networks(generator, critic, latent_size)
    if not 0 <= size_exponent <= 0.5:
      raise ValueError(f'size_exponent is {size_exponent}, expected a number from 0 to 0.5')
    if critic_steps < 1 or penalty_weight < 0:
      raise ValueError(
        f'critic_steps {critic_steps}, penalty_weight {penalty_weight}: expected >= 1 and >= 0'
      )
    self.generator = generator
    self.critic = critic
    self.average = AveragedNetwork(generator, ema_decay)
    self.latent_size = latent_size
    self.critic_steps = critic_steps
    self.penalty_weight = penalty_weight
    self.size_exponent = size_exponent
    self.rng = tf.random.Generator.from_seed(seed)
    self.seed = seed

  def get_config(self) -> dict[str, Any]:
    numbers = ('latent_size', 'critic_steps', 'penalty_weight', 'size_exponent', 'seed')
    save = tf.keras.utils.serialize_keras_object
    return {
      **super().get_config(),
      'generator': save(self.generator),
      'critic': save(self.critic),
      'ema_decay': self.average.decay,
      **{name: getattr(self, name) for name in numbers},
    }

  @property
  def exported_network(self) -> tf.keras.Model:
    return self.average.network

  @property
  def discriminator_variables(self) -> list[tf.Variable]:
    return self.critic.trainable_variables

  def call(self, latent: tf.Tensor, training: bool = False) -> tf.Tensor:
    return self.average(latent, training=training)[..., 1]

  def train_step(self, real: tf.Tensor) -> dict[str, tf.Tensor]:
    """One update of the generator after `critic_steps` of the critic.

    Args:
      real: Masks with values in [0, 1], any numeric type, [n * critic_steps, X, Y, Z].
    """
    batches = self._split(real)
    for i in range(self.critic_steps):
      self._train_critic(batches[:, i])
    self._train_generator(tf.shape(batches)[0])
    self.average.update(self.generator)
    return self.results()

  def test_step(self, real: tf.Tensor) -> dict[str, tf.Tensor]:
    """The losses on masks [n, X, Y, Z]; draws the same numbers each time and trains nothing."""
    real = tf.cast(real, tf.float32)
    n = tf.shape(real)[0]
    latents = tf.random.stateless_normal([n, self.latent_size], seed=[0, 1])
    alpha = tf.random.stateless_uniform([n], seed=[0, 2])
    fake = self._fakes(latents, training=False)
    self.track(self.critic_losses(real, fake, alpha))
    self.track(self.generator_losses(fake))
    return self.results()

  def critic_losses(self, real: tf.Tensor, fake: tf.Tensor, alpha: tf.Tensor) -> dict[str, tf.Tensor]:
    """All quantities of the critic's objective, one value per example.

    Args:
      real: float32 masks, [n, X, Y, Z].
      fake: Lesion probabilities, [n, X, Y, Z].
      alpha: Where between them the gradient is taken, [n], in [0, 1].
    """
    share = mean_per_example(real)
    real, fake = self._view(real), self._view(fake)
    real_scores, fake_scores = tf.split(self.critic(tf.concat([real, fake], 0), training=True), 2)
    loss = wasserstein_critic_loss(real_scores, fake_scores)
    penalty, norm = gradient_penalty(lambda masks: self.critic(masks, training=True), real, fake, alpha)
    return {
      'critic_loss': loss + self.penalty_weight * penalty,
      'wasserstein_distance': -loss,
      'gradient_penalty': penalty,
      'gradient_norm': norm,
      'real_score': real_scores,
      'fake_score': fake_scores,
      'lesion_share': share,
    }

  def generator_losses(self, fake: tf.Tensor) -> dict[str, tf.Tensor]:
    """The generator's objective for lesion probabilities [n, X, Y, Z], one value per example."""
    scores = self.critic(self._view(fake), training=True)
    return {'generator_loss': wasserstein_generator_loss(scores)}

  def _view(self, masks: tf.Tensor) -> tf.Tensor:
    """Masks as the critic sees them; the distance and the penalty are taken in this space."""
    return balance_sizes(masks, self.size_exponent) if self.size_exponent else masks

  def _split(self, real: tf.Tensor) -> tf.Tensor:
    n, k = real.shape[0], self.critic_steps
    if n is not None and n % k:
      raise ValueError(f'batch of {n} masks: expected a multiple of critic_steps, {k}')
    tf.debugging.assert_equal(tf.shape(real)[0] % k, 0, 'batch is no multiple of critic_steps')
    # Every k-th mask to the same step, so that replicas with a part of the batch split it alike.
    return tf.reshape(tf.cast(real, tf.float32), tf.concat([[-1, k], tf.shape(real)[1:]], 0))

  def _latents(self, n: tf.Tensor) -> tf.Tensor:
    return self.rng.normal([n, self.latent_size])

  def _fakes(self, latents: tf.Tensor, training: bool) -> tf.Tensor:
    return self.generator(latents, training=training)[..., 1]

  def _train_critic(self, real: tf.Tensor) -> None:
    n = tf.shape(real)[0]
    fake = self._fakes(self._latents(n), training=True)
    alpha = self.rng.uniform([n])
    variables = self.discriminator_variables
    with tf.GradientTape(watch_accessed_variables=False) as tape:
      tape.watch([plain(v) for v in variables])
      losses = self.critic_losses(real, fake, alpha)
    apply_gradients_of_mean(self.discriminator_optimizer, tape, losses['critic_loss'], variables)
    self.track(losses)

  def _train_generator(self, n: tf.Tensor) -> None:
    latents = self._latents(n)
    variables = self.generator_variables
    with tf.GradientTape(watch_accessed_variables=False) as tape:
      tape.watch([plain(v) for v in variables])
      losses = self.generator_losses(self._fakes(latents, training=True))
    apply_gradients_of_mean(self.generator_optimizer, tape, losses['generator_loss'], variables)
    self.track(losses)


def _check_networks(generator: tf.keras.Model, critic: tf.keras.Model, latent_size: int) -> None:
  takes, makes, judges = generator.input_shape, generator.output_shape, critic.input_shape
  if takes[1:] != (latent_size,):
    raise ValueError(f'generator takes {takes[1:]}, expected latents of size {latent_size}')
  if makes[1:] != (*judges[1:], 2):
    raise ValueError(f'generator makes {makes[1:]}, expected {(*judges[1:], 2)} as the critic does')
