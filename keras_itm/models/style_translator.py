"""StyleGAN2 from label slices to images: the third model of Vu et al. 2025."""

import gin
import tensorflow as tf

from keras_itm import losses
from keras_itm.models.exported import ExportsTranslator
from keras_itm.models.style_model import StyleModel


@gin.register
@tf.keras.utils.register_keras_serializable('keras_itm')
class StyleTranslator(ExportsTranslator, StyleModel):
  """Trains a generator that label slices steer, against a discriminator that sees image and labels.

  No term holds an image to the true one of its labels: what labels leave open is drawn from the latent.

  A batch is `(segmentation, image)`: uint8 [n, X, Y], the lesion as its own id, and float32
  [n, X, Y, C] in [-1, 1]. The discriminator sees slices [n, X, Y, C + n_labels], the image first.
  Calling the model translates `segmentation` by the moving averages.
  """

  more_metrics = ('l1_loss',)
  takes_labels = True

  @property
  def n_labels(self) -> int:  # type: ignore[override]
    return self.draws.n_labels

  def call(
    self,
    segmentation: tf.Tensor,
    latent: tf.Tensor | None = None,
    truncation: tf.Tensor | None = None,
    training: bool = False,
  ) -> tf.Tensor:
    """Translates label slices.

    Args:
      segmentation: uint8 [n, X, Y].
      latent: From N(0, I), [n, L]; without, all slices share a fixed one.
      truncation: How far a style is from the mean one, [n]: 1 as drawn (when None), 0 the mean.
      training: Not used.

    Returns:
      Images float32 [n, X, Y, C], about in [-1, 1].
    """
    if latent is None:
      latent = tf.random.stateless_normal([1, self.latent_size], seed=[0, 0])
      latent = tf.tile(latent, [tf.shape(segmentation)[0], 1])
    return self.draw(latent, self.condition(segmentation), truncation)

  def parts(self, batch: tuple[tf.Tensor, tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
    """Images and one-hot labels."""
    segmentation, image = batch
    return tf.convert_to_tensor(image), self.condition(segmentation)

  def generate(
    self, network: tf.keras.layers.Layer, styles: tf.Tensor, noise: tf.Tensor, condition: tf.Tensor
  ) -> tf.Tensor:
    return self.draws.slices(network, styles, noise, condition)

  def seen(self, slices: tf.Tensor, condition: tf.Tensor) -> tf.Tensor:
    return tf.concat([slices, condition], axis=-1)

  def compare(self, real: tf.Tensor, fake: tf.Tensor) -> dict[str, tf.Tensor]:
    return {'l1_loss': losses.l1_loss(real, fake)}
