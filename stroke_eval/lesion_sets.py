"""Sets of lesion masks: what each mask is like, and how near one set comes to another.

Masks are 0 or 1, [n, X, Y, Z].
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy import ndimage

from keras_itm import lesions
from stroke_eval.statistics.kolmogorov_smirnov import ks_of_samples
from stroke_tfds.imaging.grid import Grid
from stroke_tfds.phantom.territories import NAMES, territories_on

TERRITORIES = NAMES[1:]
SIDES = ('left', 'right', 'both')
# A lesion is bilateral where its smaller side holds this share of it or more.
BILATERAL_SHARE = 0.1
_TAIL_PERCENTILE = 95


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


@dataclasses.dataclass(frozen=True)
class LesionSet:
  """Masks, what was measured on them, and how near each comes to a training mask.

  Attributes:
    masks: 0 or 1, uint8 [n, X, Y, Z].
    facts: Of these masks.
    nearest_dice: Highest Dice with any training mask (another one, for training masks) or its mirror
      image, [n].
  """

  masks: np.ndarray
  facts: LesionFacts
  nearest_dice: np.ndarray

  def __len__(self) -> int:
    return len(self.masks)


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


def lesion_sets(
  training: np.ndarray, others: Mapping[str, np.ndarray], grid: Grid
) -> dict[str, LesionSet]:
  """Measures the training masks (under `training`) and the other sets; masks are [n, X, Y, Z]."""
  sets = {
    name: LesionSet(masks, survey_lesions(masks, grid), nearest_dice(masks, training))
    for name, masks in others.items()
  }
  own = LesionSet(training, survey_lesions(training, grid), nearest_other_dice(training))
  return {**sets, 'training': own}


def describe(lesion_set: LesionSet, held_out: LesionSet) -> dict[str, Any]:
  """A column of the table: a set beside the held-out masks.

  Distances are Kolmogorov-Smirnov's for volume and number of components, and half the sum of absolute
  differences (total variation) for territories; all from 0 to 1, NaN for the held-out set itself.
  """
  facts, reference = lesion_set.facts, held_out.facts
  is_reference = lesion_set is held_out
  distance = lambda ours, theirs: np.nan if is_reference else ks_of_samples(ours, theirs)
  territories = facts.territories()
  shift = np.subtract(list(territories.values()), list(reference.territories().values()))
  low, median, high = np.percentile(facts.volumes_ml, (25, 50, 75))
  return {
    'n': len(lesion_set),
    'volume_ml_median': float(median),
    'volume_ml_quartiles': [float(low), float(high)],
    'volume_ks': distance(facts.volumes_ml, reference.volumes_ml),
    'components_mean': float(facts.components.mean()),
    'components_median': float(np.median(facts.components)),
    'components_ks': distance(facts.components, reference.components),
    'laterality': facts.laterality(),
    'territories': territories,
    'territory_distance': np.nan if is_reference else float(np.abs(shift).sum() / 2),
    'nearest_training_dice_median': float(np.median(lesion_set.nearest_dice)),
    'nearest_training_dice_95': float(np.percentile(lesion_set.nearest_dice, _TAIL_PERCENTILE)),
    'pairwise_dice': float(lesions.pairwise_dice(lesion_set.masks)),
  }


def nearest_dice(masks: np.ndarray, others: np.ndarray) -> np.ndarray:
  """For each mask, its highest Dice with any of `others` or their left-right mirror images.

  A value near 1 means that a training lesion was copied.

  Args:
    masks: 0 or 1, [n, X, Y, Z], no mask empty.
    others: 0 or 1, [m, X, Y, Z].

  Returns:
    [n], in [0, 1].
  """
  return dice_matrix(masks, np.concatenate([others, others[:, ::-1]])).max(axis=1)


def nearest_other_dice(masks: np.ndarray) -> np.ndarray:
  """The same within one set: no mask is compared with itself or with its own mirror image."""
  n = len(masks)
  dice = dice_matrix(masks, np.concatenate([masks, masks[:, ::-1]]))
  own = np.arange(n)
  dice[own, own] = dice[own, own + n] = 0
  return dice.max(axis=1)


def dice_matrix(masks: np.ndarray, others: np.ndarray) -> np.ndarray:
  """Dice of every mask with every other: [n, X, Y, Z] and [m, X, Y, Z] -> [n, m]."""
  flat = masks.reshape(len(masks), -1).astype(np.float32)
  other = others.reshape(len(others), -1).astype(np.float32)
  total = flat.sum(1)[:, None] + other.sum(1)[None]
  return 2 * (flat @ other.T) / np.maximum(total, 1)
