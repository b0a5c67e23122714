"""Generated lesions against real ones that the generator has not seen, in numbers."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from keras_itm import lesions
from stroke_eval import sanity
from stroke_eval.lesion_facts import LesionFacts, survey_lesions
from stroke_tfds.imaging.grid import Grid

_TAIL_PERCENTILE = 95


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


def lesion_sets(
  training: np.ndarray, others: Mapping[str, np.ndarray], grid: Grid
) -> dict[str, LesionSet]:
  """Measures the training masks (under `training`) and the other sets; masks are [n, X, Y, Z]."""
  sets = {
    name: LesionSet(masks, survey_lesions(masks, grid), sanity.nearest_dice(masks, training))
    for name, masks in others.items()
  }
  own = LesionSet(training, survey_lesions(training, grid), sanity.nearest_other_dice(training))
  return {**sets, 'training': own}


def describe(lesion_set: LesionSet, held_out: LesionSet) -> dict[str, Any]:
  """A column of the table: a set beside the held-out masks.

  Distances are Kolmogorov-Smirnov's for volume and number of components, and half the sum of absolute
  differences (total variation) for territories; all from 0 to 1, NaN for the held-out set itself.
  """
  facts, reference = lesion_set.facts, held_out.facts
  is_reference = lesion_set is held_out
  distance = lambda ours, theirs: np.nan if is_reference else sanity.ks_distance(ours, theirs)
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


_LINES = (
  ('n', 'masks of at least {min_voxels} voxels', '{:d}'),
  ('volume_ml_median', 'volume, median (ml)', '{:.1f}'),
  ('volume_ks', 'volume, KS distance to held-out', '{:.3f}'),
  ('components_mean', 'components, mean', '{:.2f}'),
  ('components_median', 'components, median', '{:.0f}'),
  ('components_ks', 'components, KS distance to held-out', '{:.3f}'),
  ('laterality', 'left / right / both (%)', ''),
  ('territory_distance', 'territories, distance to held-out', '{:.3f}'),
  ('nearest_training_dice_median', 'nearest training mask, Dice, median', '{:.3f}'),
  ('nearest_training_dice_95', 'nearest training mask, Dice, 95th percentile', '{:.3f}'),
  ('pairwise_dice', 'Dice of two masks, mean', '{:.3f}'),
)


def table_rows(columns: Mapping[str, Mapping[str, Any]], min_voxels: int) -> list[list[str]]:
  """The table as text: a header, then a line for each number."""
  rows = [['', *(name.replace('_', '-') for name in columns)]]
  for key, text, form in _LINES:
    cells = [_cell(key, column[key], form) for column in columns.values()]
    rows.append([text.format(min_voxels=min_voxels), *cells])
  return rows


def _cell(key: str, value: Any, form: str) -> str:
  if key == 'laterality':
    return ' / '.join(f'{100 * share:.0f}' for share in value.values())
  return form.format(value) if np.isfinite(value) else '\N{EN DASH}'
