"""One simulated subject, from a seed."""

import dataclasses
from typing import Any

import numpy as np
from scipy import ndimage

from stroke_tfds.imaging.grid import Grid
from stroke_tfds.imaging.preprocessing import normalise_dwi
from stroke_tfds.imaging.resample import block_mean, block_vote, subdivide
from stroke_tfds.label_schemes import ASEG28
from stroke_tfds.phantom import artefacts, deformation, signal
from stroke_tfds.phantom.anatomy import Anatomy
from stroke_tfds.phantom.fields import Lattice
from stroke_tfds.phantom.lesions import Lesion

_LATTICE_MM = 6.0
_FINE_MM = 2.0  # Largest sub-voxel: thick slices hold several tissues.
_BLUR_MM = 1.2
_FADING_MM = 1.2
_VENTRICLE_RANGE_MM = (-2, 8)
_PARENCHYMA = np.isin(np.arange(len(ASEG28.names) + 1), ASEG28.parenchyma_ids).astype(np.float32)


@dataclasses.dataclass(frozen=True)
class Cohort:
  """What differs between healthy volunteers and stroke patients, who are older.

  Attributes:
    ventricles_mm: Mean and standard deviation of how far the ventricles' walls are pushed outwards.
    atrophy: Range of sulcal widening.
    old_damage: Range of the load of chronic damage; below 0 means none.
  """

  ventricles_mm: tuple[float, float]
  atrophy: tuple[float, float]
  old_damage: tuple[float, float]


HEALTHY = Cohort((0.5, 1.2), (0.6, 0.8), (-1.0, 0.7))
PATIENTS = Cohort((3.5, 2.0), (0.7, 0.9), (-0.3, 1.8))


@dataclasses.dataclass(frozen=True)
class Subject:
  """Image in [0, 1], labels and lesion of one subject, shape (X, Y, Z), and how it was drawn."""

  image: np.ndarray
  labels: np.ndarray
  lesion: np.ndarray
  drawn: dict[str, Any]


def simulate(
  rng: np.random.Generator, anatomy: Anatomy, grid: Grid, cohort: Cohort, lesion: Lesion | None
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
  infarct = sample_lesion(lesion, at) * _PARENCHYMA[tissue] if lesion else None
  image = record(rng, lattice, factors, tissue, infarct, rng.uniform(*cohort.old_damage))
  labels = block_vote(np.where(tissue == signal.SCALP_ID, 0, tissue), factors, len(ASEG28.names))
  mask = np.zeros(grid.shape, np.uint8)
  if infarct is not None:
    mask = ((block_mean(infarct, factors) >= 0.5) & (_PARENCHYMA[labels] > 0)).astype(np.uint8)
  return Subject(normalise_dwi(image), labels, mask, {'ventricles_mm': round(ventricles_mm, 3)})


def record(
  rng: np.random.Generator,
  lattice: Lattice,
  factors: tuple[int, int, int],
  tissue: np.ndarray,
  infarct: np.ndarray | None,
  damage_load: float,
) -> np.ndarray:
  """What the scanner records: signal equation, partial volume, artefacts, bias, blur, noise."""
  tissues, protocol = signal.draw_tissues(rng), signal.draw_protocol(rng)
  healthy = signal.dwi_signal(tissues, protocol)
  image = healthy[tissue] * signal.cortical_pattern(lattice, tissue)
  damaged = signal.dwi_signal(tissues.shining_through(1.5, 1.15), protocol)
  change = (damaged - healthy) * _PARENCHYMA
  image += change[tissue] * artefacts.old_damage(rng, lattice, damage_load)
  image *= signal.texture(rng, lattice)
  if infarct is not None:
    acute = tissues.infarcted(rng.uniform(1.2, 1.5), rng.uniform(0.36, 0.58))
    gain = (signal.dwi_signal(acute, protocol) - healthy)[tissue]
    image += gain * _softened(infarct, lattice.grid.spacing_mm) * artefacts.severity(rng, lattice)
  image *= signal.coil_bias(rng, lattice) * artefacts.susceptibility(rng, lattice)
  image = block_mean(image, factors)
  spacing_mm = tuple(np.multiply(lattice.grid.spacing_mm, factors).tolist())
  image = signal.blur_in_plane(image, spacing_mm, _BLUR_MM)
  return signal.add_rician_noise(rng, image, protocol.noise * healthy[1], spacing_mm)


def _softened(fraction: np.ndarray, spacing_mm: tuple[float, ...]) -> np.ndarray:
  """A lesion whose damage fades at its border, where experts draw a line; arrays (X, Y, Z)."""
  found = ndimage.find_objects((fraction > 0).astype(np.uint8))
  softened = np.zeros_like(fraction)
  if found:
    box = tuple(slice(max(s.start - 2, 0), s.stop + 2) for s in found[0])
    sigma = np.divide(_FADING_MM, spacing_mm)
    softened[box] = ndimage.gaussian_filter(fraction[box], sigma, truncate=2)
  return softened


def sample_lesion(lesion: Lesion, at: np.ndarray) -> np.ndarray:
  """The lesion's fraction at template coordinates `at` (3, X, Y, Z), float32, 0 outside its box."""
  to_index = np.linalg.inv(lesion.affine).astype(np.float32)
  index = [sum(to_index[axis, k] * at[k] for k in range(3)) + to_index[axis, 3] for axis in range(3)]
  near = np.ones(at.shape[1:], bool)
  for component, n in zip(index, lesion.fraction.shape):
    near &= (component > -1) & (component < n)
  fraction = np.zeros(at.shape[1:], np.float32)
  points = [component[near] for component in index]
  fraction[near] = ndimage.map_coordinates(
    lesion.fraction, points, order=1, mode='grid-constant', output=np.float32
  )
  return fraction
