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
  """

  def __init__(
    self,
    generator: tf.keras.Model,
    discriminator: tf.keras.Model,
    feature_weight: float = 10.0,
    ema_decay: float = 0.999,
    seed: int = 0,
    name: str = 'spade',
  ):
    """Takes the networks over.

    Args:
      generator: [one-hot segmentation [n, X, Y, n_labels], latent [n, L]] -> image [n, X, Y, C].
      discriminator: [one-hot segmentation, image] -> per scale the list of its maps, logits last.
      feature_weight: Weight of the distance between the discriminator's maps of true and generated
        images.
      ema_decay: Of the generator's moving average, in [0, 1).
      seed: Of the latents.
      name: Of the model.

    Raises:
      ValueError: A negative weight, or networks that do not fit.
    """
    if feature_weight < 0:
      raise ValueError(f'feature_weight is {feature_weight}, expected at least 0')
    super().__init__(
      generator, discriminator, ema_decay, seed, name, more_metrics=('feature_matching_loss',)
    )
    self.feature_weight = feature_weight

  def get_config(self) -> dict[str, Any]:
    return {**super().get_config(), 'feature_weight': self.feature_weight}

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
