"""Infarcts that grow inside arterial territories.

Volumes, sides and number of components follow the Stroke Outcome Optimization Project (1,126 acute
lesions on trace DWI): median 12.7 ml, 5th to 95th percentile 0.3 to 197 ml, 41 % left, 41 % right,
17 % on both sides.
"""

import numpy as np
from scipy import ndimage

from stroke_tfds.phantom import growth
from stroke_tfds.phantom.growth import Lesion
from stroke_tfds.phantom.territories import NAMES, TerritoryMap, territory_map

# Percentiles of the volume in ml; between them its logarithm is linear.
_VOLUME_PERCENTILES = (0, 5, 25, 50, 75, 95, 100)
_VOLUMES_ML = (0.12, 0.35, 2.3, 12.9, 52, 195, 420)
_BILATERAL_SHARE = 0.2
# Foci of large and of small lesions: how often one is alone, else how many emboli lie beside it.
_SMALL_ML, _EMBOLUS_ML = 10, 0.4
_ALONE_SHARE, _MEAN_EMBOLI = (0.24, 0.45), (14.0, 4.5)

# How often a lesion starts in a territory, and the range of volumes in ml that it takes there.
_ORIGINS = {
  'ACA': (0.08, 0.2, 80),
  'MCA frontal': (0.26, 0.2, 420),
  'MCA parietal': (0.13, 0.2, 420),
  'MCA temporal': (0.05, 0.5, 420),
  'MCA occipital': (0.03, 0.5, 60),
  'lenticulostriate': (0.20, 0.3, 40),
  'PCA cortical': (0.09, 0.5, 100),
  'PCA deep': (0.07, 0.12, 5),
  'basilar': (0.07, 0.12, 4),
  'superior cerebellar': (0.03, 0.3, 40),
  'inferior cerebellar': (0.08, 0.3, 60),
}
_WEDGE_ORIGINS = ('ACA', 'MCA frontal', 'MCA parietal', 'MCA temporal', 'MCA occipital', 'PCA cortical')
# What growth into another territory costs, in radii: of the same artery, of another one.
_SIBLING_PENALTY, _FOREIGN_PENALTY = 0.5, 1.8
_ARTERIES = (
  ('MCA frontal', 'MCA parietal', 'MCA temporal', 'MCA occipital', 'lenticulostriate'),
  ('PCA cortical', 'PCA deep'),
  ('superior cerebellar', 'inferior cerebellar'),
)
_BORDER_MM = 5.0  # How blurred the border between two territories is.


def draw_volume_ml(rng: np.random.Generator) -> float:
  """A lesion volume in ml, distributed as in SOOP."""
  return float(10 ** np.interp(rng.uniform(0, 100), _VOLUME_PERCENTILES, np.log10(_VOLUMES_ML)))


def grow_lesion(rng: np.random.Generator, volume_ml: float | None = None) -> Lesion:
  """One lesion: a main focus, smaller ones around it, now and then another on the other side.

  Args:
    rng: Source of randomness.
    volume_ml: About how large; drawn as in SOOP when None.
  """
  tissue = territory_map()
  if volume_ml is None:
    volume_ml = draw_volume_ml(rng)
  origin = _draw_origin(rng, volume_ml)
  side = rng.choice((-1, 1))
  shares = [(side, 1.0)]
  if rng.random() < _BILATERAL_SHARE:
    other = rng.uniform(0.06, 0.5)
    shares = [(side, 1 - other), (-side, other)]
  fraction = np.zeros(tissue.territory.shape, np.float32)
  for k, (focus_side, share) in enumerate(shares):
    place = origin if k == 0 or rng.random() < 0.5 else _draw_origin(rng, volume_ml * share)
    for volume in _split_volume(rng, volume_ml * share):
      _grow_focus(rng, tissue, fraction, place, focus_side, volume)
  return growth.cropped(fraction, tissue, origin)


