"""The image encoder of SPADE (Park et al. 2019, section 3 and appendix A)."""

import gin
import tensorflow as tf

from keras_itm.shape_checks import check_halvings

_LEAKINESS = 0.2
_layers = tf.keras.layers


@gin.register
def image_encoder(
  image_size: tuple[int, int] = (128, 128),
  n_contrasts: int = 1,
  latent_size: int = 128,
  filters: tuple[int, ...] = (32, 64, 128, 128),
) -> tf.keras.Model:
  """Builds the encoder: images [n, X, Y, C] -> mean and logarithm of the variance of latents [n, L].

  Each entry of `filters` halves the map by a 3x3 convolution of stride 2. None is normalised: how
  bright and how strong in contrast an image is belongs to what a latent has to tell.

  Args:
    image_size: Slice size (X, Y).
    n_contrasts: Channels of the image.
    latent_size: Length L of the latent vector.
    filters: Filters of the convolutions, outermost first.

  Raises:
    ValueError: The slice size cannot be halved once per entry of `filters`; no latent.
  """
  check_halvings(image_size, filters, 'image_size', least=1)
  if latent_size < 1:
    raise ValueError(f'latent_size is {latent_size}, expected at least 1')
  image = x = _layers.Input((*image_size, n_contrasts), name='image')
  for n_filters in filters:
    x = _layers.Conv2D(n_filters, 3, strides=2, padding='same')(x)
    x = _layers.LeakyReLU(_LEAKINESS)(x)
  x = _layers.Flatten()(x)
  # Exponents, and what is trained by them, stay in float32 under a mixed policy.
  mean, log_variance = (
    _layers.Dense(latent_size, dtype='float32', name=name)(x) for name in ('mean', 'log_variance')
  )
  return tf.keras.Model(image, [mean, log_variance], name='image_encoder')
