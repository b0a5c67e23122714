"""One subject of a stroke cohort, from a seed."""

import copy
import dataclasses
from typing import Any

import numpy as np

from stroke_tfds.imaging.grid import Grid
from stroke_tfds.imaging.preprocessing import PERCENTILE, head_mask, scale, scale_adc
from stroke_tfds.imaging.resample import block_mean
from stroke_tfds.phantom import artefacts, signal
from stroke_tfds.phantom.anatomy import Anatomy
from stroke_tfds.phantom.body import HEALTHY, PARENCHYMA, Cohort, draw_body
from stroke_tfds.phantom.damage import Damage, draw_damage
from stroke_tfds.phantom.fields import Lattice
from stroke_tfds.phantom.growth import Lesion

__all__ = ['CONTRASTS', 'HEALTHY', 'PATIENTS', 'Cohort', 'Subject', 'record', 'simulate']

CONTRASTS = (DWI, ADC) = ('DWI', 'ADC')
_BLUR_MM = 1.2
# In SOOP, experts outlined a chronic infarct in 203 of 1,455 patients.
PATIENTS = Cohort((3.5, 2.0), (0.7, 0.9), (-0.3, 1.8), 0.14)


@dataclasses.dataclass(frozen=True)
class Subject:
  """Image (X, Y, Z, C) in [0, 1], labels and lesion (X, Y, Z) of a subject, and how it was drawn."""

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
  with_adc: bool = False,
) -> Subject:
  """Warps an anatomy and a lesion alike, and records a diffusion-weighted image of them.

  Args:
    rng: Source of randomness.
    anatomy: What is warped.
    grid: Where the voxels are.
    cohort: Of the subject.
    lesion: The infarct, in template space, or None.
    scaling: Of the diffusion-weighted image, see `imaging.preprocessing`.
    with_adc: Whether the map of the apparent diffusion coefficient is the second channel.
  """
  body = draw_body(rng, anatomy, grid, cohort)
  damage = draw_damage(rng, body.at, body.tissue, lesion, cohort.scar_chance)
  scanned = (body.lattice, body.factors, damage, rng.uniform(*cohort.old_damage))
  before = copy.deepcopy(rng)
  dwi = record(rng, *scanned)
  head = head_mask(dwi)
  channels = [scale(dwi, head, grid, scaling)]
  if with_adc:
    adc = _measure_adc(before, copy.deepcopy(rng), dwi, *scanned)
    channels.append(scale_adc(adc, head))
  labels = body.labels()
  drawn = {'ventricles_mm': round(body.ventricles_mm, 3), **damage.facts(body.lattice.grid)}
  return Subject(np.stack(channels, -1), labels, damage.mask(body.factors, labels), drawn)


def record(
  rng: np.random.Generator,
  lattice: Lattice,
  factors: tuple[int, int, int],
  damage: Damage,
  damage_load: float,
) -> np.ndarray:
  """The diffusion-weighted image that the scanner records, (X, Y, Z)."""
  exposed = _expose(rng, True, lattice, factors, damage, damage_load)
  return signal.add_rician_noise(rng, exposed.image, exposed.sigma, exposed.spacing_mm)


def _measure_adc(
  before: np.random.Generator, rng: np.random.Generator, dwi: np.ndarray, *scanned: Any
) -> np.ndarray:
  """ADC in 1e-3 mm2/s, from the recorded image and one without diffusion weighting, noisy both.

  Args:
    before: Randomness as it was before `dwi` was recorded: the same tissue, coil and artefacts.
    rng: Source of the noise.
    dwi: What `record` gave, (X, Y, Z).
    *scanned: What it was given.
  """
  exposed = _expose(before, False, *scanned)
  unweighted = signal.add_rician_noise(rng, exposed.image, exposed.sigma, exposed.spacing_mm)
  ratio = np.maximum(unweighted, 1e-6) / np.maximum(dwi, 1e-6)
  return np.maximum(np.log(ratio), 0) * np.float32(1e3 / exposed.b_value)


@dataclasses.dataclass(frozen=True)
class _Exposure:
  """An image before noise, the noise's standard deviation, voxel size and the b-value of the scan."""

  image: np.ndarray
  sigma: float
  spacing_mm: tuple[float, ...]
  b_value: float


def _expose(
  rng: np.random.Generator,
  is_weighted: bool,
  lattice: Lattice,
  factors: tuple[int, int, int],
  damage: Damage,
  damage_load: float,
) -> _Exposure:
  """Signal equation with diffusion weighting or without, partial volume, artefacts, bias, blur."""
  tissues, drawn, tissue = signal.draw_tissues(rng), signal.draw_protocol(rng), damage.tissue
  protocol = drawn if is_weighted else dataclasses.replace(drawn, b_value=0)
  healthy = signal.dwi_signal(tissues, protocol)
  image = healthy[tissue] * signal.cortical_pattern(lattice, tissue)
  damaged = signal.dwi_signal(tissues.shining_through(1.5, 1.15), protocol)
  change = (damaged - healthy) * PARENCHYMA
  image += change[tissue] * artefacts.old_damage(rng, lattice, damage_load)
  image *= signal.texture(rng, lattice)
  image *= damage.gain(rng, lattice, tissues, protocol)
  image *= signal.coil_bias(rng, lattice) * artefacts.susceptibility(rng, lattice)
  image = block_mean(image, factors)
  spacing_mm = tuple(np.multiply(lattice.grid.spacing_mm, factors).tolist())
  image = signal.blur_in_plane(image, spacing_mm, _BLUR_MM)
  sigma = drawn.noise * signal.dwi_signal(tissues, drawn)[1]
  return _Exposure(image, sigma, spacing_mm, drawn.b_value)
