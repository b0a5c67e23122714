"""Computes what a study says over its finished arms."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from keras_itm.lesions import MIN_VOXELS
from launchers.study.arms import ALL, CLINICAL, Arm
from launchers.study.claims import CONTROL, MARGIN, PAIRS, claims_of, comparisons, why_no_worth
from launchers.study.results import METRICS, Study, TestSet
from launchers.study.summary import Analysis, ArmRow, DiceSummary
from stroke_eval.statistics import bootstrap, equivalents, significance
from stroke_eval.statistics.bootstrap import Interval
from stroke_eval.statistics.simultaneous import Family
from stroke_tfds.errors import InputError

_SIZES = ('small', 'medium', 'large')
# Of fewer, an interval can be wider than Dice itself.
MIN_IN_TERRITORY = 5
_MIN_CASES = 2
# Of more arms, the bars of Nemenyi's test join nearly all.
_MOST_PAIRED = 8


def analyse(
  study: Study,
  n_resamples: int = bootstrap.N_RESAMPLES,
  *,
  margin: float = MARGIN,
  ranks: str = '',
  seen: Mapping[str, int | str | None] | None = None,
) -> Analysis:
  """The statistics of a study over its finished arms.

  Args:
    study: The study.
    n_resamples: Resamples of the test cases for each interval.
    margin: Differences of Dice up to here are equivalence.
    ranks: `pairs` for the critical difference of all pairs of ranks (Nemenyi), `control` for that to
      the first arm (Bonferroni-Dunn); when empty, pairs of up to 8 arms.
    seen: Synthetic source -> clinical cases that its generators learnt from, a number, `all`, or None
      where nobody knows; a source that is absent saw all.

  Raises:
    InputError: The first arm is not finished, or fewer than two test cases are scored.
  """
  _check(study)
  scored = study.cases.is_scored
  dice = {arm.name: study.by_case(arm.name, 'dice')[:, scored] for arm in study.finished}
  curve = _curve_arms(study)
  by_case = np.stack([values.mean(axis=0) for values in dice.values()], axis=1)
  ranks = ranks or (PAIRS if len(dice) <= _MOST_PAIRED else CONTROL)
  by_size = tertiles(study.cases)
  # Lesions of several classes are tumours, which keep to no artery's territory.
  by_territory = {} if study.regions else territories(study.cases)
  over = lambda parts: {k: _all_to_first(dice, mask, n_resamples) for k, mask in parts.items()}
  size_of = lambda parts: {name: int(mask.sum()) for name, mask in parts.items()}
  return Analysis(
    rows=_rows(study, dice, curve, n_resamples, margin, seen or {}),
    unfinished=tuple(arm.name for arm in study.arms if arm.name not in dice),
    n_seeds=len(study.seeds),
    friedman=significance.friedman(by_case),
    mean_ranks=dict(zip(dice, significance.mean_ranks(by_case).tolist())),
    critical_difference=_critical_difference(by_case, ranks),
    ranked_to=study.arms[0].name if ranks == CONTROL else '',
    margin=margin,
    nemenyi=_nemenyi(tuple(dice), by_case),
    by_size=over(by_size),
    by_territory=over(by_territory),
    n_by_size=size_of(by_size),
    n_by_territory=size_of(by_territory),
    learning_curve=tuple(
      (n, bootstrap.mean_interval(dice[arm], n_resamples)) for n, arm in curve.items()
    ),
  )


def tertiles(cases: TestSet) -> dict[str, np.ndarray]:
  """Label such as `small, 1.4 to 5.3 ml` -> mask over the scored cases: thirds by volume, ascending.

  A third of one case has no interval and is left out. Of equal volumes at a border those that come
  first among the cases are in the smaller third.
  """
  volume = cases.lesion_volume_ml[cases.is_scored]
  rank = np.argsort(np.argsort(volume, kind='stable'))
  third = 3 * rank // len(volume)
  parts = {}
  for i, size in enumerate(_SIZES):
    inside = third == i
    if inside.sum() >= _MIN_CASES:
      parts[f'{size}, {volume[inside].min():.3g} to {volume[inside].max():.3g} ml'] = inside
  return parts


def territories(cases: TestSet) -> dict[str, np.ndarray]:
  """Territory -> mask over the scored cases, the most frequent first.

  Last `other`, those with fewer than 5 cases; a single case of it is left out.
  """
  territory = cases.territory[cases.is_scored]
  names, counts = np.unique(territory, return_counts=True)
  order = np.argsort(-counts, kind='stable')
  parts = {str(names[i]): territory == names[i] for i in order if counts[i] >= MIN_IN_TERRITORY}
  rest = ~np.isin(territory, list(parts))
  if rest.sum() >= _MIN_CASES:
    parts['other'] = rest
  return parts


def _check(study: Study) -> None:
  first = study.arms[0]
  missing = [seed for seed in study.seeds if (first.name, seed) not in study.results]
  if missing:
    raise InputError(
      f'arm {first.name!r}: not finished for seeds {missing}, expected all of it, since the others are '
      'compared with it'
    )
  n_scored = int(study.cases.is_scored.sum())
  if n_scored < 2:
    raise InputError(
      f'test cases: {n_scored} with a lesion of {MIN_VOXELS} voxels or more, expected at least 2'
    )


def _curve_arms(study: Study) -> dict[int, str]:
  """Number of clinical cases -> the finished arm that learns from these alone, like the first arm."""
  counts = {}
  for arm in study.finished:
    first = study.arms[0]
    plain = not arm.start and (arm.bindings, arm.n_slices) == (first.bindings, first.n_slices)
    if plain and set(arm.learns_from) == {CLINICAL}:
      counts.setdefault(_count(study, arm), arm.name)
  return dict(sorted(counts.items()))


def _count(study: Study, arm: Arm) -> int:
  if arm.n_clinical != ALL:
    return int(arm.n_clinical)
  facts = study.results[arm.name, study.seeds[0]].facts
  try:
    return int(facts['n_cases'][CLINICAL])
  except (KeyError, TypeError, ValueError) as error:
    raise InputError(
      f'arm {arm.name!r}: n_cases of its result is {facts.get("n_cases")!r}, expected the number of '
      f'cases of {CLINICAL!r}'
    ) from error


def _rows(
  study: Study,
  dice: Mapping[str, np.ndarray],
  curve: Mapping[int, str],
  n_resamples: int,
  margin: float,
  seen: Mapping[str, int | str | None],
) -> tuple[ArmRow, ...]:
  to_first = _to_first(dice, slice(None), n_resamples)
  claims = claims_of(dice, comparisons(study.finished, dice), n_resamples, margin)
  chain = {arm.name: arm for arm in study.arms}
  rows = []
  for arm in study.finished:
    scores = dice[arm.name]
    equivalent, no_worth = None, ''
    if len(curve) > 1 and arm.name not in curve.values():
      no_worth = why_no_worth(arm, chain, seen)
    if len(curve) > 1 and arm.name not in curve.values() and not no_worth:
      of_curve = np.stack([dice[name] for name in curve.values()])
      equivalent = equivalents.equivalent(scores, list(curve), of_curve, n_resamples)
    to_reference = None
    if arm.reference in dice:
      to_reference = bootstrap.paired_difference(scores, dice[arm.reference], n_resamples)
    row = ArmRow(
      arm=arm,
      to_clinical=to_first.get(arm.name),
      to_reference=to_reference,
      claims=claims.get(arm.name, ()),
      equivalent=equivalent,
      no_worth=no_worth,
      **_means(study, arm.name),
    )
    rows.append(row)
  return tuple(rows)


def _means(study: Study, arm: str) -> dict[str, Any]:
  """The fields of ArmRow that compare nothing."""
  cases = study.cases
  dice = study.values(arm, 'dice')
  by_epoch = dice[..., cases.is_scored].mean(axis=-1)
  false_ml = study.values(arm, 'predicted_volume_ml')[..., ~cases.is_positive]
  others = [metric for metric in (*METRICS, *study.regions) if metric != 'dice']
  return {
    'n_cases': int(cases.is_scored.sum()),
    'dice': DiceSummary(float(by_epoch.mean()), _sd(by_epoch), float(by_epoch.max())),
    'seed_sd': _sd(by_epoch.mean(axis=1)),
    'all_sizes': float(dice[..., cases.is_positive].mean()),
    'metrics': {k: float(study.values(arm, k)[..., cases.is_scored].mean()) for k in others},
    'false_positive_ml': float(false_ml.mean()) if false_ml.size else None,
    'false_positive_share': float((false_ml > 0).mean()) if false_ml.size else None,
  }


def _sd(values: np.ndarray) -> float | None:
  return float(values.std(ddof=1)) if values.size > 1 else None


def _to_first(
  dice: Mapping[str, np.ndarray], of: np.ndarray | slice, n_resamples: int
) -> dict[str, Interval]:
  """Differences to the first arm over some of the cases."""
  (_, first), *others = dice.items()
  if not others:
    return {}
  differences = np.stack([values - first for _, values in others])[..., of]
  ends = zip(*(part.tolist() for part in bootstrap.bounds(differences, n_resamples)))
  return {name: Interval(*parts) for (name, _), parts in zip(others, ends)}


def _all_to_first(
  dice: Mapping[str, np.ndarray], of: np.ndarray, n_resamples: int
) -> dict[str, Interval]:
  """Differences to the first arm over some of the cases, whose intervals hold together."""
  (_, first), *others = dice.items()
  if not others:
    return {}
  differences = np.stack([values - first for _, values in others])[..., of]
  family = Family(differences, [ALL] * len(others), n_resamples)
  return dict(zip([name for name, _ in others], family.intervals()))


def _critical_difference(by_case: np.ndarray, ranks: str) -> float | None:
  n_cases, n_arms = by_case.shape
  if n_arms < 2:
    return None
  if ranks == CONTROL:
    return significance.critical_difference_to_control(n_arms, n_cases)
  return significance.critical_difference(n_arms, n_cases)


def _nemenyi(arms: tuple[str, ...], by_case: np.ndarray) -> dict[str, dict[str, float]]:
  if len(arms) < 2:
    return {}
  rows = significance.nemenyi(by_case).tolist()
  return {arm: dict(zip(arms, row)) for arm, row in zip(arms, rows)}
