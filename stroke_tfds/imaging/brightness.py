"""How bright a scan is, for volumes that are put together from several scans.

Images are [X, Y, Z, C] in [0, 1], each scaled for itself (`preprocessing` says how).
"""

from collections.abc import Sequence

import numpy as np
from scipy import ndimage

from stroke_tfds.imaging.grid import Grid
from stroke_tfds.imaging.preprocessing import scale

_WITH_UNIT = ('ADC',)  # Contrasts of which a value means the same in all scans.


def with_neighbours(lesion: np.ndarray) -> np.ndarray:
  """The lesion and the six neighbours of each voxel, which share its signal; bool [X, Y, Z]."""
  return ndimage.binary_dilation(lesion > 0)


def spared_parenchyma(
  labels: np.ndarray, lesion: np.ndarray, parenchyma_ids: Sequence[int]
) -> np.ndarray:
  """Parenchyma that is neither lesion nor next to it, bool [X, Y, Z]."""
  return np.isin(labels, parenchyma_ids) & ~with_neighbours(lesion)


def mean_signal(image: np.ndarray, where: np.ndarray, contrasts: Sequence[str]) -> np.ndarray:
  """Mean of each channel in a region, float32 [C]; 1 for a contrast with a unit.

  Args:
    image: [X, Y, Z, C].
    where: bool [X, Y, Z], not empty.
    contrasts: Name of each channel.
  """
  has_unit = [contrast in _WITH_UNIT for contrast in contrasts]
  return np.where(has_unit, 1, image[where].mean(0, dtype=np.float64)).astype(np.float32)


def scale_again(image: np.ndarray, contrasts: Sequence[str], grid: Grid, scaling: str) -> np.ndarray:
  """Scales a volume that was put together as if it had been recorded so.

  Args:
    image: At least 0, above 0 in the head.
    contrasts: Name of each channel; one with a unit is only clipped.
    grid: Where the voxels are.
    scaling: `percentile` or `parenchyma_median`.

  Returns:
    float32 of the same shape in [0, 1].
  """
  scaled = np.clip(image, 0, 1).astype(np.float32)
  for i, contrast in enumerate(contrasts):
    if contrast not in _WITH_UNIT:
      scaled[..., i] = scale(image[..., i], image[..., i] > 0, grid, scaling)
  return scaled
