"""Bringing volumes onto a grid, each interpolated once.

The transform from registration and the change of voxel size act in one pull-back: every voxel of the
grid is divided into sub-voxels no larger than the source's voxels, each is looked up in the source,
and the sub-voxels are gathered again: labels by a vote, masks as shares, both so that volumes are
kept.
"""

import warnings
from collections.abc import Iterator

import numpy as np
from scipy import ndimage

from stroke_tfds.imaging.grid import Grid
from stroke_tfds.imaging.transform import IDENTITY, Transform
from stroke_tfds.imaging.volume import Volume

_VOTING_ROUNDS, _VOTING_STEP, _MAX_WEIGHT = 16, 0.7, 4.0
_MAX_SUBDIVISION = 8
_MASK_SAMPLE_MM = 1.0  # Fewer samples of coarse masks make volumes uncertain by several per cent.
_SLAB_POINTS = 1_000_000
Box = tuple[slice, slice, slice]

# Of a change in SciPy 0.18 to how a diagonal is read. Not set around the call: threads share filters.
warnings.filterwarnings('ignore', 'The behavior of affine_transform with a 1-D array', UserWarning)


def resample_image(image: Volume, grid: Grid, transform: Transform | None = None) -> np.ndarray:
  """Linear interpolation, averaged over the sub-voxels of each grid voxel.

  Args:
    image: Intensities.
    grid: Where the voxels shall be.
    transform: From MNI space to the image's world; default: they are one.

  Returns:
    float32 of the grid's shape; 0 outside the image.
  """
  fine, factors = subdivide(grid, image.spacing_mm)
  source = Volume(image.data.astype(np.float32), image.affine)
  return block_mean(_pull(source, fine, transform or IDENTITY, 1), factors)


def resample_mask(mask: Volume, grid: Grid, transform: Transform | None = None) -> np.ndarray:
  """The share of each grid voxel that the mask fills, float32 in [0, 1]; arguments as above."""
  transform = transform or IDENTITY
  fraction = np.zeros(grid.shape, np.float32)
  box = _reach(mask, grid, transform)
  if box:
    fine, factors = subdivide(_part(grid, box), np.minimum(mask.spacing_mm, _MASK_SAMPLE_MM))
    source = Volume(mask.data.astype(np.uint8), mask.affine)
    fraction[box] = block_mean(_pull(source, fine, transform, 0), factors)
  return fraction


def resample_classes(
  classes: Volume, n_classes: int, grid: Grid, transform: Transform | None = None
) -> np.ndarray:
  """A lesion of one or several classes, which keeps its volume.

  Args:
    classes: Whole numbers: 0 outside of the lesion, then its classes from 1 to n_classes.
    n_classes: How many there are; 1 for a mask.
    grid: Where the voxels shall be.
    transform: From MNI space to their world; default: they are one.

  Returns:
    uint8 of the grid's shape: in each voxel of the lesion the class that fills most of it.
  """
  shares = np.stack(
    [
      resample_mask(Volume(classes.data == k, classes.affine), grid, transform)
      for k in range(1, n_classes + 1)
    ]
  )
  return lesion_voxels(shares.sum(0)) * (1 + shares.argmax(0)).astype(np.uint8)


def resample_labels(
  labels: Volume, grid: Grid, n_labels: int, transform: Transform | None = None
) -> np.ndarray:
  """The label that fills most of each grid voxel, but for what structures need to keep their volume.

  Arguments as above, and:

  Args:
    labels: Ids from 0 to `n_labels` - 1.
    n_labels: How many ids there are.

  Returns:
    uint8 of the grid's shape; 0 outside the label map.
  """
  transform = transform or IDENTITY
  winner = np.zeros(grid.shape, np.uint8)
  box = _reach(labels, grid, transform)
  if box:
    fine, factors = subdivide(_part(grid, box), labels.spacing_mm)
    source = Volume(labels.data.astype(np.uint8), labels.affine)
    winner[box] = volume_keeping_vote(_pull(source, fine, transform, 0), factors, n_labels)
  return winner


