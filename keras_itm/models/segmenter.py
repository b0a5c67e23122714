"""Training of the lesion segmenter (Platscher et al. 2020, section 2.4)."""

import tensorflow as tf

from keras_itm import losses, metrics
from keras_itm.models.tracked import TrackedModel


class Segmenter(TrackedModel):
  """Trains a volume segmenter on cross-entropy plus 1 - Dice.

  A batch is `(image, lesion)`: float32 [n, X, Y, Z, C] in [0, 1] and float32 [n, X, Y, Z], 0 or 1.
  Calling the model maps images to lesion probabilities [n, X, Y, Z].
  """

  def __init__(self, network: tf.keras.Model):
    """Takes over a network: images -> softmax [n, X, Y, Z, 2], class 1 the lesion.

    Raises:
      ValueError: Another number of classes.
    """
    if network.output_shape[-1] != 2:
      raise ValueError(f'network gives {network.output_shape[-1]} classes, expected 2')
    super().__init__(('loss', 'cross_entropy', 'dice_loss', 'dice'), name='segmenter')
    self.network = network

  def compile(self, optimizer: tf.keras.optimizers.Optimizer) -> None:
    super().compile(optimizer=optimizer)
    optimizer.build(self.network.trainable_variables)

  def call(self, image: tf.Tensor, training: bool = False) -> tf.Tensor:
    return self.network(image, training=training)[..., 1]

  @tf.function(reduce_retracing=True)
  def segment(self, image: tf.Tensor) -> tf.Tensor:
    """Lesion probability [n, X, Y, Z] for inference, compiled."""
    return self(image)

  def train_step(self, batch: tuple[tf.Tensor, tf.Tensor]) -> dict[str, tf.Tensor]:
    image, lesion = batch
    variables = self.network.trainable_variables
    with tf.GradientTape() as tape:
      values = self.losses_of(lesion, self(image, training=True))
      # Divides by the number of examples in all replicas.
      loss = tf.nn.compute_average_loss(values['loss'])
    self.optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables))
    self.track(values)
    return self.results()

  def test_step(self, batch: tuple[tf.Tensor, tf.Tensor]) -> dict[str, tf.Tensor]:
    image, lesion = batch
    self.track(self.losses_of(lesion, self(image)))
    return self.results()

  def losses_of(self, lesion: tf.Tensor, probability: tf.Tensor) -> dict[str, tf.Tensor]:
    """The objective, its two terms and the Dice of the thresholded prediction, each [n]."""
    cross_entropy = losses.binary_cross_entropy(lesion, probability)
    dice_loss = 1 - metrics.soft_dice(lesion, probability)
    return {
      'loss': cross_entropy + dice_loss,
      'cross_entropy': cross_entropy,
      'dice_loss': dice_loss,
      'dice': metrics.dice(lesion, probability >= 0.5),
    }
