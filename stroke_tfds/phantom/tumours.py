"""Gliomas: a core that grows from the white matter, and oedema that follows the fibres around it.

Choices, made to look like the cases of BraTS: a core of 20 ml by median (standard deviation of its
logarithm .7), to which mass effect adds a quarter; an oedema of 40 ml (.7), less around tumours that do
not enhance; 60 % have a necrotic core in an enhancing rim, 15 % enhance without necrosis, 25 % do not
enhance. As in BraTS, tumour that does not enhance counts as necrotic core. Oedema takes the white
matter that is nearest by a way through white matter, crosses neither fluid nor the midline, and enters
grey matter late.
"""

import dataclasses

import numpy as np
from scipy import ndimage

from stroke_tfds.phantom import growth
from stroke_tfds.phantom.damage import sample_lesion
from stroke_tfds.phantom.fields import Lattice
from stroke_tfds.phantom.territories import NAMES, TerritoryMap, territory_map

RING, SOLID, NON_ENHANCING = KINDS = ('ring', 'solid', 'non-enhancing')
_KIND_SHARES = (0.60, 0.15, 0.25)
_CORE_ML, _OEDEMA_ML, _SPREAD = 20.0, 40.0, 0.7
_CORE_RANGE_ML, _OEDEMA_RANGE_ML = (3.0, 90.0), (2.0, 140.0)
_OEDEMA_OF_NON_ENHANCING = 0.4
_RIM_MM, _RIM_OF_RADIUS = 3.0, (0.08, 0.22)
_REACH_MM = 45.0  # How far oedema can be from the core.
_GREY_MM = 14.0  # What oedema's way into grey matter costs.
_PUSH_OF_RADIUS = (0.02, 0.14)
_ORIGINS = ('MCA frontal', 'MCA parietal', 'MCA temporal', 'MCA occipital', 'ACA', 'PCA cortical')


@dataclasses.dataclass(frozen=True)
class Tumour:
  """A glioma in template space, as three nested bodies.

  Attributes:
    whole: All of it.
    core: What is not oedema.
    necrosis: What of the core does not enhance.
    kind: One of `KINDS`.
    centre_mm: MNI coordinate.
    push_mm: How far the core's surface was pushed outwards.
    radius_mm: Of a ball of the core's volume.
  """

  whole: growth.Lesion
  core: growth.Lesion
  necrosis: growth.Lesion
  kind: str
  centre_mm: np.ndarray
  push_mm: float
  radius_mm: float

  def shares(self, at: np.ndarray) -> np.ndarray:
    """Share of necrotic core, oedema and enhancing tumour at template coordinates.

    Args:
      at: MNI mm, (3, X, Y, Z).

    Returns:
      float32 (3, X, Y, Z), which sum to 1 at most.
    """
    core = sample_lesion(self.core, at)
    necrosis = np.minimum(sample_lesion(self.necrosis, at), core)
    return np.stack([necrosis, np.maximum(sample_lesion(self.whole, at) - core, 0), core - necrosis])

  def push(self, lattice: Lattice) -> np.ndarray:
    """Velocity in mm of the mass effect, (3, x, y, z): tissue came from nearer to the centre."""
    x, y, z = np.meshgrid(*lattice.coordinates_mm(), indexing='ij', sparse=True)
    offset = [c - a for c, a in zip((x, y, z), self.centre_mm)]
    distance = np.sqrt(sum(o**2 for o in offset)) / (1.2 * self.radius_mm)
    height = -self.push_mm * np.exp((1 - distance**2) / 2) / (1.2 * self.radius_mm)
    return np.stack([height * o for o in offset]).astype(np.float32)

  @property
  def facts(self) -> dict[str, str | float]:
    """For the provenance."""
    return {'tumour': self.kind, 'origin': self.core.origin, 'push_mm': round(self.push_mm, 2)}


def grow_tumour(rng: np.random.Generator) -> Tumour:
  """One glioma on one side of the cerebrum."""
  tissue = territory_map()
  kind = str(rng.choice(KINDS, p=_KIND_SHARES))
  core_ml = _draw_ml(rng, _CORE_ML, _CORE_RANGE_ML)
  oedema_ml = _draw_ml(rng, _OEDEMA_ML, _OEDEMA_RANGE_ML)
  oedema_ml *= _OEDEMA_OF_NON_ENHANCING if kind == NON_ENHANCING else 1
  radius_mm = (core_ml * 1000 * 3 / (4 * np.pi)) ** (1 / 3)
  seed = _draw_seed(rng, tissue)
  window = growth.window(seed, tissue, 2 * radius_mm + _REACH_MM)
  centre = np.array([axis[i] for axis, i in zip(tissue.coordinates_mm(), seed)])
  allowed = tissue.territory[window] > 0
  allowed[tissue.coordinates_mm()[0][window[0]] * centre[0] < 0] = False
  core = _core(rng, tissue, window, centre, allowed, core_ml)
  necrosis = _necrosis(rng, core, kind, radius_mm, tissue.spacing_mm)
  whole = _with_oedema(rng, core, allowed, tissue.is_grey[window], oedema_ml, tissue.spacing_mm)
  origin = NAMES[tissue.territory[seed]]
  place = lambda body: _placed(body, window, tissue, origin)
  bodies = place(whole), place(core), place(necrosis)
  return Tumour(*bodies, kind, centre, radius_mm * rng.uniform(*_PUSH_OF_RADIUS), radius_mm)


