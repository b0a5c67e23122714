"""Training of generators against discriminators: what all GANs here share."""

import tensorflow as tf

from keras_itm.models.tracked import TrackedModel, scaled_if_needed


class AdversarialModel(TrackedModel):
  """A model with two optimizers; subclasses name the variables that each of them moves."""

  @property
  def generator_variables(self) -> list[tf.Variable]:
    return self.generator.trainable_variables

  @property
  def discriminator_variables(self) -> list[tf.Variable]:
    return self.discriminator.trainable_variables

  def compile(
    self,
    generator_optimizer: tf.keras.optimizers.Optimizer,
    discriminator_optimizer: tf.keras.optimizers.Optimizer,
    **options,
  ) -> None:
    """Takes the optimizers over.

    Args:
      generator_optimizer: Moves the generator.
      discriminator_optimizer: Moves the discriminator or critic.
      **options: Of `tf.keras.Model.compile`, such as jit_compile.
    """
    self.generator_optimizer = scaled_if_needed(generator_optimizer)
    self.discriminator_optimizer = scaled_if_needed(discriminator_optimizer)
    super().compile(optimizer=self.generator_optimizer, **options)
    # Built now, so that a checkpoint restores their moments before the first step.
    self.generator_optimizer.build(self.generator_variables)
    self.discriminator_optimizer.build(self.discriminator_variables)
