"""How a focus of disease grows from its seed through the template's tissue."""

import dataclasses

import numpy as np
from scipy import ndimage

from stroke_tfds.phantom.territories import TerritoryMap

_EDGE_MM = 1.0


@dataclasses.dataclass(frozen=True)
class Lesion:
  """How much of each voxel is diseased, in template space.

  Attributes:
    fraction: float32 in [0, 1], shape (X, Y, Z).
    affine: Voxel index to MNI millimetres, shape (4, 4).
    origin: Where it started, such as a territory, or a hash of the file it was read from.
  """

  fraction: np.ndarray
  affine: np.ndarray
  origin: str


def distance_mm(
  rng: np.random.Generator, points: list[np.ndarray], centre, radius_mm: float, wedge: bool
) -> np.ndarray:
  """Distance from the seed in mm: an ellipsoid's, or a wedge's that points at the ventricle."""
  offset = [
    (p - c).astype(np.float32).reshape([-1 if i == axis else 1 for i in range(3)])
    for axis, (p, c) in enumerate(zip(points, centre))
  ]
  if wedge:
    apex = np.array([np.sign(centre[0]) * 22, np.clip(centre[1], -45, 20), 18.0])
    inward = apex - centre
  else:
    inward = rng.standard_normal(3)
  inward = inward / max(np.linalg.norm(inward), 1e-3)
  along = sum(o * np.float32(w) for o, w in zip(offset, inward))
  across = np.sqrt(np.maximum(sum(o**2 for o in offset) - along**2, 0))
  elongation = rng.uniform(1.0, 1.8)
  if not wedge:
    return np.hypot(along / elongation, across * np.sqrt(elongation))
  narrowing = np.clip(1.1 - 0.35 * along / radius_mm, 0.35, 1.3)
  return np.hypot(along / elongation, across / narrowing)


def roughness(rng: np.random.Generator, shape: list[int], radius_voxels: float) -> np.ndarray:
  """Noise of two scales, standard deviation about 1."""
  noise = np.zeros(shape, np.float32)
  for sigma, weight in ((max(0.5 * radius_voxels, 1.2), 0.9), (max(0.2 * radius_voxels, 1.0), 0.4)):
    smooth = ndimage.gaussian_filter(rng.standard_normal(shape, np.float32), sigma, truncate=2.5)
    noise += weight * smooth / max(float(smooth.std()), 1e-6)
  return noise


def front(
  distance: np.ndarray, allowed: np.ndarray, volume_ml: float, radius_mm: float, spacing_mm: float
) -> np.ndarray:
  """The `volume_ml` nearest tissue, with a graded edge; float32 in [0, 1]."""
  reachable = distance[allowed]
  n_voxels = int(np.clip(round(volume_ml * 1000 / spacing_mm**3), 1, reachable.size))
  limit = np.partition(reachable, n_voxels - 1)[n_voxels - 1]
  edge = np.clip((limit - distance) * radius_mm / _EDGE_MM, -8, 8)
  return np.where(allowed, 1 / (1 + np.exp(-edge)), 0).astype(np.float32)


def window(seed, tissue: TerritoryMap, reach_mm: float) -> tuple[slice, slice, slice]:
  reach = int(np.ceil(reach_mm / tissue.spacing_mm))
  x, y, z = (
    slice(max(int(i) - reach, 0), min(int(i) + reach + 1, n))
    for i, n in zip(seed, tissue.territory.shape)
  )
  return x, y, z


def cropped(fraction: np.ndarray, tissue: TerritoryMap, origin: str) -> Lesion:
  """Cuts away what holds no lesion, so that little has to be warped."""
  box = ndimage.find_objects((fraction > 0.02).astype(np.uint8))[0]
  box = tuple(slice(max(s.start - 1, 0), s.stop + 1) for s in box)
  affine = np.diag([tissue.spacing_mm] * 3 + [1.0])
  affine[:3, 3] = tissue.origin_mm + tissue.spacing_mm * np.array([s.start for s in box])
  return Lesion(fraction[box], affine, origin)
