"""How near a lesion comes to those of training cases."""

import functools
from collections.abc import Sequence

import numpy as np

from stroke_tfds.synthetic_stroke.training_cases import Key

_REACH_MM = 12.0  # A copy may be moved as far.


class NearestLesion:
  """Finds the training lesion that overlaps most; keeps four bytes for each voxel of a lesion."""

  def __init__(self, shape: Sequence[int], spacing_mm: Sequence[float]):
    """Begins without a lesion.

    Args:
      shape: Voxels along (X, Y, Z).
      spacing_mm: Voxel size along (X, Y, Z).
    """
    self._reach = np.ceil(_REACH_MM / np.asarray(spacing_mm)).astype(int)
    _, y, z = np.asarray(shape) + 2 * self._reach
    self._strides = np.array([y * z, z, 1])
    self._keys: list[Key] = []
    self._voxels: list[np.ndarray] = []
    self._centres: list[np.ndarray] = []

  def add(self, key: Key, mask: np.ndarray) -> None:
    """A training lesion, 0 or 1 [X, Y, Z], with some voxel."""
    voxels = np.argwhere(mask)
    self._keys.append(key)
    self._voxels.append(((voxels + self._reach) @ self._strides).astype(np.int32))
    self._centres.append(voxels.mean(0))
    self.__dict__.pop('_joined', None)

  def __len__(self) -> int:
    return len(self._keys)

  def distance(self, mask: np.ndarray, without: Key | None = None) -> float:
    """1 less the highest Dice with a training lesion, in place or with their centres on each other.

    Args:
      mask: 0 or 1 [X, Y, Z]; its left-right mirror image counts as well.
      without: A training case that is not looked at.

    Returns:
      From 0, a copy, to 1; NaN for an empty mask or where nothing is looked at.
    """
    others = np.array([key != without for key in self._keys], bool)
    if not others.any() or not mask.any():
      return np.nan
    dice = [self._dice(one)[..., others].max() for one in (mask, mask[::-1])]
    return 1 - float(max(dice))

  def _dice(self, mask: np.ndarray) -> np.ndarray:
    """With each training lesion, as it lies and moved; [2, n]."""
    padded = np.pad(mask > 0, [(r, r) for r in self._reach]).ravel()
    centre = np.argwhere(mask).mean(0)
    moves = np.rint(centre - np.array(self._centres)).clip(-self._reach, self._reach).astype(int)
    voxels, sizes = self._joined
    starts = np.cumsum(sizes) - sizes
    overlaps = [
      np.add.reduceat(padded[voxels + np.repeat(move, sizes)].astype(np.int32), starts)
      for move in (np.zeros_like(sizes), moves @ self._strides)
    ]
    return 2 * np.array(overlaps) / (sizes + np.count_nonzero(mask))

  @functools.cached_property
  def _joined(self) -> tuple[np.ndarray, np.ndarray]:
    """Places of all voxels in a padded volume, and how many each lesion has."""
    return np.concatenate(self._voxels), np.array([len(voxels) for voxels in self._voxels])
