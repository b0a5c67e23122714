"""From latent vectors to styles (Karras et al. 2020; the mapping network of StyleGAN2)."""

import math

import gin
import tensorflow as tf

from keras_itm.layers.equalised import EqualisedDense

_layers = tf.keras.layers


@gin.register
def style_mapping(
  latent_size: int = 512,
  style_size: int = 512,
  n_layers: int = 8,
  rate: float = 0.01,
  n_conditions: int = 0,
) -> tf.keras.Model:
  """Builds the mapping: latents [n, latent_size] -> styles [n, style_size].

  Latents are brought to root mean square 1. Conditions, where there are any, go through a dense layer,
  are brought to the same scale and joined.

  Args:
    latent_size: Numbers of a latent, drawn from N(0, I).
    style_size: Numbers of a style.
    n_layers: Dense layers.
    rate: How fast they learn beside all other layers.
    n_conditions: Numbers that are asked for, such as the level of a slice; the model then takes
      [latent, condition [n, n_conditions]].

  Raises:
    ValueError: A size below 1, or negative conditions.
  """
  if min(latent_size, style_size, n_layers) < 1 or n_conditions < 0:
    raise ValueError(
      f'latent_size {latent_size}, style_size {style_size}, n_layers {n_layers}: expected at least 1 '
      f'each; n_conditions {n_conditions}: expected at least 0'
    )
  latent = _layers.Input((latent_size,), name='latent')
  inputs, x = latent, _unit_root_mean_square(latent, 'latent')
  if n_conditions:
    condition = _layers.Input((n_conditions,), name='condition')
    asked = EqualisedDense(latent_size, name='condition_dense')(condition)
    asked = _unit_root_mean_square(asked, 'condition')
    inputs, x = [latent, condition], _layers.Concatenate(name='join')([x, asked])
  for i in range(n_layers):
    x = EqualisedDense(style_size, rate=rate, activated=True, name=f'dense_{i}')(x)
  style = _layers.Activation('linear', dtype='float32', name='style')(x)
  return tf.keras.Model(inputs, style, name='style_mapping')


def _unit_root_mean_square(x: tf.Tensor, name: str) -> tf.Tensor:
  x = _layers.UnitNormalization(name=f'{name}_direction', dtype='float32')(x)
  return _layers.Rescaling(math.sqrt(x.shape[-1]), name=f'{name}_unit')(x)