def _draw_origin(rng: np.random.Generator, volume_ml: float) -> str:
  """A territory, by frequency among those that hold lesions of this volume."""
  volume_ml = max(volume_ml, _VOLUMES_ML[0])
  weights = np.array(
    [share if low <= volume_ml <= high else 0 for share, low, high in _ORIGINS.values()]
  )
  return str(rng.choice(list(_ORIGINS), p=weights / weights.sum()))


def _split_volume(rng: np.random.Generator, volume_ml: float) -> list[float]:
  """Volume of the main focus and of emboli beside it, in ml."""
  is_small = volume_ml < _SMALL_ML
  most = int(volume_ml / _EMBOLUS_ML)
  if not most or rng.random() < _ALONE_SHARE[is_small]:
    return [volume_ml]
  n_emboli = min(rng.geometric(1 / _MEAN_EMBOLI[is_small]), most)
  relative = rng.lognormal(-3.0, 1.0, n_emboli)
  if rng.random() < 0.15:  # A shower of emboli without a main focus.
    relative = rng.lognormal(0, 0.6, n_emboli)
  parts = np.append(1.0, relative)
  return list(volume_ml * parts / parts.sum())


def _grow_focus(
  rng: np.random.Generator,
  tissue: TerritoryMap,
  fraction: np.ndarray,
  origin: str,
  side: int,
  volume_ml: float,
) -> None:
  """Adds one focus of about `volume_ml` to `fraction`, on one side (-1 left, 1 right)."""
  axes = tissue.coordinates_mm()
  seed = _draw_seed(rng, tissue, origin, side)
  radius_mm = (volume_ml * 1000 * 3 / (4 * np.pi)) ** (1 / 3)
  window = growth.window(seed, tissue, max(3.0 * radius_mm, 8.0))
  points = [axis[part] for axis, part in zip(axes, window)]
  centre = [axis[i] for axis, i in zip(axes, seed)]
  shape = [len(p) for p in points]
  distance = growth.distance_mm(rng, points, centre, radius_mm, origin in _WEDGE_ORIGINS)
  distance = distance / radius_mm + 0.42 * growth.roughness(rng, shape, radius_mm / tissue.spacing_mm)
  territory = tissue.territory[window]
  distance += _border_penalty(territory, origin, _BORDER_MM / tissue.spacing_mm)
  allowed = territory > 0
  allowed[points[0] * side < 0] = False
  fraction[window] = np.maximum(
    fraction[window], growth.front(distance, allowed, volume_ml, radius_mm, tissue.spacing_mm)
  )


def _draw_seed(
  rng: np.random.Generator, tissue: TerritoryMap, origin: str, side: int
) -> tuple[int, int, int]:
  """A voxel of the territory on one side; of its cortex where emboli lodge in cortical branches."""
  middle = len(tissue.territory) // 2
  half = slice(None, middle) if side < 0 else slice(middle + 1, None)
  mask = np.zeros_like(tissue.is_grey)
  mask[half] = (tissue.territory == NAMES.index(origin))[half]
  if origin in _WEDGE_ORIGINS:
    mask &= tissue.is_grey
  candidates = np.flatnonzero(mask)
  return np.unravel_index(candidates[rng.integers(len(candidates))], mask.shape)


def _border_penalty(territory: np.ndarray, origin: str, blur_voxels: float) -> np.ndarray:
  """What growth from `origin` costs in each voxel, in radii; float32, blurred within the tissue."""
  siblings = next((group for group in _ARTERIES if origin in group), (origin,))
  cost = [_SIBLING_PENALTY if name in siblings else _FOREIGN_PENALTY for name in NAMES]
  cost[NAMES.index(origin)] = cost[0] = 0
  blur = lambda values: ndimage.gaussian_filter(values.astype(np.float32), blur_voxels, truncate=2)
  return blur(np.array(cost)[territory]) / np.maximum(blur(territory > 0), 1e-3)
