"""Smooth random fields on a coarse lattice, and their values on a fine grid."""

import dataclasses
import functools

import numpy as np
from scipy import ndimage

from stroke_tfds.imaging.grid import Grid

_MARGIN = 2  # Control points beyond the field, so that the cubic splines are whole everywhere.


@dataclasses.dataclass(frozen=True)
class Lattice:
  """Control points, evenly spaced, that cover the field of a grid and a margin around it.

  Attributes:
    grid: The fine grid.
    spacing_mm: Distance of control points, the same along all axes.
  """

  grid: Grid
  spacing_mm: float

  @functools.cached_property
  def shape(self) -> tuple[int, int, int]:
    field_mm = np.multiply(self.grid.shape, self.grid.spacing_mm)
    x, y, z = (int(n) + 1 + 2 * _MARGIN for n in np.ceil(field_mm / self.spacing_mm))
    return x, y, z

  @functools.cached_property
  def origin_mm(self) -> np.ndarray:
    """MNI coordinate of the first control point."""
    return np.asarray(self.grid.corner_mm) - _MARGIN * self.spacing_mm

  def coordinates_mm(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """MNI coordinates of the control points along each axis."""
    x, y, z = (start + self.spacing_mm * np.arange(n) for start, n in zip(self.origin_mm, self.shape))
    return x, y, z

  def noise(self, rng: np.random.Generator, correlation_mm: float) -> np.ndarray:
    """Gaussian noise of mean 0 and standard deviation 1, float32 of the lattice's shape.

    Args:
      rng: Source of randomness.
      correlation_mm: Standard deviation of the Gaussian that smooths white noise.
    """
    white = rng.standard_normal(self.shape, np.float32)
    sigma = correlation_mm / self.spacing_mm
    if sigma < 0.3:
      return white
    smooth = ndimage.gaussian_filter(white, sigma, mode='wrap', truncate=3)
    return (smooth / smooth.std()).astype(np.float32)

  def to_grid(self, values: np.ndarray) -> np.ndarray:
    """The cubic B-spline with control values `values`, on the fine grid; float32.

    A B-spline does not pass through its control values but near them, and is as smooth as a
    deformation has to be.
    """
    along_x, along_y, along_z = self._weights
    values = np.tensordot(along_z, values.astype(np.float32), (1, 2))  # (Z, x, y)
    values = np.tensordot(along_y, values, (1, 2))  # (Y, Z, x)
    return np.ascontiguousarray(np.tensordot(along_x, values, (1, 2)))  # (X, Y, Z)

  @functools.cached_property
  def _weights(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Spline weights along each axis, shape (fine voxels, control points)."""
    x, y, z = (
      _cubic_bspline((fine[:, None] - coarse[None]) / self.spacing_mm).astype(np.float32)
      for fine, coarse in zip(self.grid.coordinates_mm(), self.coordinates_mm())
    )
    return x, y, z


def _cubic_bspline(distance: np.ndarray) -> np.ndarray:
  """The cardinal cubic B-spline at `distance` knots from its centre."""
  t = np.abs(distance)
  near = 2 / 3 - t**2 + t**3 / 2
  far = np.clip(2 - t, 0, None) ** 3 / 6
  return np.where(t < 1, near, far)
