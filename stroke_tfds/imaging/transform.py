"""Where a point of MNI space lies in a scan: an affine, and a field of displacements before it."""

import dataclasses

import numpy as np
from scipy import ndimage

from stroke_tfds.imaging.grid import Grid
from stroke_tfds.imaging.volume import Volume


@dataclasses.dataclass(frozen=True)
class Transform:
  """`world = matrix @ (point + displacement(point))`, from MNI millimetres to a scan's millimetres.

  It leads from the template to the scan because resampling asks, for each voxel of a grid in MNI
  space, what the scan shows there.

  Attributes:
    matrix: MNI to world millimetres, shape (4, 4).
    displacement: None, or a volume in MNI space whose data are displacements in mm along RAS,
      shape (X, Y, Z, 3); linear between its voxels and 0 outside.
  """

  matrix: np.ndarray
  displacement: Volume | None = None

  @classmethod
  def from_affine(cls, to_mni: np.ndarray) -> 'Transform':
    """From an affine that leads the other way, from the scan's world to MNI, shape (4, 4)."""
    return cls(np.linalg.inv(to_mni))

  @property
  def is_affine(self) -> bool:
    return self.displacement is None

  def to_world(self, points_mm: np.ndarray) -> np.ndarray:
    """Where points of MNI space lie in the scan's world.

    Args:
      points_mm: MNI coordinates, shape (3, ...).

    Returns:
      World millimetres of the same shape, float64.
    """
    return _apply(self.matrix, self._displaced(points_mm))

  def volume_ratio(self, grid: Grid) -> np.ndarray:
    """Volume in the scan per volume in MNI space, the absolute determinant of the Jacobian.

    Args:
      grid: Where it is wanted.

    Returns:
      float32 of the grid's shape, at the centre of each voxel; by central differences over one
      voxel of the displacement field.
    """
    ratio = np.full(grid.shape, abs(np.linalg.det(self.matrix[:3, :3])), np.float32)
    if self.displacement is None:
      return ratio
    half_mm = self.displacement.spacing_mm.min() / 2
    points_mm = np.stack(np.meshgrid(*grid.coordinates_mm(), indexing='ij'))
    columns = []
    for axis in range(3):
      step = half_mm * np.eye(3)[axis].reshape(3, 1, 1, 1)
      change = self._displaced(points_mm + step) - self._displaced(points_mm - step)
      columns.append(change / (2 * half_mm))
    jacobian = np.stack(columns, -1)  # (3 components, X, Y, Z, 3 derivatives)
    return ratio * np.abs(np.linalg.det(np.moveaxis(jacobian, 0, -2))).astype(np.float32)

  def _displaced(self, points_mm: np.ndarray) -> np.ndarray:
    points_mm = np.asarray(points_mm, np.float64)
    if self.displacement is None:
      return points_mm
    at = _apply(np.linalg.inv(self.displacement.affine), points_mm).reshape(3, -1)
    moved = points_mm.copy()
    for axis in range(3):
      component = self.displacement.data[..., axis]
      shift_mm = ndimage.map_coordinates(component, at, order=1, mode='constant', cval=0)
      moved[axis] += shift_mm.reshape(points_mm.shape[1:])
    return moved


def _apply(matrix: np.ndarray, points: np.ndarray) -> np.ndarray:
  """A (4, 4) affine on points of shape (3, ...)."""
  offset = matrix[:3, 3].reshape(3, *[1] * (points.ndim - 1))
  return np.tensordot(matrix[:3, :3], points, 1) + offset


IDENTITY = Transform(np.eye(4))
