"""What imitates lesions: susceptibility near air, and T2 shine-through."""

import numpy as np

from stroke_tfds.phantom.fields import Lattice

# Where air meets brain: centre in MNI mm and extent in mm of each region, and how much signal
# piles up there on average.
_AIR = (
  ((0.0, 50.0, -22.0), (17.0, 20.0, 9.0), 0.3),  # Frontal and ethmoid sinus.
  ((-53.0, -16.0, -30.0), (9.0, 16.0, 9.0), 0.8),  # Temporal bones.
  ((53.0, -16.0, -30.0), (9.0, 16.0, 9.0), 0.8),
)


def susceptibility(rng: np.random.Generator, lattice: Lattice) -> np.ndarray:
  """Signal piled up in some places and lost in others where the field is distorted; a factor."""
  x, y, z = np.meshgrid(*lattice.coordinates_mm(), indexing='ij', sparse=True)
  exponent = np.zeros(lattice.shape, np.float32)
  pattern = rng.standard_normal(lattice.shape, np.float32)
  severity = rng.gamma(2.0, 0.3)
  for centre, extent, pile_up in _AIR:
    at = np.asarray(centre) + rng.normal(0, 3, 3)
    reach = sum(((c - a) / e) ** 2 for c, a, e in zip((x, y, z), at, extent))
    exponent += severity * rng.uniform(0.6, 1.4) * np.exp(-reach / 2) * (pile_up + pattern)
  return np.exp(lattice.to_grid(np.clip(exponent, -2.0, 1.1)))


def old_damage(rng: np.random.Generator, lattice: Lattice, load: float) -> np.ndarray:
  """Share of each voxel's tissue that is chronically damaged, in [0, 1].

  Args:
    rng: Source of randomness.
    lattice: Where.
    load: 0 for none; 1 for the caps and patches of an old brain.
  """
  if load <= 0:
    return np.zeros(lattice.grid.shape, np.float32)
  x, y, z = np.meshgrid(*lattice.coordinates_mm(), indexing='ij', sparse=True)
  # Around the ventricles and above them, where small vessel disease sits.
  around = sum(((c - a) / e) ** 2 for c, a, e in zip((np.abs(x), y, z), (22, -12, 22), (14, 48, 14)))
  field = lattice.noise(rng, 5.0) - 2.6 + load * np.exp(-around.astype(np.float32) / 2)
  return np.clip(2.5 * lattice.to_grid(field), 0, 1)
