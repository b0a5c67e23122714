"""Training of the lesion segmenter (Platscher et al. 2020, section 2.4)."""

from typing import Any

import tensorflow as tf

from keras_itm import checks, lesions, losses, metrics
from keras_itm.models.exported import ExportsBundle
from keras_itm.models.tracked import TrackedModel, apply_gradients_of_mean, get_optimizer

_METRICS = ('loss', 'cross_entropy', 'dice_loss', 'dice', 'lesion_share')


@tf.keras.utils.register_keras_serializable('keras_itm')
class Segmenter(ExportsBundle, TrackedModel):
  """Trains a volume segmenter on cross-entropy plus 1 - Dice.

  A batch is `(image, lesion)`: float32 [n, X, Y, Z, C] in [0, 1] and float32 [n, X, Y, Z], 0 or 1.
  Calling the model maps images to lesion probabilities [n, X, Y, Z].
  """

  bundle_kind = 'segmenter'
  intensity_range = (0.0, 1.0)
  checks = (
    checks.is_positive('cross_entropy'),
    checks.is_positive('dice_loss'),
    checks.is_rare('lesion_share'),
    checks.still_predicts('dice'),
  )

  def __init__(self, network: tf.keras.Model, name: str = 'segmenter'):
    """Takes over a network: images -> softmax [n, X, Y, Z, 2], class 1 the lesion.

    Raises:
      ValueError: Another number of classes.
    """
    self.check_network(network)
    super().__init__(_METRICS, name=name)
    self.network = network

  def check_network(self, network: tf.keras.Model) -> None:
    if network.output_shape[-1] != 2:
      raise ValueError(f'network gives {network.output_shape[-1]} classes, expected 2')

  @property
  def exported_network(self) -> tf.keras.Model:
    return self.network

  def get_config(self) -> dict[str, Any]:
    network = tf.keras.utils.serialize_keras_object(self.network)
    return {**super().get_config(), 'network': network}

  def compile(  # type: ignore[override]
    self, optimizer: tf.keras.optimizers.Optimizer | str, **options: Any
  ) -> None:
    """Takes the optimizer, or its name, and options of `tf.keras.Model.compile` over."""
    super().compile(optimizer=get_optimizer(optimizer), **options)
    self.optimizer.build(self.network.trainable_variables)

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
    apply_gradients_of_mean(self.optimizer, tape, values['loss'], variables)
    self.track(values)
    return self.results()

  def test_step(self, batch: tuple[tf.Tensor, tf.Tensor]) -> dict[str, tf.Tensor]:
    image, lesion = batch
    self.track(self.losses_of(lesion, self(image)))
    return self.results()

  def losses_of(self, lesion: tf.Tensor, probability: tf.Tensor) -> dict[str, tf.Tensor]:
    """The objective, its two terms and the Dice of the thresholded prediction, each [n].

    `lesion_share` is that of lesion voxels in the truth.
    """
    cross_entropy = losses.binary_cross_entropy(lesion, probability)
    dice_loss = 1 - metrics.soft_dice(lesion, probability)
    return {
      'loss': cross_entropy + dice_loss,
      'cross_entropy': cross_entropy,
      'dice_loss': dice_loss,
      'dice': metrics.dice(lesion, lesions.binarise(probability)),
      'lesion_share': losses.mean_per_example(lesion),
    }
