"""How bright a lesion is beside healthy tissue. Each meaning has its own name, here and in every file:

| name | formula | not to be seen |
|---|---|---|
| `lesion_to_parenchyma` | mean of the lesion / mean of all parenchyma without it | 1 |
| `lesion_excess` | `lesion_to_parenchyma` - 1 | 0 |
| `lesion_to_ring` | mean of the lesion / mean of the parenchyma up to `RING_MM` from it | 1 |

All are without unit, of mean intensities, and NaN where a region has no voxel. Axes are (X, Y, Z).
"""

from collections.abc import Sequence

import numpy as np
from scipy import ndimage

# "Around a lesion": parenchyma up to this far from it. Four voxels in plane on the paper's grid, two on
# the mini grid, whose slices are too thick for the ring to reach the next one.
RING_MM = 6.0


def lesion_to_parenchyma(image: np.ndarray, lesion: np.ndarray, parenchyma: np.ndarray) -> float:
  """Mean intensity of a lesion over that of all parenchyma without it.

  Args:
    image: Intensities, shape (X, Y, Z).
    lesion: 0 or 1, same shape.
    parenchyma: True where the anatomy is parenchyma, with or without the lesion; same shape.
  """
  inside, healthy = lesion > 0, np.asarray(parenchyma, bool) & ~(lesion > 0)
  beside = _mean(image[healthy])
  return _mean(image[inside]) / beside if beside else np.nan


def lesion_excess(image: np.ndarray, lesion: np.ndarray, parenchyma: np.ndarray) -> float:
  """By how much a lesion is brighter than parenchyma, relative to it; as in lesion_to_parenchyma."""
  return lesion_to_parenchyma(image, lesion, parenchyma) - 1


def lesion_and_ring_means(
  image: np.ndarray,
  lesion: np.ndarray,
  parenchyma: np.ndarray,
  spacing_mm: Sequence[float],
  ring_mm: float = RING_MM,
) -> tuple[float, float]:
  """Mean intensity of a lesion and of the parenchyma around it, whose ratio is `lesion_to_ring`.

  Args:
    image: Intensities, shape (X, Y, Z).
    lesion: 0 or 1, same shape.
    parenchyma: True where the anatomy is parenchyma, with or without the lesion; same shape.
    spacing_mm: Voxel size along (X, Y, Z).
    ring_mm: Largest distance between voxel centres, from the lesion to what counts as around it.

  Returns:
    Both means; NaN where a region has no voxel.
  """
  box = _box_around(lesion > 0, np.ceil(ring_mm / np.asarray(spacing_mm)).astype(int))
  if box is None:
    return np.nan, np.nan
  image, inside, parenchyma = (np.asarray(a[box]) for a in (image, lesion > 0, parenchyma))
  distance_mm = ndimage.distance_transform_edt(~inside, sampling=spacing_mm)
  ring = parenchyma & ~inside & (distance_mm <= ring_mm)
  return _mean(image[inside]), _mean(image[ring])


def brighter_share(lesion_means: np.ndarray, ring_means: np.ndarray) -> tuple[float, int]:
  """Share of lesions brighter than their surroundings, and how many could be compared.

  A case with NaN on either side is left out; the share is NaN when none is left.
  """
  measured = np.isfinite(lesion_means) & np.isfinite(ring_means)
  n = int(np.count_nonzero(measured))
  return (float(np.mean((lesion_means > ring_means)[measured])) if n else np.nan), n


def _box_around(mask: np.ndarray, margin: np.ndarray) -> tuple[slice, ...] | None:
  found = ndimage.find_objects(mask.astype(np.uint8))
  if not found:
    return None
  return tuple(slice(max(s.start - m, 0), s.stop + m) for s, m in zip(found[0], margin))


def _mean(values: np.ndarray) -> float:
  return float(np.mean(values, dtype=np.float64)) if values.size else np.nan
