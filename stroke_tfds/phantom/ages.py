"""How infarcts look from their first hours to the scar.

ADC is low in the first week, passes for normal in the second and is raised afterwards, while T2 stays
high (Lansberg et al. 2001, AJNR 22:637). The ranges are choices within that course, relative to healthy
tissue:

| age | ADC | T2 | at b = 1000 s/mm2 |
|---|---|---|---|
| hyperacute, up to 6 hours | .55 to .9 | 1 to 1.2 | bright by ADC alone |
| acute, up to 4.5 days | .45 to .85 (.36 to .58e-3 mm2/s) | 1.1 to 1.6 | brightest |
| subacute, up to 7 to 12 days | rising to 1 | 1.35 to 1.65 | bright |
| pseudonormal, then | 1 to 1.3 | 1.4 to 1.65 | bright by T2 alone: shine-through |
| chronic, months | rim 1.15 to 1.6; fluid | rim 1.4 to 1.9; fluid | dark, a brighter rim |

On such an image an expert outlines all but the chronic ones. A chronic infarct is a `Scar`, no lesion.
"""

import dataclasses

import numpy as np

from stroke_tfds.phantom.fields import Lattice
from stroke_tfds.phantom.lesions import draw_volume_ml
from stroke_tfds.phantom.signal import Protocol, Tissues, dwi_signal

# Ages at percentiles of a cohort scanned for an acute stroke; between them the logarithm is linear.
_AGE_PERCENTILES = (0, 10, 80, 94, 100)
_AGE_DAYS = (0.08, 0.25, 3, 7, 18)
_NADIR_DAYS = 4.5  # Until then ADC stays low.
_MIN_ADC = 0.25
_MAX_SEVERITY = 2.2
# Dark spots: petechial haemorrhage, not in the first hours.
_BLEEDING_SHARE, _BLEEDS_FROM_DAYS, _SPOT_LATTICE_MM = 0.25, 0.5, 4.0
_SPOT_T2 = 0.45
_SCAR_VOLUME, _LARGEST_SCAR_ML = 0.5, 60.0


@dataclasses.dataclass(frozen=True)
class Infarct:
  """What an infarct that is outlined as a lesion has done to its tissue.

  Attributes:
    age_days: Since the artery was closed.
    adc: Lowest ADC of its course in 1e-3 mm2/s.
    normal_days: When its ADC passes that of healthy tissue.
    t2_factor: Highest T2 of its course, relative to healthy tissue.
    bleeds: Whether it has haemorrhagic spots.
  """

  age_days: float
  adc: float
  normal_days: float
  t2_factor: float
  bleeds: bool

  @property
  def adc_course(self) -> float:
    """Where its ADC is between healthy (0) and the lowest (1), in logarithms; below 0 it is raised."""
    days = (0, 0.1, 1, _NADIR_DAYS, self.normal_days, 30)
    return float(np.interp(self.age_days, days, (0.5, 0.7, 1, 1, 0, -0.6)))

  @property
  def t2_course(self) -> float:
    """Where its T2 is between healthy (0) and the highest (1), in logarithms."""
    return float(np.interp(self.age_days, (0, 0.1, 0.25, 1, 3, 8), (0, 0.1, 0.35, 0.7, 0.9, 1)))

  def tissues(self, healthy: Tissues, severity: np.ndarray, spots: np.ndarray) -> Tissues:
    """Infarcted tissue, place by place.

    Args:
      healthy: Constants of each place before, shape (N,) each.
      severity: How far it has gone in each place, about 1; shape (N,).
      spots: Share of each place that has bled, in [0, 1]; shape (N,).
    """
    severity = np.minimum(severity, _MAX_SEVERITY)
    fall = np.minimum(self.adc / healthy.adc, 1) ** (self.adc_course * severity)
    rise = self.t2_factor ** (self.t2_course * severity)
    adc = np.maximum(healthy.adc * fall, np.minimum(healthy.adc, _MIN_ADC))
    return Tissues(healthy.density, healthy.t2_ms * rise * _SPOT_T2**spots, adc)


@dataclasses.dataclass(frozen=True)
class Scar:
  """A chronic infarct: a cavity of fluid within a rim of gliosis.

  Attributes:
    rim_mm: How thick the rim is; what is thinner than two rims has no cavity.
    t2_factor: T2 of the rim, relative to healthy tissue.
    adc_factor: ADC of the rim, relative to healthy tissue.
    fluid: Proton density, T2 in ms and ADC in 1e-3 mm2/s of the cavity.
  """

  rim_mm: float
  t2_factor: float
  adc_factor: float
  fluid: tuple[float, float, float]

  def signal(self, healthy: Tissues, protocol: Protocol, depth_mm: np.ndarray) -> np.ndarray:
    """Signal of each place, shape (N,).

    Args:
      healthy: Constants of each place before, shape (N,) each.
      protocol: Of the scan.
      depth_mm: How far each place is from the scar's border, shape (N,).
    """
    rim = Tissues(healthy.density, healthy.t2_ms * self.t2_factor, healthy.adc * self.adc_factor)
    fluid = Tissues(*np.array(self.fluid, np.float32))
    cavity = np.clip((depth_mm - self.rim_mm) / 2 + 0.5, 0, 1)
    return (1 - cavity) * dwi_signal(rim, protocol) + cavity * dwi_signal(fluid, protocol)


def draw_infarct(rng: np.random.Generator) -> Infarct:
  """An infarct of a cohort of acute strokes: 80 % are younger than 3 days, 6 % are older than 7."""
  age_days = float(np.exp(np.interp(rng.uniform(0, 100), _AGE_PERCENTILES, np.log(_AGE_DAYS))))
  return Infarct(
    age_days=age_days,
    adc=rng.uniform(0.36, 0.58),
    normal_days=rng.uniform(7, 12),
    t2_factor=rng.uniform(1.4, 1.65),
    bleeds=bool(rng.random() < _BLEEDING_SHARE) and age_days > _BLEEDS_FROM_DAYS,
  )


def draw_scar(rng: np.random.Generator) -> Scar:
  """A scar of some months or years."""
  return Scar(
    rim_mm=rng.uniform(1, 6),
    t2_factor=rng.uniform(1.4, 1.9),
    adc_factor=rng.uniform(1.15, 1.6),
    fluid=(rng.uniform(0.85, 0.97), rng.uniform(300, 1200), rng.uniform(2.0, 2.8)),
  )


def draw_scar_ml(rng: np.random.Generator) -> float:
  """Volume of a chronic infarct: its tissue has shrunk, and large ones are not survived as often."""
  return min(_SCAR_VOLUME * draw_volume_ml(rng), _LARGEST_SCAR_ML)


def bleeding_spots(rng: np.random.Generator, lattice: Lattice) -> np.ndarray:
  """Share of each voxel that has bled, in [0, 1], where an infarct bleeds; the shape of the grid."""
  fine = Lattice(lattice.grid, _SPOT_LATTICE_MM)
  return np.clip(6 * (fine.to_grid(fine.noise(rng, 0.0)) - 0.4), 0, 1)
