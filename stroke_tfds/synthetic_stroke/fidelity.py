"""Whether an image shows the lesion that its mask says, and no other.

Intensities may have any scale; axes are (X, Y, Z). Ring and brightness are those of
`stroke_eval.lesion_contrast` and `stroke_eval.two_sample`, which data sets do not import; a test holds
them equal.
"""

from collections.abc import Sequence

import numpy as np
from scipy import ndimage

from stroke_tfds.imaging.brightness import with_neighbours

_RING_MM = 6.0
_BRIGHT = 1.6  # In medians of parenchyma outside the lesion.


def lesion_to_ring(
  image: np.ndarray, lesion: np.ndarray, parenchyma: np.ndarray, spacing_mm: Sequence[float]
) -> float:
  """Mean intensity of a lesion over that of the parenchyma up to 6 mm from it.

  Args:
    image: Intensities.
    lesion: 0 or 1.
    parenchyma: True where the anatomy is parenchyma, with or without the lesion.
    spacing_mm: Voxel size.

  Returns:
    NaN where there is no lesion, or nothing bright around it.
  """
  inside = lesion > 0
  ring = parenchyma & ~inside & _near(inside, spacing_mm)
  around = image[ring].mean(dtype=np.float64) if ring.any() else 0.0
  return float(image[inside].mean(dtype=np.float64) / around) if inside.any() and around else np.nan


def largest_bright_voxels(image: np.ndarray, lesion: np.ndarray, parenchyma: np.ndarray) -> float:
  """Voxels of the largest connected bright part of parenchyma that is neither lesion nor next to it.

  Bright is above 1.6 medians of the parenchyma outside the lesion. NaN without parenchyma.
  """
  healthy = parenchyma & ~(lesion > 0)
  if not healthy.any():
    return np.nan
  bright = healthy & ~with_neighbours(lesion) & (image > _BRIGHT * np.median(image[healthy]))
  parts, n_parts = ndimage.label(bright)
  return float(np.bincount(parts.ravel())[1:].max()) if n_parts else 0.0


def _near(inside: np.ndarray, spacing_mm: Sequence[float]) -> np.ndarray:
  if not inside.any():
    return np.zeros_like(inside)
  return ndimage.distance_transform_edt(~inside, sampling=spacing_mm) <= _RING_MM
