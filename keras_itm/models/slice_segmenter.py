"""Training of a segmenter on axial slices, which segments whole volumes slice by slice."""

import tensorflow as tf

from keras_itm import losses, metrics
from keras_itm.models.segmenter import Segmenter
from keras_itm.models.tracked import apply_gradients_of_mean


@tf.keras.utils.register_keras_serializable('keras_itm')
class SliceSegmenter(Segmenter):
  """Trains on cross-entropy plus 1 - Dice, the mean over classes of lesions.

  A batch is `(image, classes)`: float32 [n, X, Y, C] in [0, 1] and uint8 [n, X, Y], 0 outside of
  lesions, then the classes of lesions from 1. A network of one class or two learns their union.
  Calling the model maps slices, or volumes [n, X, Y, Z, C], to the probability of any lesion, [n, X, Y]
  or [n, X, Y, Z]. Its bundle is a segmenter like any other.
  """

  def __init__(self, network: tf.keras.Model, name: str = 'slice_segmenter'):
    """Takes over a network: slices -> softmax [n, X, Y, K], class 0 none, or one probability (K = 1).

    Raises:
      ValueError: A network of volumes.
    """
    super().__init__(network, name=name)

  def check_network(self, network: tf.keras.Model) -> None:
    if len(network.output_shape) != 4:
      raise ValueError(f'network gives {network.output_shape}, expected classes of slices [n, X, Y, K]')

  def call(self, image: tf.Tensor, training: bool = False) -> tf.Tensor:
    return _any_lesion(self._probability(image, training))

  @property
  def n_classes(self) -> int:
    """Of the network, 'none' among them; 1 where it gives one probability."""
    return self.network.output_shape[-1]

  @tf.function(reduce_retracing=True)
  def classify(self, image: tf.Tensor) -> tf.Tensor:
    """Probability of each class, [n, X, Y, Z, K] of volumes, for inference, compiled."""
    return self._probability(image, training=False)

  def _probability(self, image: tf.Tensor, training: bool) -> tf.Tensor:
    """Of each class, [n, X, Y, K] of slices or [n, X, Y, Z, K] of volumes."""
    if image.shape.rank == 4:
      return self.network(image, training=training)
    # One slice after the other: a whole volume's activations need not fit.
    slices = tf.transpose(image, [3, 0, 1, 2, 4])
    found = tf.map_fn(
      lambda one: self.network(one, training=training),
      slices,
      fn_output_signature=tf.float32,
      parallel_iterations=1,
    )
    return tf.transpose(found, [1, 2, 3, 0, 4])

  def train_step(self, batch: tuple[tf.Tensor, tf.Tensor]) -> dict[str, tf.Tensor]:
    image, classes = batch
    variables = self.network.trainable_variables
    with tf.GradientTape() as tape:
      values = self.losses_of_classes(classes, self.network(image, training=True))
    apply_gradients_of_mean(self.optimizer, tape, values['loss'], variables)
    self.track(values)
    return self.results()

  def test_step(self, batch: tuple[tf.Tensor, tf.Tensor]) -> dict[str, tf.Tensor]:
    image, classes = batch
    self.track(self.losses_of_classes(classes, self.network(image)))
    return self.results()

  def losses_of_classes(self, classes: tf.Tensor, probability: tf.Tensor) -> dict[str, tf.Tensor]:
    """As `losses_of`, each [n]; `dice` and `lesion_share` are those of all lesions together.

    Args:
      classes: uint8 [n, X, Y].
      probability: Of the network, [n, X, Y, K].
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


def _any_lesion(probability: tf.Tensor) -> tf.Tensor:
  """Of classes [..., K] after the first; of a single one, itself."""
  if probability.shape[-1] == 1:
    return probability[..., 0]
  return tf.reduce_sum(probability[..., 1:], axis=-1)
