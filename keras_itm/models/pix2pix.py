"""Pix2Pix: paired translation of label maps into images (Platscher et al. 2020, section 2.2.1)."""

import gin
import tensorflow as tf

from keras_itm import losses
from keras_itm.models.ema import AveragedNetwork
from keras_itm.models.tracked import TrackedModel

_METRICS = (
  'discriminator_loss',
  'generator_loss',
  'adversarial_loss',
  'l1_loss',
  'real_logit',
  'fake_logit',
)


@gin.register
class Pix2Pix(TrackedModel):
  """Trains a generator against a PatchGAN and the L1 distance to the true image (equation 1).

  A batch is `(segmentation, image)`: uint8 [n, X, Y], the lesion as its own id, and float32
  [n, X, Y, C] in [-1, 1]. Calling the model translates uint8 [n, X, Y] by the moving average of the
  generator.
  """

  def __init__(
    self,
    generator: tf.keras.Model,
    discriminator: tf.keras.Model,
    l1_weight: float = 10.0,
    ema_decay: float = 0.999,
  ):
    """Takes the networks over.

    Args:
      generator: One-hot segmentation [n, X, Y, n_labels] -> image [n, X, Y, C].
      discriminator: [one-hot segmentation, image] -> a logit map [n, x, y, 1], or a list of them.
      l1_weight: Weight lambda of the L1 distance.
      ema_decay: Of the generator's moving average, in [0, 1).

    Raises:
      ValueError: A negative weight, or networks that do not fit.
    """
    super().__init__(_METRICS, name='pix2pix')
    if l1_weight < 0:
      raise ValueError(f'l1_weight is {l1_weight}, expected at least 0')
    taken = tuple(shape[-1] for shape in discriminator.input_shape)
    n_labels, n_contrasts = generator.input_shape[-1], generator.output_shape[-1]
    if taken != (n_labels, n_contrasts):
      raise ValueError(
        f'discriminator takes {taken} channels, expected {n_labels} labels and {n_contrasts} contrasts'
        ' as the generator has'
      )
    self.generator = generator
    self.discriminator = discriminator
    self.average = AveragedNetwork(generator, ema_decay)
    self.l1_weight = l1_weight
    self.n_labels = generator.input_shape[-1]

  def compile(
    self,
    generator_optimizer: tf.keras.optimizers.Optimizer,
    discriminator_optimizer: tf.keras.optimizers.Optimizer,
  ) -> None:
    super().compile(optimizer=generator_optimizer)
    self.generator_optimizer = generator_optimizer
    self.discriminator_optimizer = discriminator_optimizer
    # Built now, so that a checkpoint restores their moments before the first step.
    generator_optimizer.build(self.generator.trainable_variables)
    discriminator_optimizer.build(self.discriminator.trainable_variables)

  def call(self, segmentation: tf.Tensor, training: bool = False) -> tf.Tensor:
    return self.average(self._one_hot(segmentation), training=training)

  def train_step(self, batch: tuple[tf.Tensor, tf.Tensor]) -> dict[str, tf.Tensor]:
    """Trains the discriminator on a fake, then the generator that made it."""
    labels, image = self._one_hot(batch[0]), batch[1]
    variables = self.generator.trainable_variables
    with tf.GradientTape(watch_accessed_variables=False) as tape:
      tape.watch(variables)
      fake = self.generator(labels, training=True)
      with tape.stop_recording():
        self._train_discriminator(labels, image, fake)
      values = self.generator_losses(labels, image, fake)
      # Divides by the number of examples in all replicas.
      loss = tf.nn.compute_average_loss(values['generator_loss'])
    self.generator_optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables))
    self.average.update(self.generator)
    self.track(values)
    return self.results()

  def test_step(self, batch: tuple[tf.Tensor, tf.Tensor]) -> dict[str, tf.Tensor]:
    """The losses of the averaged generator; trains nothing."""
    labels, image = self._one_hot(batch[0]), batch[1]
    fake = self(batch[0])
    self.track(self.discriminator_losses(labels, image, fake))
    self.track(self.generator_losses(labels, image, fake))
    return self.results()

  def generator_losses(
    self, labels: tf.Tensor, image: tf.Tensor, fake: tf.Tensor
  ) -> dict[str, tf.Tensor]:
    """The generator's objective, one value per example.

    Args:
      labels: One-hot, [n, X, Y, n_labels].
      image: True, [n, X, Y, C] in [-1, 1].
      fake: Generated, the same shape.
    """
    adversarial = losses.minimax_generator_loss(self._judge(labels, fake))
    l1 = losses.l1_loss(image, fake)
    return {
      'generator_loss': adversarial + self.l1_weight * l1,
      'adversarial_loss': adversarial,
      'l1_loss': l1,
    }

  def discriminator_losses(
    self, labels: tf.Tensor, image: tf.Tensor, fake: tf.Tensor
  ) -> dict[str, tf.Tensor]:
    """The discriminator's objective and mean logits, one value per example; arguments as above."""
    real_logits, fake_logits = self._judge(labels, image), self._judge(labels, fake)
    return {
      'discriminator_loss': losses.minimax_discriminator_loss(real_logits, fake_logits),
      'real_logit': losses.mean_over_scales(real_logits),
      'fake_logit': losses.mean_over_scales(fake_logits),
    }

  def _train_discriminator(self, labels: tf.Tensor, image: tf.Tensor, fake: tf.Tensor) -> None:
    variables = self.discriminator.trainable_variables
    with tf.GradientTape(watch_accessed_variables=False) as tape:
      tape.watch(variables)
      values = self.discriminator_losses(labels, image, fake)
      loss = tf.nn.compute_average_loss(values['discriminator_loss'])
    self.discriminator_optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables))
    self.track(values)

  def _judge(self, labels: tf.Tensor, image: tf.Tensor) -> list[tf.Tensor]:
    # Keras gives the map of a single scale without a list around it.
    return tf.nest.flatten(self.discriminator([labels, image], training=True))

  def _one_hot(self, segmentation: tf.Tensor) -> tf.Tensor:
    return tf.one_hot(segmentation, self.n_labels)
