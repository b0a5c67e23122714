"""Where each voxel of a subject lies in the template: a random diffeomorphism.

A smooth random velocity field is integrated by scaling and squaring, so that the map is smooth,
invertible and never folds (Jacobian above 0), and followed by a small affine.
"""

import dataclasses

import numpy as np
from scipy import ndimage

from stroke_tfds.phantom.fields import Lattice

_SQUARINGS = 5


@dataclasses.dataclass(frozen=True)
class WarpSpread:
  """How much anatomies differ after affine registration.

  Attributes:
    rotation_deg: Standard deviation of the angle about each axis.
    scale: Standard deviation of the logarithm of the scale along each axis.
    shift_mm: Standard deviation of the translation along each axis.
    octaves: Correlation length and amplitude of each velocity component, both in mm.
  """

  rotation_deg: float = 1.5
  scale: float = 0.025
  shift_mm: float = 1.2
  octaves: tuple[tuple[float, float], ...] = ((30.0, 2.5), (10.0, 1.8))


def random_velocity(
  rng: np.random.Generator, lattice: Lattice, spread: WarpSpread = WarpSpread()
) -> np.ndarray:
  """A smooth random velocity in mm, shape (3, x, y, z) on the lattice."""
  velocity = np.zeros((3, *lattice.shape), np.float32)
  for correlation_mm, amplitude_mm in spread.octaves:
    for component in velocity:
      component += amplitude_mm * lattice.noise(rng, correlation_mm)
  # The falx holds the midline straight.
  x_mm = lattice.coordinates_mm()[0][:, None, None]
  velocity[0] *= (1 - 0.8 * np.exp(-((x_mm / 14) ** 2))).astype(np.float32)
  return velocity


def integrate(velocity: np.ndarray, spacing_mm: float) -> np.ndarray:
  """The displacement in mm after unit time: scaling and squaring of a stationary velocity field.

  Args:
    velocity: In mm, shape (3, x, y, z).
    spacing_mm: Distance of control points.
  """
  index = np.indices(velocity.shape[1:], np.float32)
  displacement = velocity / np.float32(2**_SQUARINGS * spacing_mm)  # In control points.
  for _ in range(_SQUARINGS):
    there = index + displacement
    displacement = displacement + np.stack(
      [ndimage.map_coordinates(c, there, order=1, mode='nearest') for c in displacement]
    )
  return displacement * np.float32(spacing_mm)


def random_affine(
  rng: np.random.Generator, spread: WarpSpread = WarpSpread()
) -> tuple[np.ndarray, np.ndarray]:
  """A matrix (3, 3) near the identity and a translation (3,) in mm."""
  matrix = np.eye(3)
  for axis, angle in enumerate(np.deg2rad(rng.normal(0, spread.rotation_deg, 3))):
    i, j = [k for k in range(3) if k != axis]
    turn = np.eye(3)
    turn[[i, j], [i, j]] = np.cos(angle)
    turn[i, j], turn[j, i] = -np.sin(angle), np.sin(angle)
    matrix = turn @ matrix
  matrix = matrix @ np.diag(np.exp(rng.normal(0, spread.scale, 3)))
  return matrix, rng.normal(0, spread.shift_mm, 3)


def template_coordinates(
  lattice: Lattice, velocity: np.ndarray, matrix: np.ndarray, shift_mm: np.ndarray
) -> np.ndarray:
  """Template coordinates of the voxels of the lattice's grid.

  Returns:
    MNI millimetres, float32 of shape (3, X, Y, Z): `matrix @ (x + displacement(x)) + shift_mm`.
  """
  displacement = integrate(velocity, lattice.spacing_mm)
  at = lattice.grid.coordinates_mm()
  moved = [
    lattice.to_grid(component) + _along(axis, coordinates)
    for axis, (component, coordinates) in enumerate(zip(displacement, at))
  ]
  matrix = matrix.astype(np.float32)
  return np.stack(
    [
      row[0] * moved[0] + row[1] * moved[1] + row[2] * moved[2] + np.float32(offset)
      for row, offset in zip(matrix, shift_mm)
    ]
  )


def _along(axis: int, values: np.ndarray) -> np.ndarray:
  shape = [1, 1, 1]
  shape[axis] = -1
  return values.astype(np.float32).reshape(shape)
