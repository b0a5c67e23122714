"""Pix2Pix: paired translation of label maps into images (Platscher et al. 2020, section 2.2.1)."""

from typing import Any

import gin
import tensorflow as tf

from keras_itm import losses
from keras_itm.models.paired_translator import PairedTranslator, logits


@gin.register
@tf.keras.utils.register_keras_serializable('keras_itm')
class Pix2Pix(PairedTranslator):
  """Trains a generator against a PatchGAN and the L1 distance to the true image (equation 1)."""

  def __init__(
    self,
    generator: tf.keras.Model,
    discriminator: tf.keras.Model,
    l1_weight: float = 10.0,
    ema_decay: float = 0.999,
    n_appearances: int = 0,
    seed: int = 0,
    name: str = 'pix2pix',
  ):
    """Takes the networks over.

    Args:
      generator: One-hot segmentation [n, X, Y, n_labels] -> image [n, X, Y, C].
      discriminator: [one-hot segmentation, image] -> per scale the list of its maps, logits last.
      l1_weight: Weight lambda of the L1 distance.
      ema_decay: Of the generator's moving average, in [0, 1).
      n_appearances: Numbers beside the labels, see `keras_itm.appearance`.
      seed: Of the latents, where the generator takes some.
      name: Of the model.

    Raises:
      ValueError: A negative weight, or networks that do not fit.
    """
    if l1_weight < 0:
      raise ValueError(f'l1_weight is {l1_weight}, expected at least 0')
    super().__init__(generator, discriminator, ema_decay, seed, name, n_appearances)
    self.l1_weight = l1_weight

  def get_config(self) -> dict[str, Any]:
    return {**super().get_config(), 'l1_weight': self.l1_weight}

  def discriminator_loss(self, real_logits: list[tf.Tensor], fake_logits: list[tf.Tensor]) -> tf.Tensor:
    return losses.minimax_discriminator_loss(real_logits, fake_logits)

  def generator_losses(
    self, labels: tf.Tensor, image: tf.Tensor, fake: tf.Tensor, training: bool = True
  ) -> dict[str, tf.Tensor]:
    maps = self.discriminator([labels, fake], training=training)
    adversarial = losses.minimax_generator_loss(logits(maps))
    l1 = losses.l1_loss(image, fake)
    return {
      'generator_loss': adversarial + self.l1_weight * l1,
      'adversarial_loss': adversarial,
      'l1_loss': l1,
    }
