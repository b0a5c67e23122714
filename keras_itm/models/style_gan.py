"""StyleGAN2: slices with their classes, drawn together from noise (Karras et al. 2020)."""

from typing import TypeAlias

import gin
import tensorflow as tf

from keras_itm.bundle_spec import JOINT_GENERATOR
from keras_itm.models.exported import ExportsBundle
from keras_itm.models.style_model import StyleModel

Batch: TypeAlias = tuple[tf.Tensor, ...] | tf.Tensor


@gin.register
@tf.keras.utils.register_keras_serializable('keras_itm')
class StyleGAN(ExportsBundle, StyleModel):
  """Trains a generator of slices and class probabilities against a discriminator that sees both.

  What the channels are decides what it is: contrasts and classes make it draw pairs of images and
  segmentations (Son et al. 2022, Vu et al. 2025); classes alone, masks; contrasts alone, images.

  A batch is `(image, probability, condition)`, [n, X, Y, C] in [-1, 1], [n, X, Y, K] and [n, k],
  without those that have no channel. Calling the model draws by the moving averages: latents [n, L]
  (and conditions, and how far styles are from their mean) to `image` and `probability`.
  """

  bundle_kind = JOINT_GENERATOR
  intensity_range = (-1.0, 1.0)

  @property
  def exported_network(self) -> tf.keras.Model:
    return self.average.network

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
      truncation: How far a style is from the mean one of its condition, [n]: 1 as drawn (when None),
        0 the mean.
      training: Not used.

    Returns:
      `image` float32 [n, X, Y, C], about in [-1, 1], and `probability` float32 [n, X, Y, K].
    """
    if condition is None:
      condition = tf.zeros([tf.shape(latent)[0], self.n_conditions])
    slices = self.draw(latent, condition, truncation)
    return {'image': slices[..., : self.n_contrasts], 'probability': slices[..., self.n_contrasts :]}

  def parts(self, batch: Batch) -> tuple[tf.Tensor, tf.Tensor]:
    """Slices [n, X, Y, C + K] and conditions [n, k], k = 0 where there are none."""
    parts = [tf.cast(x, tf.float32) for x in (batch if isinstance(batch, tuple | list) else [batch])]
    condition = parts.pop() if self.n_conditions else tf.zeros([tf.shape(parts[0])[0], 0])
    return tf.concat(parts, axis=-1), condition
