"""How near an image comes to those of training cases: whole, and around its lesion.

All brains are alike in MNI space, and a translation is near to the mean of many. What makes a person
known again is the rest: the image less its best fit by a constant and the mean training image. The
distance is 1 less the correlation of two such rests, so that neither gain nor offset counts; voxels of
about 6 mm hide noise, and small moves are tried.
"""

import functools
import itertools
from collections.abc import Sequence

import numpy as np
from scipy import ndimage

from stroke_tfds.imaging.grid import Grid
from stroke_tfds.synthetic_stroke.training_cases import Key

_VOXEL_MM, _MOVE_MM = 6.0, 3.0
_AROUND_MM = 20.0
_LEAST_VOXELS = 50  # Of 6 mm; fewer agree by chance.
_LEAST_SHARE = 0.5  # Of the training cases have brain there.


class NearestImage:
  """Finds the training image with the most similar rest; keeps about 60 kB for each image."""

  def __init__(self, grid: Grid):
    spacing_mm = np.asarray(grid.spacing_mm)
    self._block = np.maximum(np.rint(_VOXEL_MM / spacing_mm), 1).astype(int)
    self._move = np.maximum(np.rint(_MOVE_MM / spacing_mm), 1).astype(int)
    self._coarse_mm = self._block * spacing_mm
    self._keys: list[Key] = []
    self._images: list[np.ndarray] = []
    self._n_brains = np.zeros((), int)

  def add(self, key: Key, image: np.ndarray, labels: np.ndarray) -> None:
    """A training case: float32 [X, Y, Z, C] and its label map [X, Y, Z]."""
    self._keys.append(key)
    self._images.append(self._coarse(image)[0])
    self._n_brains = self._n_brains + (self._coarse((labels > 0)[..., np.newaxis])[0, ..., 0] >= 0.5)
    for name in ('_brain', '_basis', '_rests'):
      self.__dict__.pop(name, None)

  def __len__(self) -> int:
    return len(self._keys)

  def distances(
    self, image: np.ndarray, lesion: np.ndarray, without: Key | None = None
  ) -> tuple[float, float]:
    """Of the whole brain, and of the brain up to 20 mm around the lesion.

    Args:
      image: float32 [X, Y, Z, C] of any gain and offset.
      lesion: 0 or 1 [X, Y, Z].
      without: A training case that is not looked at.

    Returns:
      Each from 0, a copy, to 2; NaN where nothing is looked at.
    """
    others = np.array([key != without for key in self._keys], bool)
    moved = self._rest(self._coarse(image, moved=True))
    around = self._around(lesion)
    return self._distance(moved, others), self._distance(moved, others, around)

  def _distance(self, moved: np.ndarray, others: np.ndarray, where: np.ndarray | None = None) -> float:
    """Of rests [k, V, C] of one image, moved differently, in all of the brain or a part, bool [V]."""
    if not others.any() or (where is not None and np.count_nonzero(where) < _LEAST_VOXELS):
      return np.nan
    learnt = self._rests.reshape(len(self), -1)
    if where is not None:
      moved, learnt = moved[:, where], _unit(self._rests[:, where])
    return 1 - float((_unit(moved) @ learnt.T)[:, others].max())

  def _around(self, lesion: np.ndarray) -> np.ndarray:
    """The brain near a lesion, bool [V]."""
    coarse = self._coarse((lesion > 0)[..., np.newaxis])[0, ..., 0] > 0
    if not coarse.any():
      return np.zeros(np.count_nonzero(self._brain), bool)
    return (ndimage.distance_transform_edt(~coarse, self._coarse_mm) <= _AROUND_MM)[self._brain]

  def _coarse(self, image: np.ndarray, moved: bool = False) -> np.ndarray:
    """Means of blocks, float32 [k, X', Y', Z', C]; as it lies, or moved to all sides as well."""
    means = ndimage.uniform_filter(image.astype(np.float32), (*self._block, 1), mode='nearest')
    means = np.pad(means, [*((m, m) for m in self._move), (0, 0)], mode='edge')
    sides = itertools.product((-1, 0, 1), repeat=3) if moved else [(0, 0, 0)]
    return np.stack([means[self._samples(image.shape, side)] for side in sides])

  def _samples(self, shape: Sequence[int], side: Sequence[int]) -> tuple[slice, ...]:
    """Where the middles of blocks are in a padded volume that is moved to a side."""
    starts = self._block // 2 + self._move * (1 + np.asarray(side))
    return tuple(
      slice(start, start + n - block // 2, block)
      for start, n, block in zip(starts.tolist(), shape, self._block.tolist())
    )

  @functools.cached_property
  def _brain(self) -> np.ndarray:
    """Where most training cases have brain, bool [X', Y', Z'], V voxels."""
    return self._n_brains >= _LEAST_SHARE * len(self)

  @functools.cached_property
  def _basis(self) -> list[np.ndarray]:
    """For each contrast an orthonormal basis of a constant and the mean image, [V, 2]."""
    mean = np.mean(self._images, axis=0)[self._brain]
    return [np.linalg.qr(np.stack([np.ones_like(one), one], 1))[0] for one in mean.T]

  @functools.cached_property
  def _rests(self) -> np.ndarray:
    """Of the training images, each of length 1, [n, V, C]."""
    rests = self._rest(np.stack(self._images))
    return _unit(rests).reshape(rests.shape)

  def _rest(self, coarse: np.ndarray) -> np.ndarray:
    """[k, X', Y', Z', C] -> [k, V, C]."""
    values = coarse[:, self._brain]
    rests = [values[..., c] - values[..., c] @ q @ q.T for c, q in enumerate(self._basis)]
    return np.stack(rests, axis=-1)


def _unit(rests: np.ndarray) -> np.ndarray:
  """Rows of mean 0 and length 1, or 0 where nothing is left; [k, V, C] -> [k, V C]."""
  flat = rests.reshape(len(rests), -1)
  flat = flat - flat.mean(1, keepdims=True)
  length = np.linalg.norm(flat, axis=1, keepdims=True)
  return flat / np.where(length > 0, length, 1)
