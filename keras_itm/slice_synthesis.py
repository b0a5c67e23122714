"""Axial slices and the classes of their pixels, by a joint generator, or classes and then a translator.

What is drawn for a patient depends on the seed and the patient's number alone.
"""

import itertools
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from keras_itm.bundle import Bundle
from keras_itm.synthesis import random_numbers

_LATENT, _IMAGE = 0, 3  # Streams beside those of what patients are asked for.
# Few enough for any size of slices. A network's last bits may depend on what else is in a batch, so
# that slices of a patient always come in the same ones.
_BATCH = 8


class CopiedSliceError(RuntimeError):
  """A generator draws too many copies of its training."""


def draw_slices(
  generator: Bundle,
  conditions: np.ndarray,
  index: int,
  *,
  seed: int,
  truncation: float = 1.0,
  is_wanted: Callable[[np.ndarray], np.ndarray] | None = None,
  tries: int = 1,
  is_copy: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray] | None = None,
  max_redraws: int = 0,
) -> tuple[np.ndarray, np.ndarray]:
  """Draws the slices of a patient.

  Args:
    generator: A joint generator.
    conditions: What each slice is asked for, [n, k], in the order of the generator's `conditions`.
    index: Number of the patient in the data set.
    seed: Of the data set.
    truncation: How far styles are from their mean: 1 as learnt, 0 the mean.
    is_wanted: From the classes, which slices are what was asked for, bool [n]; all when None. The
      others are drawn again.
    tries: How often a slice is drawn at most until it is wanted; the last one stays.
    is_copy: From positions [m], images and classes of slices that would stay, which of them must not,
      bool [m]; these are drawn again as well.
    max_redraws: Copies of a slice that are drawn again; its tries then begin anew.

  Returns:
    Image float32 [n, X, Y, C] in [0, 1], C possibly 0, and the most probable class of each pixel, uint8
    [n, X, Y].

  Raises:
    CopiedSliceError: A slice was a copy once more than that.
  """
  n = len(conditions)
  image, classes = slices_of_latents(
    generator, _latents(generator, n, seed, index, _LATENT), conditions, truncation=truncation
  )
  left, n_copies = np.full(n, tries - 1), np.zeros(n, int)  # Draws until a slice stays as it is.
  is_unseen = np.full(n, is_copy is not None)
  for attempt in itertools.count(1):
    again = ~is_wanted(classes) & (left > 0) if is_wanted else np.zeros(n, bool)
    left[again] -= 1
    if is_copy and (seen := np.flatnonzero(is_unseen & ~again)).size:
      is_unseen[seen] = False
      copies = seen[is_copy(seen, image[seen], classes[seen])]
      n_copies[copies] += 1
      left[copies], again[copies] = tries - 1, True
      if n_copies.max() > max_redraws:
        raise CopiedSliceError(
          f'patient {index}: {max_redraws + 1} draws of slice {int(n_copies.argmax())} were copies of '
          'the training, expected one that is not'
        )
    if not again.any():
      break
    latents = _latents(generator, n, seed, index, _LATENT, attempt)[again]
    image[again], classes[again] = slices_of_latents(
      generator, latents, conditions[again], truncation=truncation
    )
    is_unseen[again] = is_copy is not None
  return image, classes


def translate_slices(translator: Bundle, classes: np.ndarray, index: int, *, seed: int) -> np.ndarray:
  """Images of a patient's slices, each with a latent of its own.

  Args:
    translator: A translator of classes, in slices.
    classes: Of each pixel, uint8 [n, X, Y].
    index: Number of the patient in the data set.
    seed: Of the data set.

  Returns:
    float32 [n, X, Y, C] in [0, 1].
  """
  return images_of_latents(translator, _latents(translator, len(classes), seed, index, _IMAGE), classes)


def images_of_latents(translator: Bundle, latents: np.ndarray, classes: np.ndarray) -> np.ndarray:
  """The images of given latents and classes.

  Args:
    translator: A translator of classes, in slices.
    latents: [n, L].
    classes: Of each pixel, uint8 [n, X, Y].

  Returns:
    float32 [n, X, Y, C] in [0, 1].
  """
  low, high = translator.spec.intensity_range
  images = []
  for start in range(0, len(classes), _BATCH):
    part = slice(start, start + _BATCH)
    made = translator.call(
      segmentation=tf.constant(classes[part], tf.uint8), latent=tf.constant(latents[part], tf.float32)
    )
    images.append(np.clip((made.numpy() - low) / (high - low), 0, 1))
  return np.concatenate(images)


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


def _latents(bundle: Bundle, n_slices: int, seed: int, index: int, *stream: int) -> np.ndarray:
  """Of each slice by its number in the patient, [n, L]."""
  latents = np.zeros((n_slices, bundle.spec.latent_size), np.float32)
  for i in range(n_slices):
    latents[i] = random_numbers(seed, index, *stream, i).standard_normal(latents.shape[1], np.float32)
  return latents
