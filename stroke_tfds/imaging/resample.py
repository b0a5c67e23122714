"""Bringing volumes onto a grid, each interpolated once.

The affine from registration and the change of voxel size act in one pull-back: every voxel of the
grid is divided into sub-voxels no larger than the source's voxels, each is looked up in the source,
and the sub-voxels are gathered again. That makes labels an area-weighted vote and keeps the volume
of masks.
"""

import numpy as np
from scipy import ndimage

from stroke_tfds.imaging.grid import Grid
from stroke_tfds.imaging.nifti import Volume

_MAX_SUBDIVISION = 8


def resample_image(image: Volume, grid: Grid, to_mni: np.ndarray | None = None) -> np.ndarray:
  """Linear interpolation, averaged over the sub-voxels of each grid voxel.

  Args:
    image: Intensities.
    grid: Where the voxels shall be.
    to_mni: Affine from the image's world to MNI millimetres, shape (4, 4); default: they are one.

  Returns:
    float32 of the grid's shape; 0 outside the image.
  """
  fine, factors = _subdivided(image, grid)
  values = _pull(image.data.astype(np.float32), _index_map(image, fine, to_mni), fine.shape, 1)
  return block_mean(values, factors)


def resample_mask(mask: Volume, grid: Grid, to_mni: np.ndarray | None = None) -> np.ndarray:
  """The share of each grid voxel that the mask fills, float32 in [0, 1]; arguments as above."""
  fine, factors = _subdivided(mask, grid)
  inside = _pull(mask.data.astype(np.uint8), _index_map(mask, fine, to_mni), fine.shape, 0)
  return block_mean(inside.astype(np.float32), factors)


def resample_labels(
  labels: Volume, grid: Grid, n_labels: int, to_mni: np.ndarray | None = None
) -> np.ndarray:
  """The label that fills most of each grid voxel; arguments as above.

  Args:
    labels: Ids from 0 to `n_labels` - 1.
    n_labels: How many ids there are.

  Returns:
    uint8 of the grid's shape; 0 outside the label map. The lower id wins a tie.
  """
  fine, factors = _subdivided(labels, grid)
  found = _pull(labels.data.astype(np.uint8), _index_map(labels, fine, to_mni), fine.shape, 0)
  return block_vote(found, factors, n_labels)


def subdivide(grid: Grid, max_spacing_mm: float | np.ndarray) -> tuple[Grid, tuple[int, int, int]]:
  """The same field in voxels no larger than `max_spacing_mm`, and the division along each axis."""
  ratio = np.asarray(grid.spacing_mm) / np.broadcast_to(max_spacing_mm, 3)
  factors = tuple(int(n) for n in np.clip(np.ceil(ratio - 1e-6), 1, _MAX_SUBDIVISION))
  shape = tuple(n * factor for n, factor in zip(grid.shape, factors))
  spacing_mm = tuple(size / factor for size, factor in zip(grid.spacing_mm, factors))
  return Grid(f'{grid.name}_fine', shape, spacing_mm, grid.corner_mm), factors


def block_mean(values: np.ndarray, factors: tuple[int, int, int]) -> np.ndarray:
  """Mean over blocks of `factors` voxels, float32."""
  return _blocks(values, factors).mean((1, 3, 5), dtype=np.float32)


def block_vote(labels: np.ndarray, factors: tuple[int, int, int], n_labels: int) -> np.ndarray:
  """Most frequent label of each block of `factors` voxels; the lower id wins a tie. uint8."""
  if factors == (1, 1, 1):
    return labels.astype(np.uint8)
  blocks = _blocks(labels, factors)
  winner = np.empty(blocks.shape[::2], np.uint8)
  voxel = np.arange(winner[0].size).reshape(1, winner.shape[1], 1, winner.shape[2], 1)
  for x, slab in enumerate(blocks):  # One slab at a time: the counts of all would fill the memory.
    counts = np.bincount((voxel * n_labels + slab).ravel(), minlength=voxel.size * n_labels)
    winner[x] = counts.reshape(*winner.shape[1:], n_labels).argmax(-1)
  return winner


def _blocks(values: np.ndarray, factors: tuple[int, int, int]) -> np.ndarray:
  """(X, Y, Z) to (x, i, y, j, z, k)."""
  return values.reshape([n for size, f in zip(values.shape, factors) for n in (size // f, f)])


def _subdivided(source: Volume, grid: Grid) -> tuple[Grid, tuple[int, int, int]]:
  return subdivide(grid, source.spacing_mm)


def _index_map(source: Volume, grid: Grid, to_mni: np.ndarray | None) -> np.ndarray:
  """Grid index to source index, shape (4, 4)."""
  world = grid.affine if to_mni is None else np.linalg.inv(to_mni) @ grid.affine
  return np.linalg.inv(source.affine) @ world


def _pull(data: np.ndarray, matrix: np.ndarray, shape: tuple[int, ...], order: int) -> np.ndarray:
  # 'grid-constant' is 0 everywhere outside; 'constant' would also dim the outermost half voxel.
  return ndimage.affine_transform(
    data, matrix[:3, :3], matrix[:3, 3], shape, order=order, mode='grid-constant', cval=0
  )
