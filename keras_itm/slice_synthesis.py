"""Axial slices and the classes of their pixels, drawn together by a joint generator.

What is drawn for a patient depends on the seed and the patient's number alone.
"""

import numpy as np
import tensorflow as tf

from keras_itm.bundle import Bundle
from keras_itm.synthesis import random_numbers

_LATENT = 0  # A stream beside those of what patients are asked for.
# Few enough for any size of slices. A network's last bits may depend on what else is in a batch, so
# that slices of a patient always come in the same ones.
_BATCH = 8


def draw_slices(
  generator: Bundle, conditions: np.ndarray, index: int, *, seed: int, truncation: float = 1.0
) -> tuple[np.ndarray, np.ndarray]:
  """Draws the slices of a patient.

  Args:
    generator: A joint generator.
    conditions: What each slice is asked for, [n, k], in the order of the generator's `conditions`.
    index: Number of the patient in the data set.
    seed: Of the data set.
    truncation: How far styles are from their mean: 1 as learnt, 0 the mean.

  Returns:
    Image float32 [n, X, Y, C] in [0, 1], C possibly 0, and the most probable class of each pixel, uint8
    [n, X, Y].
  """
  latents = np.zeros((len(conditions), generator.spec.latent_size), np.float32)
  for i in range(len(conditions)):
    latents[i] = _latent(generator, seed, index, i)
  return slices_of_latents(generator, latents, conditions, truncation=truncation)


def slices_of_latents(
  generator: Bundle, latents: np.ndarray, conditions: np.ndarray, *, truncation: float = 1.0
) -> tuple[np.ndarray, np.ndarray]:
  """The slices of given latents.

  Args:
    generator: A joint generator.
    latents: [n, L].
    conditions: What each slice is asked for, [n, k].
    truncation: How far styles are from their mean: 1 as learnt, 0 the mean.

  Returns:
    Images and classes as of `draw_slices`.
  """
  low, high = generator.spec.intensity_range
  images, classes = [], []
  for start in range(0, len(conditions), _BATCH):
    asked = np.asarray(conditions[start : start + _BATCH], np.float32)
    made = generator.call(
      latent=tf.constant(latents[start : start + _BATCH], tf.float32),
      condition=tf.constant(asked),
      truncation=tf.fill([len(asked)], float(truncation)),
    )
    images.append(np.clip((made['image'].numpy() - low) / (high - low), 0, 1))
    classes.append(made['probability'].numpy().argmax(axis=-1).astype(np.uint8))
  return np.concatenate(images), np.concatenate(classes)


def _latent(generator: Bundle, seed: int, index: int, number: int) -> np.ndarray:
  """Of a slice by its number in the patient, [L]."""
  stream = random_numbers(seed, index, _LATENT, number)
  return stream.standard_normal(generator.spec.latent_size, np.float32)
