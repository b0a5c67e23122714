"""Where voxels are: regular grids in MNI space, axes RAS, millimetres."""

import dataclasses
from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np

from stroke_tfds.errors import InputError

_MAX_VOXELS = 512**3
_SPACING_MM = (0.01, 1000.0)
_FARTHEST_MM = 1e6


@dataclasses.dataclass(frozen=True)
class Grid:
  """A box of voxels: X left to right, Y posterior to anterior, Z inferior to superior.

  Attributes:
    name: Short name, such as `mini`.
    shape: Voxels along (X, Y, Z).
    spacing_mm: Voxel size along (X, Y, Z).
    corner_mm: MNI coordinate of the left posterior inferior corner (an edge, not a voxel centre).
  """

  name: str
  shape: tuple[int, int, int]
  spacing_mm: tuple[float, float, float]
  corner_mm: tuple[float, float, float]

  def __post_init__(self):
    if not isinstance(self.name, str):
      raise InputError(f'grid name is {self.name!r}, expected a string')
    for field, kind in (('shape', Integral), ('spacing_mm', Real), ('corner_mm', Real)):
      values = getattr(self, field)
      if not _are_three(values, kind):
        numbers = 'whole numbers' if kind is Integral else 'numbers'
        raise InputError(f'grid {self.name!r}: {field} is {values!r}, expected three {numbers}')
      object.__setattr__(self, field, tuple(values))
    if min(self.shape) < 1 or np.prod(self.shape, dtype=float) > _MAX_VOXELS:
      raise InputError(f'grid {self.name}: shape {self.shape}, expected 1 to {_MAX_VOXELS} voxels')
    low, high = _SPACING_MM
    if not all(low <= mm <= high for mm in self.spacing_mm):
      raise InputError(
        f'grid {self.name}: spacing {self.spacing_mm} mm, expected {low:g} to {high:g} mm'
      )
    if not all(abs(mm) <= _FARTHEST_MM for mm in self.corner_mm):
      raise InputError(
        f'grid {self.name}: corner {self.corner_mm} mm, expected within {_FARTHEST_MM:g} mm'
      )

  @property
  def affine(self) -> np.ndarray:
    """Voxel index to MNI millimetres, shape (4, 4)."""
    affine = np.diag([*self.spacing_mm, 1.0])
    affine[:3, 3] = np.asarray(self.corner_mm) + np.asarray(self.spacing_mm) / 2
    return affine

  @property
  def voxel_volume_ml(self) -> float:
    return float(np.prod(self.spacing_mm)) / 1000

  def coordinates_mm(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """MNI coordinates of the voxel centres along each axis, three vectors."""
    x, y, z = (
      corner + spacing * (np.arange(n) + 0.5)
      for n, spacing, corner in zip(self.shape, self.spacing_mm, self.corner_mm)
    )
    return x, y, z

  def to_json(self) -> dict[str, Any]:
    return {field: _plain(value) for field, value in dataclasses.asdict(self).items()}

  @classmethod
  def from_json(cls, fields: dict[str, Any]) -> 'Grid':
    return cls(**fields)


def _are_three(values: Any, kind: type) -> bool:
  if not isinstance(values, Sequence) or isinstance(values, str) or len(values) != 3:
    return False
  return all(isinstance(value, kind) and not isinstance(value, bool) for value in values)


def _plain(value: Any) -> Any:
  return list(value) if isinstance(value, tuple) else value


# The paper's 128x128x40 grid without the four slices at each end (section 2.1), the same field at half
# the resolution, and slices of 256x256 pixels as StyleGAN2 wants them, of the whole brain at 1 mm.
GRIDS = {
  grid.name: grid
  for grid in (
    Grid('mni_128x128x32', (128, 128, 32), (1.5, 1.5, 4.0), (-96.0, -114.0, -56.0)),
    Grid('mini', (64, 64, 16), (3.0, 3.0, 8.0), (-96.0, -114.0, -56.0)),
    Grid('mni_256x256x160', (256, 256, 160), (1.0, 1.0, 1.0), (-128.0, -146.0, -72.0)),
  )
}


def get_grid(grid: str | dict[str, Any] | Grid) -> Grid:
  """A grid by name, or from its JSON fields.

  Raises:
    InputError: An unknown name, or fields that do not make a grid.
  """
  if isinstance(grid, Grid):
    return grid
  if isinstance(grid, str):
    if grid not in GRIDS:
      raise InputError(f'grid {grid!r} is unknown, expected one of {sorted(GRIDS)} or a JSON object')
    return GRIDS[grid]
  try:
    return Grid.from_json(grid)
  except TypeError as error:
    raise InputError(
      f'grid {grid!r}: expected the fields name, shape, spacing_mm and corner_mm'
    ) from error
