"""What a study may say of its arms: each against its control, all of them at once."""

from collections.abc import Mapping, Sequence

import numpy as np

from launchers.study.arms import ALL, Arm
from stroke_eval.statistics import bootstrap, significance
from stroke_eval.statistics.bootstrap import Interval
from stroke_eval.statistics.simultaneous import Family

MARGIN = 0.03


def controls(arms: Sequence[Arm], dice: Mapping[str, np.ndarray]) -> dict[str, str]:
  """Arm that the study asks about -> its control: its reference, else the first arm."""
  first, *others = arms
  return {
    arm.name: arm.reference if arm.reference in dice else first.name for arm in others if arm.is_tested
  }


def claims_of(
  dice: Mapping[str, np.ndarray],
  against: Mapping[str, str],
  n_resamples: int = bootstrap.N_RESAMPLES,
  margin: float = MARGIN,
) -> dict[str, tuple[Interval, bool]]:
  """The simultaneous interval of each arm to its control, and whether they are equivalent."""
  if not against:
    return {}
  differences = np.stack([dice[arm] - dice[other] for arm, other in against.items()])
  family = Family(differences, list(against.values()), n_resamples)
  return dict(zip(against, zip(family.intervals(), family.equivalent(margin))))


def p_values_of(dice: Mapping[str, np.ndarray], against: Mapping[str, str]) -> dict[str, float]:
  """Wilcoxon's of each arm to its control, after Holm; nothing where none is asked about."""
  differences = [(dice[arm] - dice[other]).mean(axis=0) for arm, other in against.items()]
  corrected = significance.wilcoxon_holm(np.array(differences))
  return dict(zip(against, map(float, corrected)))


def why_no_worth(arm: Arm, by_name: Mapping[str, Arm], seen: Mapping[str, int | str | None]) -> str:
  """Why an arm's Dice is no number of clinical cases; empty where it is.

  Labels that its generators saw and the arm did not would be counted as if synthetic cases had saved
  them.

  Args:
    arm: The arm.
    by_name: All arms.
    seen: As in `analyse`.
  """
  sources, link = set(), arm
  while link:
    sources.update(link.synthetic_sources)
    link = by_name.get(link.start)
  for source in sorted(sources):
    saw = seen.get(source, ALL)
    if saw is None:
      return f'nobody knows what {source} was made from'
    if arm.n_clinical != ALL and (saw == ALL or saw > arm.n_clinical):
      return f'the generators of {source} saw {saw} clinical cases, the arm {arm.n_clinical}'
  return ''
