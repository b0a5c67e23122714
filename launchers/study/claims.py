"""What a study may say of its arms: each against its control, all of them at once."""

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from launchers.study.arms import ALL, Arm
from launchers.study.summary import Claim
from stroke_eval.statistics import bootstrap, significance
from stroke_eval.statistics.simultaneous import Family

MARGIN = 0.03
PAIRS, CONTROL = RANKS = 'pairs', 'control'  # What ranks are compared with.


def comparisons(arms: Sequence[Arm], finished: Collection[str]) -> list[tuple[str, str]]:
  """Each arm that the study asks about with its reference, else the first arm, and with its rivals.

  Args:
    arms: Of the study, or those of them that are finished.
    finished: Their names.
  """
  first, *others = arms
  pairs = []
  for arm in others:
    if arm.is_tested:
      control = arm.reference if arm.reference in finished else first.name
      pairs += [
        (arm.name, other) for other in dict.fromkeys((control, *arm.rivals)) if other in finished
      ]
  return pairs


def controls(pairs: Sequence[tuple[str, str]]) -> list[str]:
  """For each comparison the control of its arm, also where it is with a rival.

  Trainings of arms with one control are taken to vary alike.
  """
  control: dict[str, str] = {}
  for arm, other in pairs:
    control.setdefault(arm, other)
  return [control[arm] for arm, _ in pairs]


def claims_of(
  dice: Mapping[str, np.ndarray],
  pairs: Sequence[tuple[str, str]],
  n_resamples: int = bootstrap.N_RESAMPLES,
  margin: float = MARGIN,
) -> dict[str, tuple[Claim, ...]]:
  """Arm -> what is said of it, over all comparisons together.

  Args:
    dice: Arm -> Dice [seeds, n cases].
    pairs: Arms and what they are compared with.
    n_resamples: Resamples of the cases.
    margin: Of equivalence.
  """
  if not pairs:
    return {}
  differences = np.stack([dice[arm] - dice[other] for arm, other in pairs])
  family = Family(differences, controls(pairs), n_resamples)
  p_values = significance.wilcoxon_holm(differences.mean(axis=1))
  found: dict[str, tuple[Claim, ...]] = {}
  for (arm, other), interval, is_equivalent, p_value in zip(
    pairs, family.intervals(), family.equivalent(margin), p_values
  ):
    claim = Claim(other, interval, is_equivalent, float(p_value))
    found[arm] = (*found.get(arm, ()), claim)
  return found


def why_no_worth(arm: Arm, by_name: Mapping[str, Arm], seen: Mapping[str, int | str | None]) -> str:
  """Why an arm's Dice is no number of clinical cases; empty where it is.

  Labels that its generators saw and the arm did not would be counted as if synthetic cases had saved
  them.

  Args:
    arm: The arm.
    by_name: All arms.
    seen: As in `analyse`.
  """
  is_more = lambda n: arm.n_clinical != ALL and (n == ALL or n > arm.n_clinical)
  sources, link = set(), arm
  while link:
    if is_more(link.n_clinical):
      saw = f'saw {link.n_clinical} clinical cases, the arm {arm.n_clinical}'
      return f'{link.name}, which it goes on from, {saw}'
    sources.update(link.synthetic_sources)
    link = by_name.get(link.start)
  for source in sorted(sources):
    saw = seen.get(source, ALL)
    if saw is None:
      return f'nobody knows what {source} was made from'
    if is_more(saw):
      return f'the generators of {source} saw {saw} clinical cases, the arm {arm.n_clinical}'
  return ''
