"""The SPADE generator (Platscher et al. 2020, section 2.2.3; Park et al. 2019, section 3)."""

import gin
import tensorflow as tf

from keras_itm.layers.nearest_upsampling import NearestUpsampling2D
from keras_itm.layers.spade import SpatiallyAdaptiveNormalization
from keras_itm.layers.spectral_convolution import SpectralConv2D

_LEAKINESS = 0.2
_layers = tf.keras.layers


@gin.register
def spade_generator(
  image_size: tuple[int, int] = (128, 128),
  n_labels: int = 29,
  n_contrasts: int = 1,
  latent_size: int = 128,
  coarse_filters: int = 128,
  filters: tuple[int, ...] = (128, 64, 32, 16, 8),
  hidden_filters: int = 128,
  full_resolution_filters: int = 0,
) -> tf.keras.Model:
  """Builds the generator: one-hot label slices [n, X, Y, n_labels] and latents [n, L] -> images.

  A dense layer turns the latent into a coarse map; each entry of `filters` is a residual block, which
  the labels steer at its resolution, and a nearest-neighbour upsampling that doubles the map. So the
  finest block is at half the slice's resolution, and of each 2x2 pixels the labels of one count; only a
  block of `full_resolution_filters` sees them all.

  Kernels start as Keras starts them: the labels then act from the first step on, which those of the
  reference, fifty times narrower, have yet to learn.

  Args:
    image_size: Slice size (X, Y).
    n_labels: Channels of the one-hot input, lesion included.
    n_contrasts: Channels of the image.
    latent_size: Length L of the latent vector.
    coarse_filters: Channels of the map that the latent makes.
    filters: Filters of the residual blocks, coarsest first.
    hidden_filters: Filters between the labels and the modulation, in each SPADE layer.
    full_resolution_filters: Filters of a last block after all upsampling; 0 for none, as in the paper.

  Returns:
    A model from [segmentation, latent] to images [n, X, Y, n_contrasts] in [-1, 1] (tanh), float32.

  Raises:
    ValueError: The slice size cannot be halved once per entry of `filters`, or is then a single
      pixel; no latent.
  """
  factor = 2 ** len(filters)
  coarse = tuple(size // factor for size in image_size)
  if not filters or any(size % factor for size in image_size) or coarse == (1, 1):
    raise ValueError(
      f'image_size {tuple(image_size)} with {len(filters)} filters {tuple(filters)}: expected at '
      f'least one filter and a size divisible by {factor} that leaves more than one pixel'
    )
  if latent_size < 1:
    raise ValueError(f'latent_size is {latent_size}, expected at least 1')
  labels = _layers.Input((*image_size, n_labels), name='segmentation')
  latent = _layers.Input((latent_size,), name='latent')
  x = _layers.Dense(coarse[0] * coarse[1] * coarse_filters)(latent)
  x = _layers.Reshape((*coarse, coarse_filters))(x)
  for n_filters in filters:
    x = _block(x, labels, n_filters, hidden_filters)
    x = NearestUpsampling2D()(x)
  if full_resolution_filters:
    x = _block(x, labels, full_resolution_filters, hidden_filters)
  x = _layers.Conv2D(n_contrasts, 3, padding='same')(_layers.LeakyReLU(_LEAKINESS)(x))
  # The last activation stays in float32 under a mixed policy.
  image = _layers.Activation('tanh', dtype='float32', name='image')(x)
  return tf.keras.Model([labels, latent], image, name='spade_generator')


def _block(x: tf.Tensor, labels: tf.Tensor, n_filters: int, hidden_filters: int) -> tf.Tensor:
  spade = lambda maps: SpatiallyAdaptiveNormalization(hidden_filters)([maps, labels])
  shortcut = x
  if x.shape[-1] != n_filters:
    shortcut = SpectralConv2D(n_filters, 1, use_bias=False)(spade(x))
  for _ in range(2):
    x = _layers.LeakyReLU(_LEAKINESS)(spade(x))
    x = SpectralConv2D(n_filters, 3, padding='same')(x)
  return _layers.Add()([shortcut, x])
