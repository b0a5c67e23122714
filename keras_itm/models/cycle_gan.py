"""CycleGAN: label maps and images without pairs (Platscher et al. 2020, section 2.2.2)."""

from typing import Any, NamedTuple

import gin
import tensorflow as tf

from keras_itm import losses
from keras_itm.checks import Check, returns_old, tells_apart
from keras_itm.layers.image_pool import ImagePool
from keras_itm.models.adversarial import AdversarialModel
from keras_itm.models.ema import AveragedNetwork
from keras_itm.models.exported import ExportsTranslator
from keras_itm.models.paired_translator import logits
from keras_itm.models.tracked import apply_gradients_of_mean
from keras_itm.stack import plain

_METRICS = (
  'discriminator_loss',
  'generator_loss',
  'adversarial_loss',
  'label_adversarial_loss',
  'image_cycle_loss',
  'label_cycle_loss',
  'l1_loss',
  'real_logit',
  'fake_logit',
  'real_label_logit',
  'fake_label_logit',
  'pool_old_share',
)


class Translations(NamedTuple):
  """What the generators make of a batch.

  Attributes:
    image: Of the labels, [n, X, Y, C].
    labels: Label probabilities of the image, [n, X, Y, n_labels].
    image_again: Of `labels`, so that it should be the true image.
    labels_again: Of `image`, so that they should be the true labels.
  """

  image: tf.Tensor
  labels: tf.Tensor
  image_again: tf.Tensor
  labels_again: tf.Tensor


