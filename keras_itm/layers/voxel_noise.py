"""Noise for each voxel of a feature map: what one latent code for the whole volume cannot place."""

import tensorflow as tf


@tf.keras.utils.register_keras_serializable('keras_itm')
class VoxelNoise(tf.keras.layers.Layer):
  """Adds noise to maps, with a learnt strength for each channel (as in StyleGAN, Karras et al. 2019).

  (maps [n, ..., c], noise [n, m] with m the number of voxels of a map) -> maps [n, ..., c].

  The noise is an input, so that the same latent vector gives the same result.
  """

  def __init__(self, shared: bool = False, **kwargs):
    """Prepares the layer.

    Args:
      shared: Whether all channels have one strength, which starts at 0 (as in StyleGAN2).
      **kwargs: Of every Keras layer.
    """
    super().__init__(**kwargs)
    self.shared = shared

  def build(self, input_shape):
    maps, _ = input_shape
    shape, initializer = ((1, 1), 'zeros') if self.shared else ((1, maps[-1]), 'glorot_uniform')
    self.strength = self.add_weight(name='strength', shape=shape, initializer=initializer)
    super().build(input_shape)

  def get_config(self):
    return {**super().get_config(), 'shared': self.shared}

  def call(self, inputs: tuple[tf.Tensor, tf.Tensor]) -> tf.Tensor:
    maps, noise = inputs
    voxelwise = tf.reshape(noise, [-1, *maps.shape[1:-1], 1])
    return maps + voxelwise * self.strength[0]
