"""What the test cases say about the arms of an experiment. Dice is a fraction in [0, 1] throughout."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy import stats

from stroke_tfds.errors import InputError


@dataclasses.dataclass(frozen=True)
class Case:
  """The segmentation of one test case.

  Attributes:
    subject_id: Name of the case.
    lesion_ml: Volume of the true lesion; 0 in a DWI-negative case.
    predicted_ml: Volume of the predicted lesion.
    dice: Overlap; 1 when truth and prediction are both empty.
  """

  subject_id: str
  lesion_ml: float
  predicted_ml: float
  dice: float

  @property
  def is_positive(self) -> bool:
    return self.lesion_ml > 0


Arms = Mapping[str, Sequence[Case]]


def summarise(cases: Sequence[Case]) -> dict[str, Any]:
  """Dice over the positive cases (sd with n - 1) and false positives over the negative ones.

  Values that the cases cannot give (an sd of one case, say) are None.
  """
  dice = np.array([case.dice for case in cases if case.is_positive])
  false_ml = np.array([case.predicted_ml for case in cases if not case.is_positive])
  return {
    'dice_mean': float(dice.mean()) if dice.size else None,
    'dice_sd': float(dice.std(ddof=1)) if dice.size > 1 else None,
    'dice_median': float(np.median(dice)) if dice.size else None,
    'n_cases': int(dice.size),
    'n_negative': int(false_ml.size),
    'n_false_positive': int(np.count_nonzero(false_ml)),
    'false_positive_ml_mean': float(false_ml.mean()) if false_ml.size else None,
    'false_positive_ml_max': float(false_ml.max()) if false_ml.size else None,
  }


def check_same_cases(arms: Arms) -> None:
  """Refuses arms that were not tested on the same cases.

  Raises:
    InputError: Names two arms and a case that only one of them has.
  """
  (first, cases), *others = arms.items()
  expected = {(case.subject_id, round(case.lesion_ml, 3)) for case in cases}
  for name, cases in others:
    odd = expected ^ {(case.subject_id, round(case.lesion_ml, 3)) for case in cases}
    if odd:
      raise InputError(
        f'arms {first!r} and {name!r}: case {sorted(odd)[0][0]!r} is in one only or has two lesion '
        'volumes, expected the same test cases in every arm'
      )


def paired_dice(reference: Sequence[Case], other: Sequence[Case]) -> tuple[np.ndarray, np.ndarray]:
  """Dice of both arms on the positive cases, in the order of `reference`: two vectors [n]."""
  by_id = {case.subject_id: case.dice for case in other}
  positive = [case for case in reference if case.is_positive]
  return (
    np.array([case.dice for case in positive]),
    np.array([by_id[case.subject_id] for case in positive]),
  )


def paired_difference(reference: Sequence[Case], other: Sequence[Case]) -> dict[str, Any]:
  """Dice of `other` minus `reference` case by case, with a t interval over cases (95 %).

  The interval speaks of the choice of test cases, not of the chance in training.
  """
  before, after = paired_dice(reference, other)
  difference = after - before
  n = len(difference)
  mean, sd = float(difference.mean()), float(difference.std(ddof=1)) if n > 1 else np.nan
  half = float(stats.t.ppf(0.975, n - 1) * sd / np.sqrt(n)) if n > 1 else np.nan
  return {
    'n': n,
    'mean': mean,
    'low': mean - half,
    'high': mean + half,
    'n_higher': int(np.count_nonzero(difference > 0)),
    'n_lower': int(np.count_nonzero(difference < 0)),
  }


def choose_cases(arms: Arms, n_extreme: int = 2) -> list[tuple[str, str]]:
  """Test cases worth a look: (why, subject_id), no case twice.

  The lowest and the highest mean Dice over the arms, the largest gain and loss of the last arm on the
  first, and the negative case with the largest false-positive volume, if there is any.
  """
  names = list(arms)
  ids = [case.subject_id for case in arms[names[0]] if case.is_positive]
  dice = np.array([paired_dice(arms[names[0]], arms[name])[1] for name in names])
  order = np.argsort(dice.mean(axis=0), kind='stable')
  chosen = [('lowest Dice', ids[i]) for i in order[:n_extreme]]
  chosen += [('highest Dice', ids[i]) for i in order[::-1][:n_extreme]]
  if len(names) > 1:
    gain = dice[-1] - dice[0]
    chosen += [('largest gain', ids[gain.argmax()])] if gain.max() > 0 else []
    chosen += [('largest loss', ids[gain.argmin()])] if gain.min() < 0 else []
  false = [case for cases in arms.values() for case in cases if not case.is_positive]
  worst = max(false, key=lambda case: case.predicted_ml, default=None)
  if worst and worst.predicted_ml:
    chosen.append(('largest false positive', worst.subject_id))
  first_reason = {}
  for why, subject_id in chosen:
    first_reason.setdefault(subject_id, why)
  return [(why, subject_id) for subject_id, why in first_reason.items()]
