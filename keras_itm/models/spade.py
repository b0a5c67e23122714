"""SPADE: images from a latent vector, steered by label maps (Platscher et al. 2020, section 2.2.3)."""

from typing import Any

import gin
import tensorflow as tf

from keras_itm import losses
from keras_itm.models.paired_translator import PairedTranslator, logits
from keras_itm.networks.patch_gan import by_scale


@gin.register
@tf.keras.utils.register_keras_serializable('keras_itm')
class Spade(PairedTranslator):
  """Trains a generator by the hinge loss and feature matching (Park et al. 2019, section 3).

  The perceptual term of that paper is left out: its network knows photographs, not MR images.

  Without an encoder latents are noise in training as well, and a generator that is to match the true
  image learns to look past them. With one (same paper, appendix A) the latent is drawn from what it
  makes of the true image, and the divergence from a standard normal keeps it to what noise can replace.
  """

  def __init__(
    self,
    generator: tf.keras.Model,
    discriminator: tf.keras.Model,
    encoder: tf.keras.Model | None = None,
    feature_weight: float = 10.0,
    kl_weight: float = 0.05,
    ema_decay: float = 0.999,
    n_appearances: int = 0,
    seed: int = 0,
    name: str = 'spade',
  ):
    """Takes the networks over.

    Args:
      generator: [one-hot segmentation [n, X, Y, n_labels], latent [n, L]] -> image [n, X, Y, C].
      discriminator: [one-hot segmentation, image] -> per scale the list of its maps, logits last.
      encoder: Image [n, X, Y, C] -> mean and logarithm of the variance of its latent, each [n, L]; None
        for latents that know nothing of the image.
      feature_weight: Weight of the distance between the discriminator's maps of true and generated
        images.
      kl_weight: Weight of the divergence of the encoder's latents from a standard normal.
      ema_decay: Of the generator's moving average, in [0, 1).
      n_appearances: Numbers beside the labels, see `keras_itm.appearance`.
      seed: Of the latents.
      name: Of the model.

    Raises:
      ValueError: A negative weight, or networks that do not fit.
    """
    for weight, value in (('feature_weight', feature_weight), ('kl_weight', kl_weight)):
      if value < 0:
        raise ValueError(f'{weight} is {value}, expected at least 0')
    more = ('feature_matching_loss', *(() if encoder is None else ('kl_loss',)))
    super().__init__(generator, discriminator, ema_decay, seed, name, n_appearances, more)
    if encoder is not None and encoder.output_shape[0][-1] != self.latent_size:
      raise ValueError(
        f'encoder gives latents of {encoder.output_shape[0][-1]} numbers, expected {self.latent_size} '
        'as the generator takes'
      )
    self.encoder = encoder
    self.feature_weight = feature_weight
    self.kl_weight = kl_weight

  @property
  def generator_variables(self) -> list[tf.Variable]:
    encoder = [] if self.encoder is None else self.encoder.trainable_variables
    return [*super().generator_variables, *encoder]

  def get_config(self) -> dict[str, Any]:
    return {
      **super().get_config(),
      'encoder': tf.keras.utils.serialize_keras_object(self.encoder),
      'feature_weight': self.feature_weight,
      'kl_weight': self.kl_weight,
    }

  def latents(
    self, image: tf.Tensor, noise: tf.Tensor | None
  ) -> tuple[tf.Tensor | None, dict[str, tf.Tensor]]:
    if self.encoder is None:
      return super().latents(image, noise)
    mean, log_variance = self.encoder(image)
    divergence = losses.gaussian_divergence(mean, log_variance)
    return mean + tf.exp(log_variance / 2) * noise, {'kl_loss': self.kl_weight * divergence}

  def discriminator_loss(self, real_logits: list[tf.Tensor], fake_logits: list[tf.Tensor]) -> tf.Tensor:
    return losses.hinge_discriminator_loss(real_logits, fake_logits)

  def generator_losses(
    self, labels: tf.Tensor, image: tf.Tensor, fake: tf.Tensor, training: bool = True
  ) -> dict[str, tf.Tensor]:
    fake_maps = by_scale(self.discriminator([labels, fake], training=training))
    real_maps = by_scale(self.discriminator([labels, image], training=training))
    adversarial = losses.hinge_generator_loss(logits(fake_maps))
    features = losses.feature_matching_loss(
      [[tf.stop_gradient(values) for values in maps[:-1]] for maps in real_maps],
      [maps[:-1] for maps in fake_maps],
    )
    return {
      'generator_loss': adversarial + self.feature_weight * features,
      'adversarial_loss': adversarial,
      'feature_matching_loss': features,
      'l1_loss': losses.l1_loss(image, fake),
    }