def keep_volume(fraction: np.ndarray) -> np.ndarray:
  """A mask of the same volume: the voxels that are filled most, as many as the fractions sum to.

  Half as a threshold would lose whole lesions that are small beside a voxel.

  Args:
    fraction: The share of each voxel that is filled, in [0, 1], any shape.

  Returns:
    uint8 of 0 and 1. Of equal fractions the lower index comes first.
  """
  return highest(fraction, int(np.rint(np.sum(fraction, dtype=np.float64))))


def highest(values: np.ndarray, n_voxels: int) -> np.ndarray:
  """uint8 1 at the `n_voxels` highest values, else 0; of equal ones the lower index comes first."""
  kept = np.zeros(values.size, np.uint8)
  kept[np.argsort(-values.ravel(), kind='stable')[:n_voxels]] = 1
  return kept.reshape(values.shape)


def lesion_voxels(fraction: np.ndarray) -> np.ndarray:
  """The voxels of a lesion: of its volume, but one at least, so that a positive case stays positive.

  Args:
    fraction: The share of each voxel that the lesion fills, shape (X, Y, Z).

  Returns:
    uint8 of 0 and 1; 0 everywhere when `fraction` is.
  """
  lesion = keep_volume(fraction)
  if not lesion.any() and fraction.any():
    lesion.flat[fraction.argmax()] = 1
  return lesion


def subdivide(grid: Grid, max_spacing_mm: float | np.ndarray) -> tuple[Grid, tuple[int, int, int]]:
  """The same field in voxels no larger than `max_spacing_mm`, and the division along each axis."""
  ratio = np.asarray(grid.spacing_mm) / np.broadcast_to(max_spacing_mm, 3)
  x, y, z = (int(n) for n in np.clip(np.ceil(ratio - 1e-6), 1, _MAX_SUBDIVISION))
  (n_x, n_y, n_z), (x_mm, y_mm, z_mm) = grid.shape, grid.spacing_mm
  shape, spacing_mm = (n_x * x, n_y * y, n_z * z), (x_mm / x, y_mm / y, z_mm / z)
  return Grid(f'{grid.name}_fine', shape, spacing_mm, grid.corner_mm), (x, y, z)


def block_mean(values: np.ndarray, factors: tuple[int, int, int]) -> np.ndarray:
  """Mean over blocks of `factors` voxels, float32."""
  return _blocks(values, factors).mean((1, 3, 5), dtype=np.float32)


def block_vote(labels: np.ndarray, factors: tuple[int, int, int], n_labels: int) -> np.ndarray:
  """Most frequent label of each block of `factors` voxels; the lower id wins a tie. uint8."""
  if factors == (1, 1, 1):
    return labels.astype(np.uint8)
  counts = _label_counts(labels, factors, n_labels)
  return np.stack([slab.argmax(-1) for slab in counts]).astype(np.uint8)


def volume_keeping_vote(labels: np.ndarray, factors: tuple[int, int, int], n_labels: int) -> np.ndarray:
  """As `block_vote`, but votes are weighed so that each label has the volume afterwards that it had.

  By plain majority, thin and small structures lose up to a third of their volume on thick slices. The
  weights are found in a few rounds: a label that came out too small counts for more in the next.
  """
  if factors == (1, 1, 1):
    return labels.astype(np.uint8)
  counts = np.stack([slab.astype(np.uint16) for slab in _label_counts(labels, factors, n_labels)])
  winner = counts.argmax(-1).astype(np.uint8)
  block_size = int(np.prod(factors))
  mixed = counts.max(-1) < block_size
  wanted = counts.sum((0, 1, 2), dtype=float)
  settled = np.bincount(winner[~mixed], minlength=n_labels) * block_size
  there, votes = wanted > 0, counts[mixed].astype(np.float32)
  there[0] = False  # Background is no structure, and how much of it there is depends on the field.
  if not there.any():
    return winner
  weights, least = np.ones(n_labels, np.float32), np.inf
  for _ in range(_VOTING_ROUNDS):
    choice = (votes * weights).argmax(1)
    found = settled + np.bincount(choice, minlength=n_labels) * block_size
    error = np.square(found[there] / wanted[there] - 1).mean()
    if error < least:
      least, winner[mixed] = error, choice
    change = (wanted[there] / np.maximum(found[there], 1)) ** _VOTING_STEP
    weights[there] = np.clip(weights[there] * change, 1 / _MAX_WEIGHT, _MAX_WEIGHT)
  return winner


