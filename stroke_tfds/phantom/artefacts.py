"""What imitates lesions: susceptibility near air, and T2 shine-through."""

import numpy as np

from stroke_tfds.phantom.fields import Lattice

# Where air meets brain: centre in MNI mm and extent in mm of each region, and how much signal
# piles up there on average.
_AIR = (
  ((0.0, 50.0, -24.0), (15.0, 14.0, 8.0), 0.2),  # Frontal and ethmoid sinus.
  ((-60.0, -20.0, -30.0), (6.0, 15.0, 9.0), 0.6),  # Temporal bones.
  ((60.0, -20.0, -30.0), (6.0, 15.0, 9.0), 0.6),
)
_SQUEEZE = 0.9  # Pile-up on one side of the air and loss on the other, per unit of severity.
_BLOTCHES_MM, _BLOTCHES = 3.0, 0.8


def susceptibility(rng: np.random.Generator, lattice: Lattice) -> np.ndarray:
  """Signal piled up in some places and lost in others where the field is distorted; a factor.

  An echo-planar readout shifts signal along y by the field's error, so that it gathers before
  air and thins behind it, or the other way round with the other polarity.
  """
  x, y, z = np.meshgrid(*lattice.coordinates_mm(), indexing='ij', sparse=True)
  exponent = np.zeros(lattice.shape, np.float32)
  blotches = np.float32(_BLOTCHES) * lattice.noise(rng, _BLOTCHES_MM)
  severity = rng.gamma(2.0, 0.3)
  squeeze = _SQUEEZE * rng.choice((-1, 1))
  for centre, extent, pile_up in _AIR:
    at = np.asarray(centre) + rng.normal(0, 3, 3)
    offset = [(c - a) / e for c, a, e in zip((x, y, z), at, extent)]
    near = severity * rng.uniform(0.6, 1.4) * np.exp(-sum(o**2 for o in offset) / 2)
    exponent += near * (pile_up + squeeze * offset[1] + blotches)
  return np.exp(lattice.to_grid(np.clip(exponent, -2.0, 1.1)))


def severity(rng: np.random.Generator, lattice: Lattice) -> np.ndarray:
  """How far an infarct has gone in each place, a factor about 1 and never below 0."""
  uneven = 0.75 * rng.standard_normal(lattice.shape, np.float32) + 0.25 * lattice.noise(rng, 8.0)
  return np.exp(lattice.to_grid(np.clip(uneven, -2.0, 1.2)))


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