@gin.register
@tf.keras.utils.register_keras_serializable('keras_itm')
class CycleGAN(ExportsTranslator, AdversarialModel):
  """Trains a generator and one for the way back, each against a discriminator of what it makes.

  A batch is `(segmentation, image)`: uint8 [n, X, Y], the lesion as its own id, and float32
  [n, X, Y, C] in [-1, 1]. In training they need not belong together; in evaluation they do. Calling
  the model translates `segmentation` by the moving average of the generator.

  The objective is that of Zhu et al. 2017, section 3, with least squares as the adversarial loss and
  without an identity loss, which cannot be taken where input and output differ in channels. One
  optimizer moves both generators, another both discriminators, which also see translations of
  earlier steps.
  """

  def __init__(
    self,
    generator: tf.keras.Model,
    back_generator: tf.keras.Model,
    discriminator: tf.keras.Model,
    label_discriminator: tf.keras.Model,
    cycle_weight: float = 10.0,
    pool_size: int = 50,
    ema_decay: float = 0.999,
    seed: int = 0,
    name: str = 'cycle_gan',
  ):
    """Takes the networks over.

    Args:
      generator: One-hot segmentation [n, X, Y, n_labels] -> image [n, X, Y, C].
      back_generator: Image -> label probabilities [n, X, Y, n_labels].
      discriminator: Image -> per scale the list of its maps, logits last.
      label_discriminator: The same for one-hot segmentations or label probabilities.
      cycle_weight: Weight lambda of both cycle losses.
      pool_size: Translations of earlier steps that are kept on either side.
      ema_decay: Of the generator's moving average, in [0, 1).
      seed: Of the pools' draws.
      name: Of the model.

    Raises:
      ValueError: A negative weight, an empty pool, or networks that do not fit.
    """
    if cycle_weight < 0:
      raise ValueError(f'cycle_weight is {cycle_weight}, expected at least 0')
    super().__init__(_METRICS, name=name)
    _check_networks(generator, back_generator, discriminator, label_discriminator)
    self.generator = generator
    self.back_generator = back_generator
    self.discriminator = discriminator
    self.label_discriminator = label_discriminator
    self.cycle_weight = cycle_weight
    self.average = AveragedNetwork(generator, ema_decay)
    self.image_pool = ImagePool(pool_size, generator.output_shape[1:], 2 * seed)
    self.label_pool = ImagePool(pool_size, back_generator.output_shape[1:], 2 * seed + 1)
    self.n_labels = generator.input_shape[-1]
    self.seed = seed

  def get_config(self) -> dict[str, Any]:
    networks = ('generator', 'back_generator', 'discriminator', 'label_discriminator')
    save = tf.keras.utils.serialize_keras_object
    return {
      **super().get_config(),
      **{name: save(getattr(self, name)) for name in networks},
      'cycle_weight': self.cycle_weight,
      'pool_size': self.image_pool.size,
      'ema_decay': self.average.decay,
      'seed': self.seed,
    }

  @property
  def checks(self) -> tuple[Check, ...]:
    return (
      tells_apart('real_logit', 'fake_logit'),
      tells_apart('real_label_logit', 'fake_label_logit'),
      # By then a pool that gets a single image a step has been full for half of the steps.
      returns_old('pool_old_share', from_step=2 * self.image_pool.size),
    )

  @property
  def generator_variables(self) -> list[tf.Variable]:
    return [*self.generator.trainable_variables, *self.back_generator.trainable_variables]

  @property
  def discriminator_variables(self) -> list[tf.Variable]:
    return [*self.discriminator.trainable_variables, *self.label_discriminator.trainable_variables]

  def call(
    self, segmentation: tf.Tensor, latent: tf.Tensor | None = None, training: bool = False
  ) -> tf.Tensor:
    """Translates uint8 [n, X, Y]; there is no latent to choose among images."""
    return self.average(self.condition(segmentation), training=training)

  def train_step(self, batch: tuple[tf.Tensor, tf.Tensor]) -> dict[str, tf.Tensor]:
    """Trains the generators, then the discriminators on what they made or on older translations."""
    labels, image = self.condition(batch[0]), batch[1]
    made = self._train_generators(labels, image)
    self._train_discriminators(labels, image, made)
    self.average.update(self.generator)
    # A distance means something between an image and the labels that belong to it only.
    return self._results_without('l1_loss')

  def test_step(self, batch: tuple[tf.Tensor, tf.Tensor]) -> dict[str, tf.Tensor]:
    """The losses of the averaged generator on pairs; trains nothing and leaves the pools alone."""
    labels, image = self.condition(batch[0]), batch[1]
    made = self._translate(self.average, labels, image, training=False)
    self.track(self.discriminator_losses(labels, image, made.labels, made.image))
    self.track(self.generator_losses(labels, image, made))
    self.track({'l1_loss': losses.l1_loss(image, made.image)})
    return self._results_without('pool_old_share')

  def discriminator_loss(self, real_logits: list[tf.Tensor], fake_logits: list[tf.Tensor]) -> tf.Tensor:
    """The adversarial objective of either discriminator, [n]; logits one map per scale."""
    return losses.least_squares_discriminator_loss(real_logits, fake_logits)

  def generator_losses(
    self, labels: tf.Tensor, image: tf.Tensor, made: Translations
  ) -> dict[str, tf.Tensor]:
    """The objective of both generators, `generator_loss`, and its terms, one value per example.

    Args:
      labels: One-hot, [n, X, Y, n_labels].
      image: True, of the same or of other slices, [n, X, Y, C] in [-1, 1].
      made: Of these labels and this image.
    """
    fool = losses.least_squares_generator_loss
    adversarial = fool(_judge(self.discriminator, made.image))
    label_adversarial = fool(_judge(self.label_discriminator, made.labels))
    image_cycle = losses.l1_loss(image, made.image_again)
    label_cycle = label_distance(labels, made.labels_again)
    cycle = self.cycle_weight * (image_cycle + label_cycle)
    return {
      'generator_loss': adversarial + label_adversarial + cycle,
      'adversarial_loss': adversarial,
      'label_adversarial_loss': label_adversarial,
      'image_cycle_loss': image_cycle,
      'label_cycle_loss': label_cycle,
    }

  def discriminator_losses(
    self, labels: tf.Tensor, image: tf.Tensor, fake_labels: tf.Tensor, fake_image: tf.Tensor
  ) -> dict[str, tf.Tensor]:
    """The objective of both discriminators and their mean logits, one value per example.

    Args:
      labels: One-hot, [n, X, Y, n_labels].
      image: True, [n, X, Y, C].
      fake_labels: Label probabilities that the way back made, [n, X, Y, n_labels].
      fake_image: Generated, [n, X, Y, C].
    """
    real, fake = (_judge(self.discriminator, x) for x in (image, fake_image))
    real_labels, fake_labels = (_judge(self.label_discriminator, x) for x in (labels, fake_labels))
    image_loss = self.discriminator_loss(real, fake)
    return {
      'discriminator_loss': image_loss + self.discriminator_loss(real_labels, fake_labels),
      'real_logit': losses.mean_over_scales(real),
      'fake_logit': losses.mean_over_scales(fake),
      'real_label_logit': losses.mean_over_scales(real_labels),
      'fake_label_logit': losses.mean_over_scales(fake_labels),
    }

  def _train_generators(self, labels: tf.Tensor, image: tf.Tensor) -> Translations:
    variables = self.generator_variables
    with tf.GradientTape(watch_accessed_variables=False) as tape:
      tape.watch([plain(v) for v in variables])
      made = self._translate(self.generator, labels, image, training=True)
      values = self.generator_losses(labels, image, made)
    apply_gradients_of_mean(self.generator_optimizer, tape, values['generator_loss'], variables)
    self.track(values)
    return made

  def _train_discriminators(self, labels: tf.Tensor, image: tf.Tensor, made: Translations) -> None:
    fake_image, is_old = self.image_pool(made.image)
    fake_labels, _ = self.label_pool(made.labels)
    variables = self.discriminator_variables
    with tf.GradientTape(watch_accessed_variables=False) as tape:
      tape.watch([plain(v) for v in variables])
      values = self.discriminator_losses(labels, image, fake_labels, fake_image)
    apply_gradients_of_mean(self.discriminator_optimizer, tape, values['discriminator_loss'], variables)
    self.track({**values, 'pool_old_share': is_old})

  def _translate(
    self, generator: tf.keras.layers.Layer, labels: tf.Tensor, image: tf.Tensor, training: bool
  ) -> Translations:
    fake_image = generator(labels, training=training)
    fake_labels = self.back_generator(image, training=training)
    return Translations(
      image=fake_image,
      labels=fake_labels,
      image_again=generator(fake_labels, training=training),
      labels_again=self.back_generator(fake_image, training=training),
    )

  def _results_without(self, name: str) -> dict[str, tf.Tensor]:
    return {other: value for other, value in self.results().items() if other != name}


