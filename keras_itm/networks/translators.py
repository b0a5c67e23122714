"""Which networks a translator is made of, built to fit together and a grid."""

from collections.abc import Callable

import gin
import tensorflow as tf

from keras_itm.layers.adaptive_augmentation import AdaptiveAugmentation

Factory = Callable[..., tf.keras.Model]


@gin.register
def paired_networks(
  shape: tuple[int, int, int],
  n_labels: int,
  n_contrasts: int,
  *,
  generator: Factory = gin.REQUIRED,
  discriminator: Factory = gin.REQUIRED,
  encoder: Factory | None = None,
) -> dict[str, tf.keras.Model]:
  """The networks of Pix2Pix and SPADE.

  Args:
    shape: Volume size (X, Y, Z); they see axial slices.
    n_labels: Channels of one-hot label slices, lesion included.
    n_contrasts: Channels of images.
    generator: Network factory, given all of these.
    discriminator: Network factory, given the two numbers of channels.
    encoder: Network factory, given the slices' size, the contrasts and the length of the generator's
      latent; None for none.
  """
  channels = {'n_labels': n_labels, 'n_contrasts': n_contrasts}
  networks = {
    'generator': generator(image_size=shape[:2], **channels),
    'discriminator': discriminator(**channels),
  }
  if encoder:
    _, (_, latent_size) = networks['generator'].input_shape
    networks['encoder'] = encoder(
      image_size=shape[:2], n_contrasts=n_contrasts, latent_size=latent_size
    )
  return networks


@gin.register
def cycle_networks(
  shape: tuple[int, int, int],
  n_labels: int,
  n_contrasts: int,
  *,
  generator: Factory = gin.REQUIRED,
  discriminator: Factory = gin.REQUIRED,
) -> dict[str, tf.keras.Model]:
  """The networks of cycleGAN: a generator and a discriminator for each side; arguments as above.

  The generator's factory is also called with the channels exchanged and a softmax, for the way back.
  """
  forth = {'n_labels': n_labels, 'n_contrasts': n_contrasts}
  back = {'n_labels': n_contrasts, 'n_contrasts': n_labels, 'activation': 'softmax'}
  return {
    'generator': generator(image_size=shape[:2], **forth),
    'back_generator': generator(image_size=shape[:2], **back),
    'discriminator': discriminator(n_labels=0, n_contrasts=n_contrasts),
    'label_discriminator': discriminator(n_labels=n_labels, n_contrasts=0),
  }


@gin.register
def style_networks(
  shape: tuple[int, int, int],
  n_labels: int,
  n_contrasts: int,
  *,
  mapping: Factory = gin.REQUIRED,
  generator: Factory = gin.REQUIRED,
  discriminator: Factory = gin.REQUIRED,
  augmentation: Callable[..., AdaptiveAugmentation] | None = None,
  tones: bool = False,
) -> dict[str, tf.keras.layers.Layer]:
  """The networks of a StyleGAN2 that labels steer; arguments as above.

  The mapping's factory is given nothing, that of the generator size, channels, length of a style and
  `n_classes` 0, that of the discriminator size and channels, the labels as its classes, that of an
  augmentation the contrasts. With `tones`, images start from what their labels look like, which is
  learnt from nothing, see `style_generator.class_tones`.
  """
  size = {'image_size': shape[:2], 'n_contrasts': n_contrasts}
  made = mapping()
  labels = {'n_labels': n_labels, 'class_tones': [[0.0] * n_contrasts] * n_labels if tones else ()}
  networks = {
    'mapping': made,
    'generator': generator(**size, n_classes=0, **labels, style_size=made.output_shape[-1]),
    'discriminator': discriminator(**size, n_classes=n_labels),
  }
  if augmentation:
    networks['augmentation'] = augmentation(n_contrasts=n_contrasts)
  return networks


@gin.register
def flow_networks(
  shape: tuple[int, int, int],
  n_labels: int,
  n_contrasts: int,
  *,
  network: Factory = gin.REQUIRED,
) -> dict[str, tf.keras.Model]:
  """The network of a rectified flow, which sees whole volumes; arguments as above.

  The factory is given all of these.
  """
  return {'network': network(shape=shape, n_labels=n_labels, n_contrasts=n_contrasts)}
