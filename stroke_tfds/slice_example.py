"""What an example of a set of axial slices holds: images and the classes of their pixels."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from stroke_tfds.imaging.grid import Grid

CONDITIONS = LEVEL, LESION = 'level', 'lesion'  # What a generator of slices can be asked for.


def features(grid: Grid, contrasts: Sequence[str]) -> tfds.features.FeaturesDict:
  """Features of one slice; axes are R and A of RAS: (X, Y), and contrasts last.

  Sets of classes alone, without contrasts, have no `image`.
  """
  size = grid.shape[:2]
  plane = lambda shape, dtype, doc: tfds.features.Tensor(
    shape=shape, dtype=dtype, encoding=tfds.features.Encoding.ZLIB, doc=doc
  )
  image = plane((*size, len(contrasts)), np.float32, 'Intensity, 0 to 1; (X, Y, C).')
  level = '-1 at the lower face of the lowest slice to 1 at the upper one of the highest; NaN: unknown.'
  return tfds.features.FeaturesDict(
    {
      **({'image': image} if contrasts else {}),
      'classes': plane(size, np.uint8, 'Class of each pixel, 0 the background; (X, Y).'),
      'lesion': plane(size, np.uint8, '1 where the class is one of a lesion, else 0.'),
      'level': tfds.features.Tensor(shape=(), dtype=np.float32, doc=level),
      'slice_id': tfds.features.Text(doc='Name of the slice, unique in the data set.'),
      'subject_id': tfds.features.Text(doc='Of the patient, real or generated, that it counts to.'),
      'provenance': tfds.features.Text(doc='Where the slice comes from, as JSON.'),
    }
  )


def supervised_keys(contrasts: Sequence[str]) -> tuple[str, str] | None:
  return ('image', 'classes') if contrasts else None


def make_example(
  image: np.ndarray,
  classes: np.ndarray,
  level: float | None,
  *,
  first_lesion: int,
  slice_id: str,
  subject_id: str,
  provenance: Mapping[str, Any],
) -> dict[str, Any]:
  """Assembles one example and refuses what breaks the contract.

  Args:
    image: Intensities in [0, 1], shape (X, Y, C), C possibly 0.
    classes: Shape (X, Y).
    level: From -1 to 1; None where it is not known.
    first_lesion: This class and those after it are lesions.
    slice_id: Unique in its data set.
    subject_id: Of the patient.
    provenance: Where the slice comes from; stored as JSON with sorted keys.

  Raises:
    ValueError: An image of another size, or an intensity outside [0, 1] or not finite.
  """
  if image.shape[:2] != classes.shape:
    raise ValueError(f'{slice_id}: image has shape {image.shape}, expected {classes.shape}')
  if not (np.min(image, initial=0) >= 0 and np.max(image, initial=0) <= 1):  # NaN fails both.
    raise ValueError(f'{slice_id}: intensities {np.min(image)}..{np.max(image)}, expected 0..1')
  return {
    **({'image': image.astype(np.float32)} if image.shape[-1] else {}),
    'classes': classes.astype(np.uint8),
    'lesion': (classes >= first_lesion).astype(np.uint8),
    'level': np.float32(np.nan if level is None else level),
    'slice_id': slice_id,
    'subject_id': subject_id,
    'provenance': json.dumps(provenance, sort_keys=True),
  }


def level_of(number: Any, n_slices: int) -> Any:
  """Level of an axial slice by its number from the lowest, or those of numbers: -1 to 1."""
  return (2 * number + 1) / n_slices - 1
