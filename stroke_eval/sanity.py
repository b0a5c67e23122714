"""Numbers that tell whether generated lesions and synthetic volumes can be trusted.

Functions of arrays; axes of volumes are (X, Y, Z).
"""

from collections.abc import Sequence

import numpy as np
from scipy import ndimage, stats

# "Around a lesion": parenchyma up to this far from it. Four voxels in plane on the paper's grid, two on
# the mini grid, whose slices are too thick for the ring to reach the next one.
RING_MM = 6.0


def lesion_contrast(
  image: np.ndarray,
  lesion: np.ndarray,
  parenchyma: np.ndarray,
  spacing_mm: Sequence[float],
  ring_mm: float = RING_MM,
) -> tuple[float, float]:
  """Mean intensity of a lesion and of the parenchyma around it.

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


def draw_pass_share(draws: Sequence[Sequence[int]], min_voxels: int) -> tuple[float, int]:
  """Share of all lesion draws with at least `min_voxels` voxels, and the number of draws.

  Args:
    draws: For each synthetic volume the voxels of every draw that was made for it.
    min_voxels: The bound below which a lesion is drawn again.
  """
  voxels = [v for volume in draws for v in volume]
  return (float(np.mean(np.array(voxels) >= min_voxels)) if voxels else np.nan), len(voxels)


def nearest_dice(masks: np.ndarray, others: np.ndarray) -> np.ndarray:
  """For each mask, its highest Dice with any of `others` or their left-right mirror images.

  A value near 1 means that a training lesion was copied.

  Args:
    masks: 0 or 1, [n, X, Y, Z], no mask empty.
    others: 0 or 1, [m, X, Y, Z].

  Returns:
    [n], in [0, 1].
  """
  return pairwise(masks, np.concatenate([others, others[:, ::-1]])).max(axis=1)


def nearest_other_dice(masks: np.ndarray) -> np.ndarray:
  """The same within one set: no mask is compared with itself or with its own mirror image."""
  n = len(masks)
  dice = pairwise(masks, np.concatenate([masks, masks[:, ::-1]]))
  own = np.arange(n)
  dice[own, own] = dice[own, own + n] = 0
  return dice.max(axis=1)


def ks_distance(ours: np.ndarray, theirs: np.ndarray) -> float:
  """Kolmogorov-Smirnov distance: the widest gap of two samples' distributions, from 0 to 1."""
  return float(stats.ks_2samp(ours, theirs).statistic)


def pairwise(masks: np.ndarray, others: np.ndarray) -> np.ndarray:
  """Dice of every mask with every other: [n, X, Y, Z] and [m, X, Y, Z] -> [n, m]."""
  flat = masks.reshape(len(masks), -1).astype(np.float32)
  other = others.reshape(len(others), -1).astype(np.float32)
  total = flat.sum(1)[:, None] + other.sum(1)[None]
  return 2 * (flat @ other.T) / np.maximum(total, 1)


def _box_around(mask: np.ndarray, margin: np.ndarray) -> tuple[slice, ...] | None:
  found = ndimage.find_objects(mask.astype(np.uint8))
  if not found:
    return None
  return tuple(slice(max(s.start - m, 0), s.stop + m) for s, m in zip(found[0], margin))


def _mean(values: np.ndarray) -> float:
  return float(np.mean(values, dtype=np.float64)) if values.size else np.nan
