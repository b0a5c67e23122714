"""What an example holds: one contract for every builder, real and synthetic."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from stroke_tfds.imaging.grid import Grid
from stroke_tfds.imaging.preprocessing import PERCENTILE
from stroke_tfds.label_schemes import LabelScheme

SUPERVISED_KEYS = ('image', 'lesion')


def features(grid: Grid, contrasts: tuple[str, ...]) -> tfds.features.FeaturesDict:
  """Features of one subject on `grid`; axes are RAS: (X, Y, Z) and contrasts last."""
  zlib = tfds.features.Encoding.ZLIB
  volume = lambda shape, dtype, doc: tfds.features.Tensor(
    shape=shape, dtype=dtype, encoding=zlib, doc=doc
  )
  return tfds.features.FeaturesDict(
    {
      'image': volume((*grid.shape, len(contrasts)), np.float16, 'Intensity, 0 to 1; (X, Y, Z, C).'),
      'labels': volume(grid.shape, np.uint8, 'Id of the label scheme for each voxel, 0 outside.'),
      'lesion': volume(grid.shape, np.uint8, '1 in the lesion, else 0.'),
      'subject_id': tfds.features.Text(doc='De-identified name, unique in the data set.'),
      'lesion_volume_ml': tfds.features.Tensor(
        shape=(), dtype=np.float32, doc='Volume of the lesion in ml.'
      ),
      'provenance': tfds.features.Text(doc='Where the example comes from, as JSON.'),
    }
  )


def metadata(
  grid: Grid,
  scheme: LabelScheme,
  contrasts: tuple[str, ...],
  fingerprint: str,
  licences: Sequence[str],
  intensity_scaling: str = PERCENTILE,
) -> tfds.core.MetadataDict:
  """`info.metadata`: all that a reader needs to use the volumes without this package."""
  return tfds.core.MetadataDict(
    grid=grid.to_json(),
    label_scheme=scheme.to_json(),
    contrasts=list(contrasts),
    fingerprint=fingerprint,
    licences=list(licences),
    intensity_scaling=intensity_scaling,
  )


def make_example(
  image: np.ndarray,
  labels: np.ndarray,
  lesion: np.ndarray,
  *,
  grid: Grid,
  subject_id: str,
  provenance: Mapping[str, Any],
) -> dict[str, Any]:
  """Assembles one example and refuses what breaks the contract.

  Args:
    image: Intensities in [0, 1], shape (X, Y, Z, C).
    labels: Ids of the label scheme, shape (X, Y, Z).
    lesion: 0 or 1, shape (X, Y, Z).
    grid: Where the voxels are.
    subject_id: De-identified name, unique in its data set.
    provenance: Where the example comes from; stored as JSON with sorted keys.

  Raises:
    ValueError: A volume is off the grid, an intensity is outside [0, 1] or not finite, or a lesion
      is not binary.
  """
  for name, volume in (('image', image[..., 0]), ('labels', labels), ('lesion', lesion)):
    if volume.shape != grid.shape:
      raise ValueError(f'{subject_id}: {name} has shape {volume.shape}, expected {grid.shape}')
  if not (np.min(image) >= 0 and np.max(image) <= 1):  # NaN fails both comparisons.
    raise ValueError(f'{subject_id}: intensities {np.min(image)}..{np.max(image)}, expected 0..1')
  if np.max(lesion) > 1:
    raise ValueError(f'{subject_id}: lesion holds {np.max(lesion)}, expected 0 and 1')
  return {
    'image': image.astype(np.float16),
    'labels': labels.astype(np.uint8),
    'lesion': lesion.astype(np.uint8),
    'subject_id': subject_id,
    'lesion_volume_ml': np.float32(np.count_nonzero(lesion) * grid.voxel_volume_ml),
    'provenance': json.dumps(provenance, sort_keys=True),
  }
