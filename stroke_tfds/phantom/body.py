"""A subject's tissue before any scan: an anatomy, warped at random."""

import dataclasses
from collections.abc import Callable

import numpy as np

from stroke_tfds.imaging.grid import Grid
from stroke_tfds.imaging.resample import block_vote, subdivide
from stroke_tfds.label_schemes import ASEG28
from stroke_tfds.phantom import deformation, signal
from stroke_tfds.phantom.anatomy import Anatomy
from stroke_tfds.phantom.fields import Lattice

_LATTICE_MM = 6.0
_FINE_MM = 2.0  # Largest sub-voxel: thick slices hold several tissues.
_VENTRICLE_RANGE_MM = (-2, 8)
# Share of parenchyma in a voxel of each tissue.
PARENCHYMA = np.isin(np.arange(len(ASEG28.names) + 1), ASEG28.parenchyma_ids).astype(np.float32)


@dataclasses.dataclass(frozen=True)
class Cohort:
  """What differs between healthy volunteers and patients, who are older.

  Attributes:
    ventricles_mm: Mean and standard deviation of how far the ventricles' walls are pushed outwards.
    atrophy: Range of sulcal widening.
    old_damage: Range of the load of small vessel disease; below 0 means none.
    scar_chance: How many have had a stroke before, which is no lesion now.
  """

  ventricles_mm: tuple[float, float]
  atrophy: tuple[float, float]
  old_damage: tuple[float, float]
  scar_chance: float


HEALTHY = Cohort((0.5, 1.2), (0.6, 0.8), (-1.0, 0.7), 0.0)


@dataclasses.dataclass(frozen=True)
class Body:
  """Tissue of one subject.

  Attributes:
    lattice: Over the fine grid.
    factors: How many fine voxels make a voxel of the grid, along each axis.
    at: Template coordinates of each fine voxel, float32 (3, X, Y, Z).
    tissue: aseg28 ids and `signal.SCALP_ID` of each fine voxel, uint8 (X, Y, Z).
    ventricles_mm: How far the ventricles' walls were pushed outwards.
  """

  lattice: Lattice
  factors: tuple[int, int, int]
  at: np.ndarray
  tissue: np.ndarray
  ventricles_mm: float

  @property
  def spacing_mm(self) -> tuple[float, ...]:
    """Voxel size of the grid."""
    return tuple(np.multiply(self.lattice.grid.spacing_mm, self.factors).tolist())

  def labels(self) -> np.ndarray:
    """aseg28 ids on the grid, uint8."""
    brain = np.where(self.tissue == signal.SCALP_ID, 0, self.tissue)
    return block_vote(brain, self.factors, len(ASEG28.names))


def draw_body(
  rng: np.random.Generator,
  anatomy: Anatomy,
  grid: Grid,
  cohort: Cohort,
  push: Callable[[Lattice], np.ndarray] | None = None,
) -> Body:
  """Warps an anatomy.

  Args:
    rng: Source of randomness.
    anatomy: What is warped.
    grid: Where the voxels are.
    cohort: Of the subject.
    push: Gives a velocity in mm, (3, x, y, z) on the lattice, that is added to the random one.
  """
  fine, factors = subdivide(grid, _FINE_MM)
  lattice = Lattice(fine, _LATTICE_MM)
  ventricles_mm = float(np.clip(rng.normal(*cohort.ventricles_mm), *_VENTRICLE_RANGE_MM))
  # An anatomy whose ventricles are wide already needs less of a push.
  ventricles_mm = max(ventricles_mm - anatomy.ventricle_excess_mm, min(ventricles_mm, 0.0))
  velocity = deformation.random_velocity(rng, lattice)
  velocity += np.float32(ventricles_mm) * anatomy.ventricle_growth(lattice)
  if push:
    velocity += push(lattice)
  at = deformation.template_coordinates(lattice, velocity, *deformation.random_affine(rng))
  tissue = anatomy.sample(at, rng.uniform(*cohort.atrophy))
  return Body(lattice, factors, at, tissue, ventricles_mm)
