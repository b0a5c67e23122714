"""Which cases pictures show, chosen by numbers and not by eye.

Figure 2 and 3 of a study: `shared_case`, `typical_case`, `case_like`; Figure 8: `segmented_cases` and
`most_mistaken`. Comparisons: `evenly_spread` over the volumes of lesions, `lesions_first`.
"""

import hashlib
from collections.abc import Mapping, Sequence

import numpy as np

from keras_itm.lesions import MIN_VOXELS
from stroke_eval.survey import Survey

# Of the lesions by volume: large enough to be seen in three slices, and not an exception.
_SHOWN_QUANTILE = 0.75
_DICE_QUANTILES = (('10th percentile', 0.1), ('median', 0.5), ('90th percentile', 0.9))
_ORIGIN = ('healthy_source', 'healthy_parent', 'lesion_generator', 'lesion_seed')


def evenly_spread(values: Sequence[float] | np.ndarray, n: int) -> list[int]:
  """Positions of at most `n` values from small to large, in the middle of as many equal shares."""
  order = np.argsort(values, kind='stable')
  n = min(n, len(order))
  return [int(order[int((k + 0.5) * len(order) / n)]) for k in range(n)]


def at_quantile(values: Sequence[float] | np.ndarray, quantile: float) -> int:
  """Position of the value at a quantile, of two that it lies between the nearer one."""
  order = np.argsort(values, kind='stable')
  return int(order[round(quantile * (len(order) - 1))])


def lesions_first(voxels: Sequence[int], n: int) -> list[int]:
  """Positions of at most `n` cases, those with a lesion before those without, else in order."""
  return sorted(range(len(voxels)), key=lambda i: not voxels[i])[:n]


def large_lesions(voxels: Sequence[int]) -> np.ndarray:
  """Positions of lesions of the size that synthesis accepts; of all where there is none."""
  is_large = np.asarray(voxels) >= MIN_VOXELS
  return np.flatnonzero(is_large if is_large.any() else np.ones(len(voxels), bool))


def shared_case(surveys: Mapping[str, Survey]) -> dict[str, int]:
  """A label map with a lesion that as many sets as possible have an image of.

  Two sets share a case where provenance names the same healthy parent, lesion generator and lesion
  seed, and the lesions are the same voxel by voxel. Of the shared cases it is the one at the upper
  quartile of lesion volume.

  Args:
    surveys: Name of a synthetic set -> its survey.

  Returns:
    Name -> position in the set, for those that share it; empty where no set tells this origin.
  """
  found: dict[tuple[str, ...], dict[str, int]] = {}
  for name, survey in surveys.items():
    for position, facts in enumerate(survey.provenance):
      if all(field in facts for field in _ORIGIN):
        mask = hashlib.sha256(survey.packed[position].tobytes()).hexdigest()
        origin = (*(str(facts[field]) for field in _ORIGIN), mask)
        found.setdefault(origin, {}).setdefault(name, position)
  if not found:
    return {}
  most = max(found.values(), key=len)
  alike = [positions for positions in found.values() if positions.keys() == most.keys()]
  first = next(iter(most))
  voxels = [surveys[first].voxels[positions[first]] for positions in alike]
  return alike[at_quantile(voxels, _SHOWN_QUANTILE)]


def typical_case(survey: Survey) -> int:
  """Position of the case at the upper quartile of lesion volume."""
  return at_quantile(survey.voxels, _SHOWN_QUANTILE)


def case_like(survey: Survey, lesion: np.ndarray, z: int) -> int:
  """Position of the case whose lesion has the area nearest to that of `lesion` in axial slice `z`.

  Raises:
    ValueError: No case has a lesion.
  """
  area = lambda mask: int(mask[..., z].sum(dtype=np.int64))
  return int(min(survey.with_lesion(), key=lambda i: abs(area(survey.masks([i])[0]) - area(lesion))))


def segmented_cases(
  dice: Mapping[str, Mapping[str, float]], voxels: Mapping[str, int]
) -> dict[str, str]:
  """Test cases that stand for the others, each once.

  Those at three quantiles of the first arm's Dice, and those with the largest gain and the largest
  loss of another arm on it. Lesions below the size that is scored are left out.

  Args:
    dice: Arm -> subject -> Dice in [0, 1]; the first arm is what the others are compared with.
    voxels: Subject -> voxels of its lesion.

  Returns:
    Subject -> why it is shown.
  """
  first, *others = dice
  scored = sorted(s for s in voxels if voxels[s] >= MIN_VOXELS)
  chosen = {}
  for name, quantile in _DICE_QUANTILES if scored else ():
    left = [s for s in scored if s not in chosen]
    # Near the quantile of all cases, also where that case is taken.
    aim = np.quantile([dice[first][s] for s in scored], quantile)
    subject = min(left, key=lambda s: abs(dice[first][s] - aim), default=None)
    if subject is not None:
      chosen[subject] = f'{name}, {first}'
  for sign, name in ((1, 'largest gain'), (-1, 'largest loss')):
    changes = [
      (sign * (dice[arm][s] - dice[first][s]), arm, s)
      for arm in others
      for s in scored
      if s not in chosen
    ]
    change, arm, subject = max(changes, default=(0, '', ''))
    if change > 0:
      chosen[subject] = f'{name}, by {arm}'
  return chosen


def most_mistaken(predictions: Mapping[str, Mapping[str, np.ndarray]], negatives: Sequence[str]) -> str:
  """The case without lesion in which the arms find most voxels; empty where they find none.

  Args:
    predictions: Arm -> subject -> predicted mask.
    negatives: Subjects without lesion.
  """
  found = {s: sum(int(masks[s].sum()) for masks in predictions.values()) for s in negatives}
  worst = max(found, key=lambda s: found[s], default='')
  return worst if found.get(worst) else ''
