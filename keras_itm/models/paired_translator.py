"""Training on pairs of label slices and images: what Pix2Pix and SPADE share."""

from typing import Any

import tensorflow as tf

from keras_itm import checks
from keras_itm.losses import mean_over_scales
from keras_itm.models.adversarial import AdversarialModel
from keras_itm.models.ema import AveragedNetwork
from keras_itm.models.exported import ExportsTranslator
from keras_itm.models.tracked import apply_gradients_of_mean
from keras_itm.networks.patch_gan import by_scale
from keras_itm.stack import plain

_METRICS = (
  'discriminator_loss',
  'generator_loss',
  'adversarial_loss',
  'l1_loss',
  'real_logit',
  'fake_logit',
)


class PairedTranslator(ExportsTranslator, AdversarialModel):
  """Trains a generator against a discriminator that sees label slice and image together.

  A batch is `(segmentation, image)`: uint8 [n, X, Y], the lesion as its own id, and float32
  [n, X, Y, C] in [-1, 1]; with `n_appearances` a third, normal scores float32 [n, k]. Calling the model
  translates `segmentation` by the moving average of the generator. Subclasses give the objectives.

  Attributes:
    latent_size: Length of the latent vector that the generator takes beside the labels; 0 for none.
  """

  learns_appearance = True
  checks = (checks.tells_apart('real_logit', 'fake_logit'),)

  def __init__(
    self,
    generator: tf.keras.Model,
    discriminator: tf.keras.Model,
    ema_decay: float,
    seed: int,
    name: str,
    n_appearances: int = 0,
    more_metrics: tuple[str, ...] = (),
  ):
    """Takes the networks over.

    Args:
      generator: One-hot segmentation [n, X, Y, n_labels], or a list of that and latents [n, L],
        -> image [n, X, Y, C]. Appearances follow the labels, here and in the discriminator.
      discriminator: [one-hot segmentation, image] -> per scale the list of its maps, logits last.
      ema_decay: Of the generator's moving average, in [0, 1).
      seed: Of the latents.
      name: Of the model.
      n_appearances: Numbers beside the labels, see `keras_itm.appearance`.
      more_metrics: Names of values that the objectives report beside those of all translators.

    Raises:
      ValueError: Networks that do not fit.
    """
    super().__init__((*_METRICS, *more_metrics), name=name)
    takes = generator.input_shape
    labels, *latents = takes if isinstance(takes, list) else [takes]
    n_labels, n_contrasts = labels[-1], generator.output_shape[-1]
    taken = tuple(shape[-1] for shape in discriminator.input_shape)
    if taken != (n_labels, n_contrasts):
      raise ValueError(
        f'discriminator takes {taken} channels, expected {n_labels} labels and {n_contrasts} contrasts'
        ' as the generator has'
      )
    self.generator = generator
    self.discriminator = discriminator
    self.average = AveragedNetwork(generator, ema_decay)
    self.n_appearances = n_appearances
    self.n_labels = n_labels - n_appearances
    self.latent_size = latents[0][-1] if latents else 0
    self.rng = tf.random.Generator.from_seed(seed)
    self.seed = seed

  def get_config(self) -> dict[str, Any]:
    save = tf.keras.utils.serialize_keras_object
    return {
      **super().get_config(),
      'generator': save(self.generator),
      'discriminator': save(self.discriminator),
      'ema_decay': self.average.decay,
      'n_appearances': self.n_appearances,
      'seed': self.seed,
    }

  def discriminator_loss(self, real_logits: list[tf.Tensor], fake_logits: list[tf.Tensor]) -> tf.Tensor:
    """The adversarial objective of the discriminator, [n]; logits one map per scale."""
    raise NotImplementedError

  def generator_losses(
    self, labels: tf.Tensor, image: tf.Tensor, fake: tf.Tensor, training: bool = True
  ) -> dict[str, tf.Tensor]:
    """The generator's objective, `generator_loss`, and its terms, one value per example.

    Args:
      labels: One-hot, [n, X, Y, n_labels].
      image: True, [n, X, Y, C] in [-1, 1].
      fake: Generated, the same shape.
      training: Whether the discriminator is in training.
    """
    raise NotImplementedError

  def latents(
    self, image: tf.Tensor, noise: tf.Tensor | None
  ) -> tuple[tf.Tensor | None, dict[str, tf.Tensor]]:
    """What the generator gets beside the labels in training, and what that adds to its objective.

    Args:
      image: True, [n, X, Y, C] in [-1, 1].
      noise: Standard normal, [n, L]; None for a generator without latents.

    Returns:
      Latents [n, L], and terms by name, one value per example.
    """
    del image
    return noise, {}

  def discriminator_losses(
    self, labels: tf.Tensor, image: tf.Tensor, fake: tf.Tensor, training: bool = True
  ) -> dict[str, tf.Tensor]:
    """The discriminator's objective and mean logits, one value per example; arguments as above."""
    real_logits = logits(self.discriminator([labels, image], training=training))
    fake_logits = logits(self.discriminator([labels, fake], training=training))
    return {
      'discriminator_loss': self.discriminator_loss(real_logits, fake_logits),
      'real_logit': mean_over_scales(real_logits),
      'fake_logit': mean_over_scales(fake_logits),
    }

  def call(
    self,
    segmentation: tf.Tensor,
    latent: tf.Tensor | None = None,
    appearance: tf.Tensor | None = None,
    training: bool = False,
  ) -> tf.Tensor:
    """Translates uint8 [n, X, Y] with latents [n, L] and scores [n, k].

    Without latents all slices share a fixed one, and without scores each number is the median case's.
    """
    if latent is None:
      latent = tf.random.stateless_normal([1, self.latent_size], seed=[0, 0])
      latent = tf.tile(latent, [tf.shape(segmentation)[0], 1])
    return self._translate(self.average, self.condition(segmentation, appearance), latent, training)

  def train_step(self, batch: tuple[tf.Tensor, ...]) -> dict[str, tf.Tensor]:
    """Trains the discriminator on a fake, then the generator that made it."""
    segmentation, image, *appearance = batch
    labels, image = self.condition(segmentation, *appearance), tf.convert_to_tensor(image)
    noise = self.rng.normal([tf.shape(image)[0], self.latent_size]) if self.latent_size else None
    variables = self.generator_variables
    with tf.GradientTape(watch_accessed_variables=False) as tape:
      tape.watch([plain(v) for v in variables])
      latent, terms = self.latents(image, noise)
      fake = self._translate(self.generator, labels, latent, training=True)
      with tape.stop_recording():
        self._train_discriminator(labels, image, fake)
      values = _with_terms(self.generator_losses(labels, image, fake), terms)
    apply_gradients_of_mean(self.generator_optimizer, tape, values['generator_loss'], variables)
    self.average.update(self.generator)
    self.track(values)
    return self.results()

  def test_step(self, batch: tuple[tf.Tensor, ...]) -> dict[str, tf.Tensor]:
    """The losses of the averaged generator; trains nothing."""
    segmentation, image, *appearance = batch
    labels, image = self.condition(segmentation, *appearance), tf.convert_to_tensor(image)
    fake = self(segmentation, None, *appearance)
    self.track(self.discriminator_losses(labels, image, fake, training=False))
    _, terms = self.latents(image, tf.zeros([tf.shape(image)[0], self.latent_size]))
    self.track(_with_terms(self.generator_losses(labels, image, fake, training=False), terms))
    return self.results()

  def _train_discriminator(self, labels: tf.Tensor, image: tf.Tensor, fake: tf.Tensor) -> None:
    variables = self.discriminator_variables
    with tf.GradientTape(watch_accessed_variables=False) as tape:
      tape.watch([plain(v) for v in variables])
      values = self.discriminator_losses(labels, image, fake)
    apply_gradients_of_mean(self.discriminator_optimizer, tape, values['discriminator_loss'], variables)
    self.track(values)

  def _translate(
    self, network: tf.keras.layers.Layer, labels: tf.Tensor, latent: tf.Tensor, training: bool
  ) -> tf.Tensor:
    return network([labels, latent] if self.latent_size else labels, training=training)


def _with_terms(values: dict[str, tf.Tensor], terms: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
  objective = values['generator_loss'] + sum(terms.values()) if terms else values['generator_loss']
  return {**values, **terms, 'generator_loss': objective}


def logits(maps: list[list[tf.Tensor]]) -> list[tf.Tensor]:
  """The last map of each scale of a discriminator."""
  return [scale[-1] for scale in by_scale(maps)]