def label_distance(labels: tf.Tensor, probabilities: tf.Tensor) -> tf.Tensor:
  """L1 distance of label vectors, mean over the pixels, [n, X, Y, n_labels] -> [n], 0 to 2.

  Summed over the labels: a mean over them would fade as there are more, to 0.07 at most for 29, and
  leave labels with hardly a weight beside images, whose distance also lies between 0 and 2. It is
  twice the probability of a wrong label.

  Args:
    labels: One-hot.
    probabilities: Of the labels, of sum 1.
  """
  return losses.mean_per_example(tf.reduce_sum(tf.abs(labels - probabilities), axis=-1))


def _judge(discriminator: tf.keras.Model, values: tf.Tensor) -> list[tf.Tensor]:
  """Logits, one map per scale."""
  return logits(discriminator(values, training=True))


def _check_networks(
  generator: tf.keras.Model,
  back_generator: tf.keras.Model,
  discriminator: tf.keras.Model,
  label_discriminator: tf.keras.Model,
) -> None:
  takes, makes = generator.input_shape, generator.output_shape
  back = back_generator.input_shape, back_generator.output_shape
  if back != (makes, takes):
    raise ValueError(f'back_generator turns {back[0]} into {back[1]}, expected {makes} into {takes}')
  for name, network, channels in (
    ('discriminator', discriminator, makes[-1]),
    ('label_discriminator', label_discriminator, takes[-1]),
  ):
    taken = tuple(x.shape[-1] for x in network.inputs)
    if taken != (channels,):
      raise ValueError(f'{name} takes {taken} channels, expected {(channels,)} as the generators have')
