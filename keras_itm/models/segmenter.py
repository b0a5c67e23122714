"""Training of the lesion segmenter (Platscher et al. 2020, section 2.4)."""

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from keras_itm import checks, lesions, losses, metrics
from keras_itm.models.exported import ExportsBundle
from keras_itm.models.tracked import TrackedModel, apply_gradients_of_mean, get_optimizer

_METRICS = ('loss', 'cross_entropy', 'dice_loss', 'dice', 'lesion_share')


@tf.keras.utils.register_keras_serializable('keras_itm')
class Segmenter(ExportsBundle, TrackedModel):
  """Trains a volume segmenter on cross-entropy plus 1 - Dice, the mean over classes of lesions.

  A batch is `(image, classes)`: float32 [n, X, Y, Z, C] in [0, 1] and uint8 [n, X, Y, Z], 0 outside of
  lesions, then the classes of lesions from 1. A network of two classes learns their union.
  Calling the model maps images to the probability of any lesion, [n, X, Y, Z].
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
    """Takes over a network: images -> softmax [n, X, Y, Z, K], class 0 none.

    Raises:
      ValueError: A network of slices, or of fewer than two classes.
    """
    self.check_network(network)
    super().__init__(_METRICS, name=name)
    self.network = network

  def check_network(self, network: tf.keras.Model) -> None:
    shape = network.output_shape
    if len(shape) != 5 or shape[-1] < 2:
      raise ValueError(
        f'network gives {shape}, expected two or more classes of volumes [n, X, Y, Z, K]'
      )

  @property
  def n_classes(self) -> int:
    """Of the network, 'none' among them; 1 where it gives one probability."""
    return self.network.output_shape[-1]

  @property
  def exported_network(self) -> tf.keras.Model:
    return self.network

  def exported_call(self, classes: Sequence[str]) -> Callable[..., tf.Tensor]:
    """The probability of each class where these are named, else of any lesion.

    Raises:
      ValueError: Not a name for each.
    """
    if classes and len(classes) != self.n_classes:
      raise ValueError(f'classes are {list(classes)}, expected {self.n_classes}, those of the network')
    return self.classify if classes else self

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
    return _any_lesion(self.probability(image, training))

  @tf.function(reduce_retracing=True)
  def segment(self, image: tf.Tensor) -> tf.Tensor:
    """Probability of any lesion, [n, X, Y, Z], for inference, compiled."""
    return self(image)

  @tf.function(reduce_retracing=True)
  def classify(self, image: tf.Tensor) -> tf.Tensor:
    """Probability of each class, [n, X, Y, Z, K], for inference, compiled."""
    return self.probability(image, training=False)

  def probability(self, image: tf.Tensor, training: bool) -> tf.Tensor:
    """Of each class, as the network gives it."""
    return self.network(image, training=training)

  def train_step(self, batch: tuple[tf.Tensor, tf.Tensor]) -> dict[str, tf.Tensor]:
    image, classes = batch
    variables = self.network.trainable_variables
    with tf.GradientTape() as tape:
      values = self.losses_of_classes(classes, self.probability(image, training=True))
    apply_gradients_of_mean(self.optimizer, tape, values['loss'], variables)
    self.track(values)
    return self.results()

  def test_step(self, batch: tuple[tf.Tensor, tf.Tensor]) -> dict[str, tf.Tensor]:
    image, classes = batch
    self.track(self.losses_of_classes(classes, self.probability(image, training=False)))
    return self.results()

  def losses_of_classes(self, classes: tf.Tensor, probability: tf.Tensor) -> dict[str, tf.Tensor]:
    """As `losses_of`, each [n]; `dice` and `lesion_share` are those of all lesions together.

    Args:
      classes: Whole numbers, [n, X, Y, Z] or of slices [n, X, Y].
      probability: Of the network, with an axis of K more.
    """
    lesion = tf.cast(classes > 0, tf.float32)
    values = self.losses_of(lesion, _any_lesion(probability))
    n_classes = probability.shape[-1]
    if n_classes <= 2:
      return values
    truth = tf.one_hot(classes, n_classes)
    logarithm = tf.math.log(tf.clip_by_value(probability, 1e-7, 1.0))
    cross_entropy = losses.mean_per_example(-tf.reduce_sum(truth * logarithm, axis=-1))
    overlaps = [metrics.soft_dice(truth[..., k], probability[..., k]) for k in range(1, n_classes)]
    dice_loss = 1 - tf.add_n(overlaps) / len(overlaps)
    return {
      **values,
      'loss': cross_entropy + dice_loss,
      'cross_entropy': cross_entropy,
      'dice_loss': dice_loss,
    }

  def losses_of(self, lesion: tf.Tensor, probability: tf.Tensor) -> dict[str, tf.Tensor]:
    """The objective, its two terms and the Dice of the thresholded prediction, each [n].

    `lesion_share` is that of lesion voxels in the truth.

    Args:
      lesion: 0 or 1.
      probability: Of any lesion, of the same shape.
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


def _any_lesion(probability: tf.Tensor) -> tf.Tensor:
  """Of classes [..., K] after the first; of a single one, itself."""
  if probability.shape[-1] == 1:
    return probability[..., 0]
  return tf.reduce_sum(probability[..., 1:], axis=-1)
