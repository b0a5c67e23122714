"""Where the brain is in a scan in which it is brighter than the scalp, as in diffusion MRI."""

import numpy as np
from scipy import ndimage

from stroke_tfds.errors import InputError
from stroke_tfds.imaging.volume import Volume

_TOP_PERCENTILE = 99.5
_TISSUE = 0.15  # Of the intensity of a bright voxel.
_COIL_SIGMA_MM = 25.0  # The sensitivity of a surface coil changes over more than this.
_TYPICAL = 0.5  # Voxels of the head above this are mostly brain.
_BRAIN = 0.4  # Of the brain's typical intensity; the scalp shows about half of that.
_SCALP_RADIUS_MM = 4.0
_SULCUS_RADIUS_MM = 7.5


def even_intensities(image: Volume) -> np.ndarray:
  """Intensities without extremes and without the slow shading of the receive coils.

  Args:
    image: Intensities of any scale, 0 or near 0 in air.

  Returns:
    float32 of the image's shape, 0 or above; the tissue around any place is about 1 on average.

  Raises:
    InputError: No intensity is above 0.
  """
  positive = image.data[image.data > 0]
  if not positive.size:
    raise InputError('the image holds no intensity above 0, expected a head')
  clipped = np.clip(image.data, 0, np.percentile(positive, _TOP_PERCENTILE)).astype(np.float32)
  tissue = (clipped > _TISSUE * np.percentile(positive, 98)).astype(np.float32)
  sigma = _COIL_SIGMA_MM / image.spacing_mm
  total, weight = (ndimage.gaussian_filter(x, sigma, truncate=2) for x in (clipped * tissue, tissue))
  return clipped * weight / np.maximum(total, 1e-3 * total.max())


def brain_mask(even: np.ndarray, spacing_mm: np.ndarray) -> np.ndarray:
  """The brain with its sulci and ventricles, whether or not the image shows the skull.

  Args:
    even: From `even_intensities`, shape (X, Y, Z).
    spacing_mm: Voxel size along (X, Y, Z).

  Returns:
    bool of the same shape.
  """
  n_pad = int(np.ceil(_SULCUS_RADIUS_MM / np.min(spacing_mm))) + 1
  padded = np.pad(even > _BRAIN * typical_intensity(even), n_pad, mode='edge')  # Slabs cut the brain.
  opened = _grown(_shrunk(padded, _SCALP_RADIUS_MM, spacing_mm), _SCALP_RADIUS_MM, spacing_mm)
  closed = _grown(_largest_piece(opened), _SULCUS_RADIUS_MM, spacing_mm)
  brain = _shrunk(closed, _SULCUS_RADIUS_MM, spacing_mm)[(slice(n_pad, -n_pad),) * 3]
  for z in range(brain.shape[2]):
    brain[..., z] = ndimage.binary_fill_holes(brain[..., z])
  return brain


def typical_intensity(even: np.ndarray) -> float:
  """Median of what is bright; the brain's where the scalp is dim."""
  return float(np.median(even[even > _TYPICAL]))


def _largest_piece(mask: np.ndarray) -> np.ndarray:
  pieces, n_pieces = ndimage.label(mask)
  if n_pieces == 0:
    raise InputError('the image shows nothing as large as a brain, expected a brain')
  return pieces == 1 + np.bincount(pieces.ravel())[1:].argmax()


def _shrunk(mask: np.ndarray, radius_mm: float, spacing_mm: np.ndarray) -> np.ndarray:
  return ndimage.distance_transform_edt(mask, spacing_mm) > radius_mm


def _grown(mask: np.ndarray, radius_mm: float, spacing_mm: np.ndarray) -> np.ndarray:
  return ndimage.distance_transform_edt(~mask, spacing_mm) <= radius_mm
