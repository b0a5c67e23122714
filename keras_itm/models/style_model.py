"""StyleGAN2's way of training (Karras et al. 2020): what models of slices drawn by styles share."""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from keras_itm import checks, losses
from keras_itm.layers.adaptive_augmentation import N_NUMBERS, AdaptiveAugmentation
from keras_itm.layers.moving_mean import MovingMean
from keras_itm.models.adversarial import AdversarialModel
from keras_itm.models.ema import AveragedNetwork
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
_N_TO_MEAN = 128  # Latents whose styles make the mean one under a condition.


class StyleModel(AdversarialModel):
  """Trains a mapping and a generator of slices against a discriminator.

  Subclasses say what a batch is (`parts`), and where the condition goes that slices are drawn under: to
  the mapping and the discriminator, where these take one, else by `generate` and `seen`.

  Attributes:
    more_metrics: Names of what a subclass reports beside the rest, by `compare`.
    takes_labels: Whether the generator is one that labels steer.
  """

  checks = (checks.tells_apart('real_score', 'fake_score'),)
  more_metrics: tuple[str, ...] = ()
  takes_labels: bool = False

  def __init__(
    self,
    mapping: tf.keras.Model,
    generator: tf.keras.Model,
    discriminator: tf.keras.Model,
    n_contrasts: int | None = None,
    r1_weight: float = 10.0,
    r1_every: int = 16,
    path_weight: float = 2.0,
    path_every: int = 4,
    mixing: float = 0.9,
    ema_half_life: float = 10_000.0,
    ema_ramp: float = 0.05,
    augmentation: AdaptiveAugmentation | None = None,
    seed: int = 0,
    name: str | None = None,
  ):
    """Takes the networks over.

    Args:
      mapping: Latents [n, L], or a list of them and conditions [n, k], to styles [n, w].
      generator: Styles [n, layers, w], noise [n, m] where it has some, and what it is given, to slices.
      discriminator: What is seen of slices, or a list of that and conditions, to scores [n].
      n_contrasts: The first channels of a slice, which are an image; all, when None.
      r1_weight: Gamma of the R1 penalty at real slices; 0 for none.
      r1_every: Steps between two of them, each of which counts as much more.
      path_weight: Weight of the penalty on path lengths; 0 for none.
      path_every: Steps between two of them; each looks at half a batch.
      mixing: Share of draws whose fine layers take the style of a second latent.
      ema_half_life: Slices after which half of the moving averages is forgotten.
      ema_ramp: The half-life is at most this part of the slices seen so far.
      augmentation: Of all that the discriminator sees in training; None for none.
      seed: Of latents, noise, mixing and augmentation.
      name: Of the model.

    Raises:
      ValueError: Networks whose shapes do not fit, or a number out of its range.
    """
    more = (*self.more_metrics, *(() if augmentation is None else ('augmentation',)))
    super().__init__((*_METRICS, *more), name=name)
    if min(r1_weight, path_weight) < 0 or min(r1_every, path_every) < 1 or not 0 <= mixing <= 1:
      raise ValueError(
        f'r1_weight {r1_weight}, path_weight {path_weight}: expected at least 0; r1_every {r1_every}, '
        f'path_every {path_every}: expected at least 1; mixing {mixing}: expected 0 to 1'
      )
    if min(ema_half_life, ema_ramp) <= 0:
      raise ValueError(f'ema_half_life {ema_half_life}, ema_ramp {ema_ramp}: expected more than 0')
    check_networks(mapping, generator, discriminator, n_contrasts)
    self.draws = StyleDraws(mapping, generator, mixing)
    if bool(self.draws.n_labels) != self.takes_labels:
      raise ValueError(
        f'generator takes {self.draws.n_labels} channels of labels, expected '
        f'{"at least 1" if self.takes_labels else "none"}'
      )
    if self.draws.n_labels and self.draws.n_conditions:
      raise ValueError(
        f'mapping takes {self.draws.n_conditions} conditions, expected none beside labels'
      )
    self.mapping = mapping
    self.generator = generator
    self.discriminator = discriminator
    # How much they keep depends on the slices seen so far; `update` is told.
    self.average_mapping = AveragedNetwork(mapping, decay=0.0)
    self.average = AveragedNetwork(generator, decay=0.0)
    self.latent_size, self.n_conditions = self.draws.latent_size, self.draws.n_conditions
    self.style_mean = MovingMean((self.draws.style_size,), _STYLE_DECAY)
    self.path_mean = MovingMean((), _PATH_DECAY)
    self.r1_weight, self.r1_every = r1_weight, r1_every
    self.path_weight, self.path_every = path_weight, path_every
    self.mixing = mixing
    self.ema_half_life, self.ema_ramp = ema_half_life, ema_ramp
    self.n_contrasts = generator.output_shape[-1] if n_contrasts is None else n_contrasts
    self.augmentation = augmentation
    self.rng = tf.random.Generator.from_seed(seed)
    self.seed = seed

  def get_config(self) -> dict[str, Any]:
    objects = ('mapping', 'generator', 'discriminator', 'augmentation')
    penalties = ('r1_weight', 'r1_every', 'path_weight', 'path_every')
    numbers = ('n_contrasts', *penalties, 'mixing', 'ema_half_life', 'ema_ramp', 'seed')
    save = tf.keras.utils.serialize_keras_object
    return {
      **super().get_config(),
      **{name: save(getattr(self, name)) for name in objects},
      **{name: getattr(self, name) for name in numbers},
    }

  @property
  def generator_variables(self) -> list[tf.Variable]:
    return [*self.mapping.trainable_variables, *self.generator.trainable_variables]

  def parts(self, batch: Any) -> tuple[tf.Tensor, tf.Tensor]:
    """Real slices [n, X, Y, c] and the condition [n, ...] of a batch."""
    raise NotImplementedError

  def generate(
    self, network: tf.keras.layers.Layer, styles: tf.Tensor, noise: tf.Tensor, condition: tf.Tensor
  ) -> tf.Tensor:
    """Slices [n, X, Y, c] by the generator or its average."""
    del condition
    return self.draws.slices(network, styles, noise)

  def seen(self, slices: tf.Tensor, condition: tf.Tensor) -> tf.Tensor:
    """What the discriminator sees of slices, [n, X, Y, ...]."""
    del condition
    return slices

  def compare(self, real: tf.Tensor, fake: tf.Tensor) -> dict[str, tf.Tensor]:
    """What is reported of real and generated slices of the same conditions, one value per example."""
    del real, fake
    return {}

  def draw(
    self, latent: tf.Tensor, condition: tf.Tensor, truncation: tf.Tensor | None = None
  ) -> tf.Tensor:
    """Slices by the moving averages; the same latent [n, L] gives the same slice, noise included."""
    style = self.draws.map(self.average_mapping, latent, condition)
    if truncation is not None:
      away = style - self._mean_style(condition) if self.n_conditions else self.style_mean(style)
      # Keras brings inputs to the policy's precision; styles are float32.
      style = style - away + tf.cast(truncation, style.dtype)[:, tf.newaxis] * away
    styles, noise = self.draws.on_all_layers(style), self.draws.noise_of(latent)
    return self.generate(self.average, styles, noise, condition)

  def _mean_style(self, condition: tf.Tensor) -> tf.Tensor:
    """The mean style under each condition [n, k], by fixed latents; [n, w].

    Towards the mean of all, truncation would draw what nobody asked for.
    """
    n = tf.shape(condition)[0]
    latents = tf.random.stateless_normal([_N_TO_MEAN, self.latent_size], seed=[0, 2])
    styles = self.draws.map(
      self.average_mapping, tf.tile(latents, [n, 1]), tf.repeat(condition, _N_TO_MEAN, axis=0)
    )
    return tf.reduce_mean(tf.reshape(styles, [n, _N_TO_MEAN, self.draws.style_size]), axis=1)

  def train_step(self, batch: Any) -> dict[str, tf.Tensor]:
    """Trains the generator, asked for the conditions of the batch, then the discriminator."""
    real, condition = self.parts(batch)
    self._train_generator(condition)
    self._train_discriminator(real, condition)
    self._update_averages(tf.shape(real)[0])
    return self.results()

  def test_step(self, batch: Any) -> dict[str, tf.Tensor]:
    """The losses of the averaged generator; draws the same numbers each time and trains nothing."""
    real, condition = self.parts(batch)
    latent = tf.random.stateless_normal([tf.shape(real)[0], self.latent_size], seed=[0, 1])
    fake = self.draw(latent, condition)
    self.track({**self.discriminator_losses(real, fake, condition), **self.compare(real, fake)})
    self.track(self.generator_losses(fake, condition))
    return self.results()

  def discriminator_losses(
    self,
    real: tf.Tensor,
    fake: tf.Tensor,
    condition: tf.Tensor,
    changes: Sequence[tf.Tensor | None] = (None, None),
  ) -> dict[str, tf.Tensor]:
    """The discriminator's objective without penalty, and scores, one value per example.

    Args:
      real: Slices, [n, X, Y, c].
      fake: The same, generated.
      condition: Of both, [n, ...].
      changes: Numbers of the augmentation for each, [n, N_NUMBERS]; None for none.
    """
    # One after another: the deviation of a batch must not mix them.
    real_scores = self._judge(real, condition, changes[0])
    fake_scores = self._judge(fake, condition, changes[1])
    return {
      'discriminator_loss': losses.logistic_discriminator_loss(real_scores, fake_scores),
      'real_score': real_scores,
      'fake_score': fake_scores,
      'real_sign': tf.sign(real_scores),
    }

  def generator_losses(
    self, fake: tf.Tensor, condition: tf.Tensor, changes: tf.Tensor | None = None
  ) -> dict[str, tf.Tensor]:
    """The generator's objective without penalty, one value per example; arguments as above."""
    scores = self._judge(fake, condition, changes)
    return {'generator_loss': losses.logistic_generator_loss(scores)}

  def _train_generator(self, condition: tf.Tensor) -> None:
    variables = self.generator_variables
    numbers = self._numbers(condition)
    half = self._numbers(condition[::2]) if self.path_weight else None
    with tf.GradientTape(watch_accessed_variables=False) as tape:
      tape.watch([plain(v) for v in variables])
      style, styles = self.draws.styles(self.mapping, numbers, condition)
      fake = self.generate(self.generator, styles, numbers['noise'], condition)
      values = self.generator_losses(fake, condition, self._changes(condition))
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
    fake = self.generate(self.generator, styles, numbers['noise'], condition)
    changes = self._changes(condition), self._changes(condition)
    variables = self.discriminator_variables
    with tf.GradientTape(watch_accessed_variables=False) as tape:
      tape.watch([plain(v) for v in variables])
      values = self.discriminator_losses(real, fake, condition, changes)
      objective = values['discriminator_loss']
      if self.r1_weight:
        values['r1_penalty'] = self._r1(real, condition, changes[0])
        objective += self.r1_every * values['r1_penalty']
    apply_gradients_of_mean(self.discriminator_optimizer, tape, objective, variables)
    if self.augmentation is not None:
      values['augmentation'] = tf.fill(tf.shape(real)[:1], plain(self.augmentation.probability))
      self.augmentation.adapt(values['real_score'])
    self.track({**values, **self.compare(real, fake)})

  def _r1(self, real: tf.Tensor, condition: tf.Tensor, changes: tf.Tensor | None) -> tf.Tensor:
    """The weighted penalty of each example where it is due, [n]; else 0.

    Its gradient is that by slices before they are changed.
    """
    judge = lambda slices: self._judge(slices, condition, changes)
    penalty = lambda: self.r1_weight / 2 * losses.r1_penalty(judge, real)
    return tf.cond(self._is_due(self.r1_every), penalty, lambda: tf.zeros(tf.shape(real)[:1]))

  def _lengths(
    self, numbers: dict[str, tf.Tensor], condition: tf.Tensor
  ) -> tuple[tf.Tensor, tf.Tensor]:
    """Path lengths [n] where they are due, else 0; and whether they are, 1 or 0."""
    size = [tf.shape(condition)[0], *self.generator.output_shape[1:]]
    directions = self.rng.normal(size)
    synthesis = lambda styles: self.generate(self.generator, styles, numbers['noise'], condition)
    styles = lambda: self.draws.styles(self.mapping, numbers, condition)[1]
    lengths = lambda: losses.path_lengths(synthesis, styles(), directions)
    is_due = self._is_due(self.path_every)
    return tf.cond(is_due, lengths, lambda: tf.zeros(size[:1])), tf.cast(is_due, tf.float32)

  def _is_due(self, every: int) -> tf.Tensor:
    return plain(self.average.n_updates) % every == 0

  def _numbers(self, condition: tf.Tensor) -> dict[str, tf.Tensor]:
    return self.draws.numbers(self.rng, tf.shape(condition)[0])

  def _changes(self, condition: tf.Tensor) -> tf.Tensor | None:
    """Numbers of the augmentation for as many slices."""
    return None if self.augmentation is None else self.rng.uniform([tf.shape(condition)[0], N_NUMBERS])

  def _judge(
    self, slices: tf.Tensor, condition: tf.Tensor, changes: tf.Tensor | None = None
  ) -> tf.Tensor:
    """Scores [n]."""
    seen = self.seen(slices, condition)
    if self.augmentation is not None and changes is not None:
      seen = self.augmentation((seen, changes))
    return self.discriminator([seen, condition] if self.n_conditions else seen)

  def _update_averages(self, n: tf.Tensor) -> None:
    """Moves the averages after a step with n slices on each replica."""
    n_replicas = tf.distribute.get_strategy().num_replicas_in_sync
    batch = tf.cast(n * n_replicas, tf.float32)
    seen = batch * tf.cast(self.average.n_updates, tf.float32)
    half_life = tf.minimum(self.ema_half_life, self.ema_ramp * seen)
    keep = tf.pow(0.5, batch / tf.maximum(half_life, 1e-8))
    self.average_mapping.update(self.mapping, keep)
    self.average.update(self.generator, keep)
