"""StyleGAN2: slices with their classes, drawn together from noise (Karras et al. 2020)."""

from typing import Any, TypeAlias

import gin
import tensorflow as tf

from keras_itm import checks, losses
from keras_itm.bundle import JOINT_GENERATOR
from keras_itm.layers.moving_mean import MovingMean
from keras_itm.models.adversarial import AdversarialModel
from keras_itm.models.ema import AveragedNetwork
from keras_itm.models.exported import ExportsBundle
from keras_itm.models.style_draws import StyleDraws, check_networks
from keras_itm.models.tracked import apply_gradients_of_mean
from keras_itm.stack import plain

_METRICS = (
  'discriminator_loss',
  'generator_loss',
  'real_score',
  'fake_score',
  'real_sign',
  'r1_penalty',
  'path_penalty',
)
_STYLE_DECAY = 0.995
_PATH_DECAY = 0.99

Batch: TypeAlias = tuple[tf.Tensor, ...] | tf.Tensor


@gin.register
@tf.keras.utils.register_keras_serializable('keras_itm')
class StyleGAN(ExportsBundle, AdversarialModel):
  """Trains a generator of slices and class probabilities against a discriminator that sees both.

  What the channels are decides what it is: contrasts and classes make it draw pairs of images and
  segmentations (Son et al. 2022, Vu et al. 2025); classes alone, masks; contrasts alone, images.

  A batch is `(image, probability, condition)`, [n, X, Y, C] in [-1, 1], [n, X, Y, K] and [n, k],
  without those that have no channel. Calling the model draws by the moving averages: latents [n, L]
  (and conditions, and how far styles are from their mean) to `image` and `probability`.
  """

  bundle_kind = JOINT_GENERATOR
  intensity_range = (-1.0, 1.0)
  checks = (checks.tells_apart('real_score', 'fake_score'),)

  def __init__(
    self,
    mapping: tf.keras.Model,
    generator: tf.keras.Model,
    discriminator: tf.keras.Model,
    n_contrasts: int,
    r1_weight: float = 10.0,
    r1_every: int = 16,
    path_weight: float = 2.0,
    path_every: int = 4,
    mixing: float = 0.9,
    ema_half_life: float = 10_000.0,
    ema_ramp: float = 0.05,
    seed: int = 0,
    name: str = 'style_gan',
  ):
    """Takes the networks over.

    Args:
      mapping: Latents [n, L], or a list of them and conditions [n, k], to styles [n, w].
      generator: Styles [n, layers, w], or a list of them and noise [n, m], to slices [n, X, Y, C + K].
      discriminator: Slices, or a list of them and conditions, to scores [n].
      n_contrasts: C, the first channels of a slice.
      r1_weight: Gamma of the R1 penalty at real slices; 0 for none.
      r1_every: Steps between two of them, each of which counts as much more.
      path_weight: Weight of the penalty on path lengths; 0 for none.
      path_every: Steps between two of them; each looks at half a batch.
      mixing: Share of draws whose fine layers take the style of a second latent.
      ema_half_life: Slices after which half of the moving averages is forgotten.
      ema_ramp: The half-life is at most this part of the slices seen so far.
      seed: Of latents, noise and mixing.
      name: Of the model.

    Raises:
      ValueError: Networks whose shapes do not fit, or a number out of its range.
    """
    super().__init__(_METRICS, name=name)
    if min(r1_weight, path_weight) < 0 or min(r1_every, path_every) < 1 or not 0 <= mixing <= 1:
      raise ValueError(
        f'r1_weight {r1_weight}, path_weight {path_weight}: expected at least 0; r1_every {r1_every}, '
        f'path_every {path_every}: expected at least 1; mixing {mixing}: expected 0 to 1'
      )
    if min(ema_half_life, ema_ramp) <= 0:
      raise ValueError(f'ema_half_life {ema_half_life}, ema_ramp {ema_ramp}: expected more than 0')
    check_networks(mapping, generator, discriminator, n_contrasts)
    self.mapping = mapping
    self.generator = generator
    self.discriminator = discriminator
    # How much they keep depends on the slices seen so far; `update` is told.
    self.average_mapping = AveragedNetwork(mapping, decay=0.0)
    self.average = AveragedNetwork(generator, decay=0.0)
    self.n_contrasts = n_contrasts
    self.draws = StyleDraws(mapping, generator, mixing)
    self.latent_size, self.n_conditions = self.draws.latent_size, self.draws.n_conditions
    self.style_mean = MovingMean((self.draws.style_size,), _STYLE_DECAY)
    self.path_mean = MovingMean((), _PATH_DECAY)
    self.r1_weight, self.r1_every = r1_weight, r1_every
    self.path_weight, self.path_every = path_weight, path_every
    self.mixing = mixing
    self.ema_half_life, self.ema_ramp = ema_half_life, ema_ramp
    self.rng = tf.random.Generator.from_seed(seed)
    self.seed = seed

  def get_config(self) -> dict[str, Any]:
    networks = ('mapping', 'generator', 'discriminator')
    penalties = ('r1_weight', 'r1_every', 'path_weight', 'path_every')
    numbers = ('n_contrasts', *penalties, 'mixing', 'ema_half_life', 'ema_ramp', 'seed')
    save = tf.keras.utils.serialize_keras_object
    return {
      **super().get_config(),
      **{name: save(getattr(self, name)) for name in networks},
      **{name: getattr(self, name) for name in numbers},
    }

  @property
  def exported_network(self) -> tf.keras.Model:
    return self.average.network

  @property
  def generator_variables(self) -> list[tf.Variable]:
    return [*self.mapping.trainable_variables, *self.generator.trainable_variables]

  def call(
    self,
    latent: tf.Tensor,
    condition: tf.Tensor | None = None,
    truncation: tf.Tensor | None = None,
    training: bool = False,
  ) -> dict[str, tf.Tensor]:
    """Draws slices; the same latent gives the same slice, noise included.

    Args:
      latent: From N(0, I), [n, L].
      condition: What is asked for, [n, k]; zeros, when None.
      truncation: How far a style is from the mean one, [n]: 1 as drawn (when None), 0 the mean.
      training: Not used.

    Returns:
      `image` float32 [n, X, Y, C], about in [-1, 1], and `probability` float32 [n, X, Y, K].
    """
    if condition is None:
      condition = tf.zeros([tf.shape(latent)[0], self.n_conditions])
    style = self.draws.map(self.average_mapping, latent, condition)
    if truncation is not None:
      away = self.style_mean(style)
      # Keras brings inputs to the policy's precision; styles are float32.
      style = style - away + tf.cast(truncation, style.dtype)[:, tf.newaxis] * away
    styles, noise = self.draws.on_all_layers(style), self.draws.noise_of(latent)
    slices = self.draws.slices(self.average, styles, noise)
    return {'image': slices[..., : self.n_contrasts], 'probability': slices[..., self.n_contrasts :]}

  def train_step(self, batch: Batch) -> dict[str, tf.Tensor]:
    """Trains the generator, asked for the conditions of the batch, then the discriminator."""
    real, condition = self._slices(batch)
    self._train_generator(condition)
    self._train_discriminator(real, condition)
    self._update_averages(tf.shape(real)[0])
    return self.results()

  def test_step(self, batch: Batch) -> dict[str, tf.Tensor]:
    """The losses of the averaged generator; draws the same numbers each time and trains nothing."""
    real, condition = self._slices(batch)
    latent = tf.random.stateless_normal([tf.shape(real)[0], self.latent_size], seed=[0, 1])
    fake = tf.concat(list(self(latent, condition).values()), axis=-1)
    self.track(self.discriminator_losses(real, fake, condition))
    self.track(self.generator_losses(fake, condition))
    return self.results()

  def discriminator_losses(
    self, real: tf.Tensor, fake: tf.Tensor, condition: tf.Tensor
  ) -> dict[str, tf.Tensor]:
    """The discriminator's objective without penalty, and scores, one value per example.

    Args:
      real: Slices, [n, X, Y, C + K].
      fake: The same, generated.
      condition: Of both, [n, k].
    """
    # One after another: the deviation of a batch must not mix them.
    real_scores, fake_scores = self._judge(real, condition), self._judge(fake, condition)
    return {
      'discriminator_loss': losses.logistic_discriminator_loss(real_scores, fake_scores),
      'real_score': real_scores,
      'fake_score': fake_scores,
      'real_sign': tf.sign(real_scores),
    }

  def generator_losses(self, fake: tf.Tensor, condition: tf.Tensor) -> dict[str, tf.Tensor]:
    """The generator's objective without penalty for slices [n, X, Y, C + K], one value per example."""
    return {'generator_loss': losses.logistic_generator_loss(self._judge(fake, condition))}

  def _slices(self, batch: Batch) -> tuple[tf.Tensor, tf.Tensor]:
    """Slices [n, X, Y, C + K] and conditions [n, k], k = 0 where there are none."""
    parts = [tf.cast(x, tf.float32) for x in (batch if isinstance(batch, tuple | list) else [batch])]
    condition = parts.pop() if self.n_conditions else tf.zeros([tf.shape(parts[0])[0], 0])
    return tf.concat(parts, axis=-1), condition

  def _train_generator(self, condition: tf.Tensor) -> None:
    variables = self.generator_variables
    numbers = self._numbers(condition)
    half = self._numbers(condition[::2]) if self.path_weight else None
    with tf.GradientTape(watch_accessed_variables=False) as tape:
      tape.watch([plain(v) for v in variables])
      style, styles = self.draws.styles(self.mapping, numbers, condition)
      fake = self.draws.slices(self.generator, styles, numbers['noise'])
      values = self.generator_losses(fake, condition)
      objective = values['generator_loss']
      if half:
        lengths, is_due = self._lengths(half, condition[::2])
        values['path_penalty'] = is_due * self.path_weight * tf.square(self.path_mean(lengths))
        objective += self.path_every * tf.reduce_mean(values['path_penalty'])
    apply_gradients_of_mean(self.generator_optimizer, tape, objective, variables)
    self.style_mean.update(style)
    if half:
      self.path_mean.update(lengths, is_due)
    self.track(values)

  def _train_discriminator(self, real: tf.Tensor, condition: tf.Tensor) -> None:
    numbers = self._numbers(condition)
    _, styles = self.draws.styles(self.mapping, numbers, condition)
    fake = self.draws.slices(self.generator, styles, numbers['noise'])
    variables = self.discriminator_variables
    with tf.GradientTape(watch_accessed_variables=False) as tape:
      tape.watch([plain(v) for v in variables])
      values = self.discriminator_losses(real, fake, condition)
      objective = values['discriminator_loss']
      if self.r1_weight:
        values['r1_penalty'] = self._r1(real, condition)
        objective += self.r1_every * values['r1_penalty']
    apply_gradients_of_mean(self.discriminator_optimizer, tape, objective, variables)
    self.track(values)

  def _r1(self, real: tf.Tensor, condition: tf.Tensor) -> tf.Tensor:
    """The weighted penalty of each example where it is due, [n]; else 0."""
    judge = lambda slices: self._judge(slices, condition)
    penalty = lambda: self.r1_weight / 2 * losses.r1_penalty(judge, real)
    return tf.cond(self._is_due(self.r1_every), penalty, lambda: tf.zeros(tf.shape(real)[:1]))

  def _lengths(
    self, numbers: dict[str, tf.Tensor], condition: tf.Tensor
  ) -> tuple[tf.Tensor, tf.Tensor]:
    """Path lengths [n] where they are due, else 0; and whether they are, 1 or 0."""
    size = [tf.shape(condition)[0], *self.generator.output_shape[1:]]
    directions = self.rng.normal(size)
    synthesis = lambda styles: self.draws.slices(self.generator, styles, numbers['noise'])
    styles = lambda: self.draws.styles(self.mapping, numbers, condition)[1]
    lengths = lambda: losses.path_lengths(synthesis, styles(), directions)
    is_due = self._is_due(self.path_every)
    return tf.cond(is_due, lengths, lambda: tf.zeros(size[:1])), tf.cast(is_due, tf.float32)

  def _is_due(self, every: int) -> tf.Tensor:
    return plain(self.average.n_updates) % every == 0

  def _numbers(self, condition: tf.Tensor) -> dict[str, tf.Tensor]:
    return self.draws.numbers(self.rng, tf.shape(condition)[0])

  def _judge(self, slices: tf.Tensor, condition: tf.Tensor) -> tf.Tensor:
    return self.discriminator([slices, condition] if self.n_conditions else slices)

  def _update_averages(self, n: tf.Tensor) -> None:
    """Moves the averages after a step with n slices on each replica."""
    n_replicas = tf.distribute.get_strategy().num_replicas_in_sync
    batch = tf.cast(n * n_replicas, tf.float32)
    seen = batch * tf.cast(self.average.n_updates, tf.float32)
    half_life = tf.minimum(self.ema_half_life, self.ema_ramp * seen)
    keep = tf.pow(0.5, batch / tf.maximum(half_life, 1e-8))
    self.average_mapping.update(self.mapping, keep)
    self.average.update(self.generator, keep)
