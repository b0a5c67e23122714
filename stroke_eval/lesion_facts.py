"""What a set of lesion masks looks like, mask by mask."""

import dataclasses

import numpy as np
from scipy import ndimage

from stroke_tfds.imaging.grid import Grid
from stroke_tfds.imaging.resample import resample_labels
from stroke_tfds.imaging.volume import Volume
from stroke_tfds.phantom.territories import NAMES, territory_map

TERRITORIES = NAMES[1:]
SIDES = ('left', 'right', 'both')
# A lesion is bilateral where its smaller side holds this share of it or more.
BILATERAL_SHARE = 0.1


@dataclasses.dataclass(frozen=True)
class LesionFacts:
  """Facts on n masks, in their order.

  Attributes:
    volumes_ml: [n].
    components: Pieces whose voxels share faces, int [n].
    left_shares: Share of each lesion that lies left of the midline, [n].
    territory_shares: Share of each lesion's voxels with a territory that lies in each of
      TERRITORIES, both sides together, [n, 11]; 0 for a lesion outside all of them.
  """

  volumes_ml: np.ndarray
  components: np.ndarray
  left_shares: np.ndarray
  territory_shares: np.ndarray

  def __len__(self) -> int:
    return len(self.volumes_ml)

  def laterality(self) -> dict[str, float]:
    """Share of the lesions on the left, on the right, and on both sides."""
    left = self.left_shares > 1 - BILATERAL_SHARE
    right = self.left_shares < BILATERAL_SHARE
    return dict(zip(SIDES, (left.mean(), right.mean(), (~left & ~right).mean())))

  def territories(self) -> dict[str, float]:
    """Mean share of each arterial territory; every lesion counts alike, whatever its size."""
    return dict(zip(TERRITORIES, self.territory_shares.mean(axis=0)))


def survey_lesions(masks: np.ndarray, grid: Grid) -> LesionFacts:
  """Measures masks on a grid in MNI space.

  Args:
    masks: 0 or 1, [n, X, Y, Z], no mask empty.
    grid: Where the voxels are.

  Raises:
    ValueError: An empty mask, or masks on another grid.
  """
  if masks.shape[1:] != grid.shape:
    raise ValueError(f'masks of shape {masks.shape[1:]}, expected {grid.shape}')
  voxels = masks.astype(bool).sum(axis=(1, 2, 3))
  if not voxels.all():
    raise ValueError(f'mask {int(voxels.argmin())} is empty, expected a lesion')
  territory = territories_on(grid)
  is_left = grid.coordinates_mm()[0] < 0
  per_territory = np.stack([np.bincount(territory[mask > 0], minlength=len(NAMES)) for mask in masks])
  within = per_territory[:, 1:]
  return LesionFacts(
    volumes_ml=voxels * grid.voxel_volume_ml,
    components=np.array([ndimage.label(mask)[1] for mask in masks]),
    left_shares=masks[:, is_left].astype(bool).sum(axis=(1, 2, 3)) / voxels,
    territory_shares=within / np.maximum(within.sum(axis=1, keepdims=True), 1),
  )


def territories_on(grid: Grid) -> np.ndarray:
  """Arterial territories of the template, as indices into `territories.NAMES`; uint8 (X, Y, Z)."""
  tissue = territory_map()
  affine = np.diag([tissue.spacing_mm] * 3 + [1.0])
  affine[:3, 3] = tissue.origin_mm
  return resample_labels(Volume(tissue.territory, affine), grid, len(NAMES))