def _label_counts(
  labels: np.ndarray, factors: tuple[int, int, int], n_labels: int
) -> Iterator[np.ndarray]:
  """How often each label occurs in each block, (y, z, n_labels) for one x after another."""
  blocks = _blocks(labels, factors)
  _, _, n_y, _, n_z, _ = blocks.shape
  voxel = np.arange(n_y * n_z).reshape(1, n_y, 1, n_z, 1)
  for slab in blocks:  # One at a time: what is counted is many times larger than the counts.
    counts = np.bincount((voxel * n_labels + slab).ravel(), minlength=voxel.size * n_labels)
    yield counts.reshape(n_y, n_z, n_labels)


def _blocks(values: np.ndarray, factors: tuple[int, int, int]) -> np.ndarray:
  """(X, Y, Z) to (x, i, y, j, z, k)."""
  return values.reshape([n for size, f in zip(values.shape, factors) for n in (size // f, f)])


def _reach(source: Volume, grid: Grid, transform: Transform) -> Box | None:
  """The part of the grid outside of which the source shows only 0; None when it is empty."""
  planes = np.any(source.data, axis=2)
  used = [np.flatnonzero(x) for x in (planes.any(1), planes.any(0), np.any(source.data, axis=(0, 1)))]
  if not used[0].size:
    return None
  # Nearest neighbours reach half a voxel beyond the centres.
  corners = np.stack(np.meshgrid(*[(x[0] - 0.5, x[-1] + 0.5) for x in used], [1.0])).reshape(4, -1)
  mni_mm = np.linalg.inv(transform.matrix) @ source.affine @ corners
  margin_mm = np.zeros(3)
  if transform.displacement is not None:
    margin_mm = np.abs(transform.displacement.data).max((0, 1, 2))
  spacing_mm = np.asarray(grid.spacing_mm)
  low = np.floor((mni_mm[:3].min(1) - margin_mm - grid.corner_mm) / spacing_mm - 1e-6)
  high = np.ceil((mni_mm[:3].max(1) + margin_mm - grid.corner_mm) / spacing_mm + 1e-6)
  low, high = (np.clip(edge, 0, grid.shape).astype(int) for edge in (low, high))
  x, y, z = (slice(*ends) for ends in zip(low, high))
  return (x, y, z) if np.all(low < high) else None


def _part(grid: Grid, box: Box) -> Grid:
  n_x, n_y, n_z = (int(s.stop - s.start) for s in box)
  x, y, z = (float(c + s.start * size) for c, s, size in zip(grid.corner_mm, box, grid.spacing_mm))
  return Grid(grid.name, (n_x, n_y, n_z), grid.spacing_mm, (x, y, z))


def _pull(source: Volume, grid: Grid, transform: Transform, order: int) -> np.ndarray:
  """The source's value at each voxel centre of the grid."""
  # 'grid-constant' is 0 everywhere outside; 'constant' would also dim the outermost half voxel.
  options = {'order': order, 'mode': 'grid-constant', 'cval': 0}
  if transform.is_affine:
    matrix = np.linalg.inv(source.affine) @ transform.matrix @ grid.affine
    turn, offset = matrix[:3, :3], matrix[:3, 3]
    scale = np.diagonal(turn)
    if order == 0 and np.array_equal(turn, np.diag(scale)):
      turn = scale  # The same in half the time; a sum of neighbours would be rounded otherwise.
    return ndimage.affine_transform(source.data, turn, offset, grid.shape, **options)
  to_index = np.linalg.inv(source.affine)
  pulled = np.empty(grid.shape, source.data.dtype)
  x_mm, y_mm, z_mm = grid.coordinates_mm()
  n_planes = max(1, _SLAB_POINTS // (len(y_mm) * len(z_mm)))
  for start in range(0, len(x_mm), n_planes):  # All coordinates at once would fill the memory.
    slab = slice(start, start + n_planes)
    at = transform.to_world(np.stack(np.meshgrid(x_mm[slab], y_mm, z_mm, indexing='ij')))
    at = np.tensordot(to_index[:3, :3], at, 1) + to_index[:3, 3].reshape(3, 1, 1, 1)
    ndimage.map_coordinates(source.data, at, pulled[slab], **options)
  return pulled
