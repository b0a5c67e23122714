"""Training of generators against discriminators: what all GANs here share."""

from typing import Any

import tensorflow as tf

from keras_itm.models.tracked import TrackedModel, get_optimizer


class AdversarialModel(TrackedModel):
  """A model with two optimizers; subclasses name the variables that each of them moves."""

  optimizer_names = ('generator_optimizer', 'discriminator_optimizer')

  @property
  def generator_variables(self) -> list[tf.Variable]:
    return self.generator.trainable_variables

  @property
  def discriminator_variables(self) -> list[tf.Variable]:
    return self.discriminator.trainable_variables

  def compile(  # type: ignore[override]
    self,
    generator_optimizer: tf.keras.optimizers.Optimizer | str,
    discriminator_optimizer: tf.keras.optimizers.Optimizer | str,
    **options: Any,
  ) -> None:
    """Takes the optimizers over.

    Args:
      generator_optimizer: Moves the generator; an optimizer or its name.
      discriminator_optimizer: Moves the discriminator or critic.
      **options: Of `tf.keras.Model.compile`, such as jit_compile.

    Raises:
      ValueError: One optimizer for both, whose moments would be mixed up.
    """
    self.generator_optimizer = get_optimizer(generator_optimizer)
    self.discriminator_optimizer = get_optimizer(discriminator_optimizer)
    if self.generator_optimizer is self.discriminator_optimizer:
      raise ValueError('generator and discriminator have the same optimizer, expected one each')
    super().compile(optimizer=self.generator_optimizer, **options)
    # Built now, so that a checkpoint restores their moments before the first step.
    self.generator_optimizer.build(self.generator_variables)
    self.discriminator_optimizer.build(self.discriminator_variables)
