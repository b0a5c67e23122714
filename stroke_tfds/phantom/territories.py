"""Arterial territories of the MNI brain, by rules on position.

Left and right alike, x is the distance from the midline. The borders follow the usual atlases: the
anterior cerebral artery along the medial wall, the posterior one behind the parieto-occipital
sulcus and under the temporal lobe, the middle one on the convexity between, its deep branches
around the basal ganglia.
"""

import dataclasses
import functools

import numpy as np

from stroke_tfds.imaging.grid import Grid
from stroke_tfds.imaging.resample import resample_labels
from stroke_tfds.imaging.volume import Volume
from stroke_tfds.label_schemes import ASEG28
from stroke_tfds.phantom.anatomy import template_anatomy

NAMES = (
  'none',
  'ACA',
  'MCA frontal',
  'MCA parietal',
  'MCA temporal',
  'MCA occipital',
  'lenticulostriate',
  'PCA cortical',
  'PCA deep',
  'basilar',
  'superior cerebellar',
  'inferior cerebellar',
)
OUTSIDE = 'outside'  # Of a lesion in no arterial territory.
_DEEP_GREY = ('caudate', 'putamen', 'pallidum', 'amygdala')


@dataclasses.dataclass(frozen=True)
class TerritoryMap:
  """The template's parenchyma on a grid of 2 mm, divided by artery.

  Attributes:
    territory: Index into NAMES, 0 outside parenchyma; uint8 of shape (X, Y, Z).
    is_grey: Cortex and deep grey, bool.
    origin_mm: MNI coordinate of the centre of voxel (0, 0, 0).
    spacing_mm: Voxel size.
  """

  territory: np.ndarray
  is_grey: np.ndarray
  origin_mm: np.ndarray
  spacing_mm: float

  def coordinates_mm(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """MNI coordinates of the voxel centres along each axis."""
    return tuple(
      start + self.spacing_mm * np.arange(n, dtype=np.float32)
      for start, n in zip(self.origin_mm, self.territory.shape)
    )


@functools.cache
def territory_map() -> TerritoryMap:
  """Territories of the template anatomy."""
  anatomy = template_anatomy()
  step = 2
  labels = anatomy.labels[::step, ::step, ::step]
  origin_mm = np.asarray(anatomy.origin_mm, float)
  axes = [o + step * np.arange(n, dtype=np.float32) for o, n in zip(origin_mm, labels.shape)]
  territory = _territory(np.abs(axes[0])[:, None, None], axes[1][:, None], axes[2], labels)
  white = [i for i, name in enumerate(ASEG28.names) if 'white' in name]
  parenchyma = np.isin(labels, ASEG28.parenchyma_ids)
  territory[~parenchyma] = 0
  return TerritoryMap(territory, parenchyma & ~np.isin(labels, white), origin_mm, float(step))


@functools.cache
def territories_on(grid: Grid) -> np.ndarray:
  """Arterial territories of the template, as indices into NAMES; uint8 (X, Y, Z), read-only."""
  tissue = territory_map()
  affine = np.diag([tissue.spacing_mm] * 3 + [1.0])
  affine[:3, 3] = tissue.origin_mm
  found = resample_labels(Volume(tissue.territory, affine), grid, len(NAMES))
  found.setflags(write=False)
  return found


def main_territory(lesion: np.ndarray, grid: Grid) -> str:
  """The territory that holds most of a lesion's voxels, the first of equals; OUTSIDE if none does."""
  counts = np.bincount(territories_on(grid)[lesion > 0], minlength=len(NAMES))
  counts[0] = 0
  return NAMES[counts.argmax()] if counts.any() else OUTSIDE


def _territory(x: np.ndarray, y: np.ndarray, z: np.ndarray, labels: np.ndarray) -> np.ndarray:
  """Index into NAMES everywhere, parenchyma or not; later rules override earlier ones."""
  territory = np.full(labels.shape, NAMES.index('MCA frontal'), np.uint8)

  def claim(name: str, where: np.ndarray) -> None:
    territory[np.broadcast_to(where, territory.shape)] = NAMES.index(name)

  sylvian_mm = np.clip(3 - 0.45 * y, -12, 22)  # Height of the lateral fissure, rising backwards.
  claim('MCA parietal', (y < -14) & (z >= sylvian_mm))
  claim('MCA temporal', (z < sylvian_mm) & (y < 16) & (x > 20))
  claim('MCA occipital', (y < -62) & (z < 38))
  aca_width_mm = 19 + np.clip(0.12 * (z - 30), -4, 6) + np.clip(0.1 * (y - 30), 0, 4)
  claim('ACA', (x < aca_width_mm) & (y > -55) & ((z > 20) | (y > 26)))
  claim('ACA', (x < 14) & (y > 4) & (z < 20))
  posterior_width_mm = np.clip(24 + 0.8 * (-70 - y), 22, 44)
  claim('PCA cortical', (y < -48) & (x < posterior_width_mm) & (z < 36 + 0.3 * (y + 70)))
  claim('PCA cortical', (y < -18) & (x > 18) & (x < 52) & (z < -12 - 0.25 * (x - 36)))
  claim('lenticulostriate', (x < 33) & (y > -24) & (y < 20) & (z > -10) & (z < 26) & (x > 7))
  claim('PCA deep', (x < 22) & (y < -6) & (y > -38) & (z > -16) & (z < 17))
  for structure, name in [
    *((s, 'lenticulostriate') for s in _DEEP_GREY),
    ('hippocampus', 'PCA cortical'),
  ]:
    claim(name, _is(labels, structure))
  claim('PCA deep', _is(labels, 'thalamus') | _is(labels, 'ventral diencephalon'))
  cerebellum = _is(labels, 'cerebellar cortex') | _is(labels, 'cerebellar white matter')
  claim('superior cerebellar', cerebellum & (z > -33 - 0.1 * (y + 60)))
  claim('inferior cerebellar', cerebellum & (z <= -33 - 0.1 * (y + 60)))
  claim('basilar', labels == ASEG28.id_of('brain stem'))
  return territory


def _is(labels: np.ndarray, structure: str) -> np.ndarray:
  return np.isin(labels, [ASEG28.id_of(f'{side} {structure}') for side in ('left', 'right')])
