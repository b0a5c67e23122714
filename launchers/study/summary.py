"""What a study says: a row for each arm and the comparisons between them. Dice is in [0, 1]."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from launchers.study.arms import Arm
from stroke_eval.plain_values import plain
from stroke_eval.statistics.bootstrap import Interval
from stroke_eval.statistics.equivalents import Equivalent
from stroke_eval.statistics.significance import Friedman


@dataclasses.dataclass(frozen=True)
class DiceSummary:
  """Test Dice as published: of its means over the scored cases, one for each evaluated epoch and seed.

  Attributes:
    mean: Of these values.
    sd: Their standard deviation, n - 1; None of a single one.
    best: The largest.
  """

  mean: float
  sd: float | None
  best: float


@dataclasses.dataclass(frozen=True)
class Claim:
  """What the study says of an arm against another one.

  Attributes:
    other: That one's name.
    difference: Of Dice, with an interval that holds together with those of all claims of the study.
    is_equivalent: Whether the difference is shown to lie within the margin, by two one-sided tests at
      the level that holds for all claims.
    p_value: Of the difference by Wilcoxon's test, after Holm over all claims.
  """

  other: str
  difference: Interval
  is_equivalent: bool
  p_value: float


@dataclasses.dataclass(frozen=True)
class ArmRow:
  """An arm of the study, finished for every seed.

  Attributes:
    arm: The arm.
    n_cases: Scored test cases.
    dice: Over scored cases.
    seed_sd: Standard deviation of Dice between seeds, n - 1; None with one seed.
    all_sizes: Mean Dice over test lesions of any size.
    metrics: Metric of METRICS except dice, or Dice of a class or union of classes (`Study.regions`) ->
      mean over scored cases, evaluated epochs and seeds.
    false_positive_ml: Mean predicted volume in cases without lesion; None where there are none.
    false_positive_share: Share of them, over evaluated epochs and seeds, with any predicted voxel; None
      likewise.
    to_clinical: Difference of Dice to the study's first arm; None for itself.
    to_reference: Difference of Dice to the arm's reference; None where it has none that is finished.
    claims: What the study says of it: against its reference, or the first arm, and then against its
      rivals; none of an arm that it does not ask about.
    equivalent: Clinical cases alone that give the same Dice; None on the learning curve itself, and
      where `no_worth` says why.
    no_worth: Why it is not computed; empty where it is, and without a learning curve.
  """

  arm: Arm
  n_cases: int
  dice: DiceSummary
  seed_sd: float | None
  all_sizes: float
  metrics: Mapping[str, float]
  false_positive_ml: float | None
  false_positive_share: float | None
  to_clinical: Interval | None
  to_reference: Interval | None
  claims: tuple[Claim, ...]
  equivalent: Equivalent | None
  no_worth: str

  @property
  def difference(self) -> Interval | None:
    """What the study asks of the arm: to its reference where it has one, else to the first arm."""
    return self.to_reference or self.to_clinical

  @property
  def claim(self) -> Claim | None:
    """Of `difference`; None of an arm that the study does not ask about."""
    return self.claims[0] if self.claims else None

  @property
  def p_value(self) -> float | None:
    """Of `difference`, likewise."""
    return self.claim.p_value if self.claim else None


@dataclasses.dataclass(frozen=True)
class Analysis:
  """The statistics of a study over the arms that are finished.

  Attributes:
    rows: In the study's order.
    unfinished: Names of the arms that are missing here.
    n_seeds: With one seed every interval is over cases alone.
    friedman: Friedman's test of all arms; None with fewer than three.
    mean_ranks: Arm -> mean over cases of its rank by Dice, 1 the best.
    critical_difference: Of mean ranks that differ at 5 %; None with one arm.
    ranked_to: The arm that ranks are compared with (Bonferroni-Dunn); empty where all pairs are
      (Nemenyi).
    margin: Differences of Dice up to here are equivalence.
    nemenyi: Arm -> arm -> p value.
    by_size: Tertile of lesion volume, such as `small, 1.4 to 5.3 ml` -> arm -> difference of Dice to
      the first arm, with intervals that hold together in their tertile; a tertile of one case has none
      and is left out.
    by_territory: Territory, or `other` for those with fewer than 5 scored cases -> the same; a single
      case of `other` is left out.
    n_by_size: Tertile -> scored cases.
    n_by_territory: Territory -> scored cases.
    learning_curve: Number of clinical cases and Dice after training on them alone, ascending.
  """

  rows: tuple[ArmRow, ...]
  unfinished: tuple[str, ...]
  n_seeds: int
  friedman: Friedman | None
  mean_ranks: Mapping[str, float]
  critical_difference: float | None
  ranked_to: str
  margin: float
  nemenyi: Mapping[str, Mapping[str, float]]
  by_size: Mapping[str, Mapping[str, Interval]]
  by_territory: Mapping[str, Mapping[str, Interval]]
  n_by_size: Mapping[str, int]
  n_by_territory: Mapping[str, int]
  learning_curve: tuple[tuple[int, Interval], ...]

  def to_json(self) -> dict[str, Any]:
    """Plain values for statistics.json; None for what is not finite."""
    return plain(dataclasses.asdict(self), digits=None)
