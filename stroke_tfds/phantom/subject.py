"""One simulated subject, from a seed."""

import dataclasses
from typing import Any

import numpy as np

from stroke_tfds.imaging.grid import Grid
from stroke_tfds.imaging.preprocessing import PERCENTILE, head_mask, scale
from stroke_tfds.imaging.resample import block_mean, block_vote, subdivide
from stroke_tfds.label_schemes import ASEG28
from stroke_tfds.phantom import artefacts, deformation, signal
from stroke_tfds.phantom.anatomy import Anatomy
from stroke_tfds.phantom.damage import Damage, draw_damage
from stroke_tfds.phantom.fields import Lattice
from stroke_tfds.phantom.lesions import Lesion

_LATTICE_MM = 6.0
_FINE_MM = 2.0  # Largest sub-voxel: thick slices hold several tissues.
_BLUR_MM = 1.2
_VENTRICLE_RANGE_MM = (-2, 8)
_PARENCHYMA = np.isin(np.arange(len(ASEG28.names) + 1), ASEG28.parenchyma_ids).astype(np.float32)


@dataclasses.dataclass(frozen=True)
class Cohort:
  """What differs between healthy volunteers and stroke patients, who are older.

  Attributes:
    ventricles_mm: Mean and standard deviation of how far the ventricles' walls are pushed outwards.
    atrophy: Range of sulcal widening.
    old_damage: Range of the load of small vessel disease; below 0 means none.
    scar_chance: How many have had a stroke before, which is no lesion now. In SOOP, experts outlined a
      chronic infarct in 203 of 1,455 patients.
  """

  ventricles_mm: tuple[float, float]
  atrophy: tuple[float, float]
  old_damage: tuple[float, float]
  scar_chance: float


HEALTHY = Cohort((0.5, 1.2), (0.6, 0.8), (-1.0, 0.7), 0.0)
PATIENTS = Cohort((3.5, 2.0), (0.7, 0.9), (-0.3, 1.8), 0.14)


@dataclasses.dataclass(frozen=True)
class Subject:
  """Image in [0, 1], labels and lesion of one subject, shape (X, Y, Z), and how it was drawn."""

  image: np.ndarray
  labels: np.ndarray
  lesion: np.ndarray
  drawn: dict[str, Any]


def simulate(
  rng: np.random.Generator,
  anatomy: Anatomy,
  grid: Grid,
  cohort: Cohort,
  lesion: Lesion | None,
  scaling: str = PERCENTILE,
) -> Subject:
  """Warps an anatomy and a lesion alike, and records a diffusion-weighted image of them."""
  fine, factors = subdivide(grid, _FINE_MM)
  lattice = Lattice(fine, _LATTICE_MM)
  ventricles_mm = float(np.clip(rng.normal(*cohort.ventricles_mm), *_VENTRICLE_RANGE_MM))
  # An anatomy whose ventricles are wide already needs less of a push.
  ventricles_mm = max(ventricles_mm - anatomy.ventricle_excess_mm, min(ventricles_mm, 0.0))
  velocity = deformation.random_velocity(rng, lattice)
  velocity += np.float32(ventricles_mm) * anatomy.ventricle_growth(lattice)
  at = deformation.template_coordinates(lattice, velocity, *deformation.random_affine(rng))
  tissue = anatomy.sample(at, rng.uniform(*cohort.atrophy))
  damage = draw_damage(rng, at, tissue, lesion, cohort.scar_chance)
  image = record(rng, lattice, factors, damage, rng.uniform(*cohort.old_damage))
  labels = block_vote(np.where(tissue == signal.SCALP_ID, 0, tissue), factors, len(ASEG28.names))
  drawn = {'ventricles_mm': round(ventricles_mm, 3), **damage.facts(fine)}
  image = scale(image, head_mask(image), grid, scaling)
  return Subject(image, labels, damage.mask(factors, labels), drawn)


def record(
  rng: np.random.Generator,
  lattice: Lattice,
  factors: tuple[int, int, int],
  damage: Damage,
  damage_load: float,
) -> np.ndarray:
  """What the scanner records: signal equation, partial volume, artefacts, bias, blur, noise."""
  tissues, protocol, tissue = signal.draw_tissues(rng), signal.draw_protocol(rng), damage.tissue
  healthy = signal.dwi_signal(tissues, protocol)
  image = healthy[tissue] * signal.cortical_pattern(lattice, tissue)
  damaged = signal.dwi_signal(tissues.shining_through(1.5, 1.15), protocol)
  change = (damaged - healthy) * _PARENCHYMA
  image += change[tissue] * artefacts.old_damage(rng, lattice, damage_load)
  image *= signal.texture(rng, lattice)
  image *= damage.gain(rng, lattice, tissues, protocol)
  image *= signal.coil_bias(rng, lattice) * artefacts.susceptibility(rng, lattice)
  image = block_mean(image, factors)
  spacing_mm = tuple(np.multiply(lattice.grid.spacing_mm, factors).tolist())
  image = signal.blur_in_plane(image, spacing_mm, _BLUR_MM)
  return signal.add_rician_noise(rng, image, protocol.noise * healthy[1], spacing_mm)