def _draw_ml(rng: np.random.Generator, median: float, limits: tuple[float, float]) -> float:
  return float(np.clip(median * np.exp(rng.normal(0, _SPREAD)), *limits))


def _draw_seed(rng: np.random.Generator, tissue: TerritoryMap) -> tuple[int, int, int]:
  """A voxel of the white matter under the convexity, on either side."""
  is_origin = np.isin(tissue.territory, [NAMES.index(name) for name in _ORIGINS])
  candidates = np.flatnonzero(is_origin & ~tissue.is_grey)
  return np.unravel_index(candidates[rng.integers(len(candidates))], tissue.territory.shape)


def _core(
  rng: np.random.Generator,
  tissue: TerritoryMap,
  window: tuple[slice, slice, slice],
  centre: np.ndarray,
  allowed: np.ndarray,
  core_ml: float,
) -> np.ndarray:
  """Share of each voxel of the window inside the core: a lobed ellipsoid."""
  radius_mm = (core_ml * 1000 * 3 / (4 * np.pi)) ** (1 / 3)
  points = [axis[part] for axis, part in zip(tissue.coordinates_mm(), window)]
  distance = growth.distance_mm(rng, points, centre, radius_mm, wedge=False) / radius_mm
  distance += 0.2 * growth.roughness(rng, list(allowed.shape), radius_mm / tissue.spacing_mm)
  return growth.front(distance, allowed, core_ml, radius_mm, tissue.spacing_mm)


def _necrosis(
  rng: np.random.Generator, core: np.ndarray, kind: str, radius_mm: float, spacing_mm: float
) -> np.ndarray:
  """What of the core does not enhance: all, nothing, or what lies deeper than an uneven rim."""
  if kind != RING:
    return core * (kind == NON_ENHANCING)
  filled = ndimage.binary_closing(core >= 0.5, iterations=2)
  depth_mm = ndimage.distance_transform_edt(filled, sampling=spacing_mm)
  mean_mm = _RIM_MM + rng.uniform(*_RIM_OF_RADIUS) * radius_mm
  uneven = growth.roughness(rng, list(core.shape), 0.5 * radius_mm / spacing_mm)
  rim_mm = mean_mm * np.clip(1 + 0.3 * uneven, 0.5, 2)
  return core * np.clip((depth_mm - rim_mm) / spacing_mm + 0.5, 0, 1).astype(np.float32)


def _with_oedema(
  rng: np.random.Generator,
  core: np.ndarray,
  allowed: np.ndarray,
  is_grey: np.ndarray,
  oedema_ml: float,
  spacing_mm: float,
) -> np.ndarray:
  """Share of each voxel inside core or oedema."""
  way_mm = _way_mm(core >= 0.5, allowed, is_grey, spacing_mm)
  reached = np.isfinite(way_mm)
  way_mm = way_mm + 4 * growth.roughness(rng, list(core.shape), 6 / spacing_mm)
  core_ml = np.count_nonzero(core >= 0.5) * spacing_mm**3 / 1000
  return np.maximum(core, growth.front(way_mm, reached, core_ml + oedema_ml, 1.0, spacing_mm))


def _way_mm(
  core: np.ndarray, allowed: np.ndarray, is_grey: np.ndarray, spacing_mm: float
) -> np.ndarray:
  """How far each voxel is from the core by a way through white matter; infinite without one."""
  steps = (ndimage.generate_binary_structure(3, 1), ndimage.generate_binary_structure(3, 2))
  way_mm = np.where(core, 0, np.inf).astype(np.float32)
  white, reached = allowed & ~is_grey, core
  for n in range(1, int(_REACH_MM / spacing_mm)):
    # Steps to faces and to edges in turn: what they reach is near to a ball.
    grown = ndimage.binary_dilation(reached, steps[n % 2]) & (white | core)
    way_mm[grown & ~reached] = n * spacing_mm
    reached = reached | grown
  nearest = ndimage.minimum_filter(way_mm, 3) + np.float32(_GREY_MM)
  return np.where(allowed & is_grey & ~core, nearest, way_mm)


def _placed(
  body: np.ndarray, window: tuple[slice, slice, slice], tissue: TerritoryMap, origin: str
) -> growth.Lesion:
  affine = np.diag([tissue.spacing_mm] * 3 + [1.0])
  affine[:3, 3] = tissue.origin_mm + tissue.spacing_mm * np.array([s.start for s in window])
  return growth.Lesion(body.astype(np.float32), affine, origin)
