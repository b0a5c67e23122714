"""What a study answers, in sentences that claim no more than its numbers do."""

import dataclasses
from collections.abc import Collection, Mapping

from launchers.reports.study import formatting
from launchers.reports.study.arm_styles import ArmStyles
from launchers.study.arms import ALL
from launchers.study.summary import Analysis, ArmRow, Claim
from stroke_eval.statistics.bootstrap import Interval

_OPEN = 'No difference shown with'


@dataclasses.dataclass(frozen=True)
class Gain:
  """The difference of an arm to what it is compared with.

  Attributes:
    name: Of the arm within its group.
    points: Mean difference of Dice.
    interval: Its 95 % interval, that of all arms together.
    p: Its corrected p value; empty where there is none.
    worth: The clinical cases that the arm is worth and their interval; empty where it learns from all,
      and where that is not computed.
  """

  name: str
  points: str
  interval: str
  p: str
  worth: tuple[str, str]


@dataclasses.dataclass(frozen=True)
class Finding:
  """An answer.

  Attributes:
    arms: Which arms are asked about.
    other: What they are compared with.
    answer: Which of them are higher, which lower, and which do not differ.
    gains: Their numbers.
    is_on_synthetic: Whether it is about synthetic cases.
  """

  arms: str
  other: str
  answer: str
  gains: tuple[Gain, ...]
  is_on_synthetic: bool


def findings(analysis: Analysis, styles: ArmStyles) -> list[Finding]:
  """One for each group of arms and what they are compared with, their references before the first arm.

  An arm with a reference is compared with it and not with the first arm: that tells what its synthetic
  cases did.
  """
  first, *others = analysis.rows
  compared: dict[tuple[str, str], dict[str, tuple[ArmRow, Claim]]] = {}
  for row in others:
    for claim in row.claims if row.arm.is_tested else ():
      of_group = compared.setdefault((row.arm.group_name, claim.other), {})
      of_group[styles.labels[row.arm.name]] = row, claim
  found = [_finding(group, other, rows, analysis) for (group, other), rows in compared.items()]
  # What synthetic cases do comes before what else was tried.
  return sorted(
    found, key=lambda finding: (not finding.is_on_synthetic, finding.other == first.arm.name)
  )


def verdict(
  claims: Mapping[str, Interval],
  n_seeds: int,
  equivalent: Collection[str] = (),
  margin: float = 0.0,
) -> str:
  """Names by where their interval lies, such as `Higher with a and b. No difference shown with c.`

  One training is no way to train, whatever its cases show; then the answer is about the trainings.

  Args:
    claims: Name -> difference, of intervals that hold together.
    n_seeds: Trainings of each.
    equivalent: The names whose difference is shown to lie within the margin.
    margin: As a fraction.
  """
  within = f'Equivalent within {100 * margin:g} points with'
  by_side = {'Higher with': [], 'Lower with': [], within: [], _OPEN: []}
  for name, claim in claims.items():
    side = 'Higher with' if claim.low > 0 else 'Lower with' if claim.high < 0 else _OPEN
    by_side[within if side == _OPEN and name in equivalent else side].append(name)
  answer = ' '.join(f'{side} {formatting.listed(names)}.' for side, names in by_side.items() if names)
  return answer if n_seeds > 1 else f'In one training each: {answer[0].lower()}{answer[1:]}'


def _finding(
  group: str, other: str, rows: Mapping[str, tuple[ArmRow, Claim]], analysis: Analysis
) -> Finding:
  gains = tuple(
    Gain(
      label,
      formatting.points(claim.difference.mean),
      formatting.ends(claim.difference),
      formatting.p_text(claim.p_value),
      _worth(row),
    )
    for label, (row, claim) in rows.items()
  )
  # A group that is named like the arm it is compared with does not tell its arms from it.
  arms = formatting.listed(list(rows)) if group == other else group
  is_on_synthetic = any(row.arm.uses_synthetic for row, _ in rows.values())
  claims = {label: claim.difference for label, (_, claim) in rows.items()}
  equivalent = [label for label, (_, claim) in rows.items() if claim.is_equivalent]
  answer = verdict(claims, analysis.n_seeds, equivalent, analysis.margin)
  return Finding(arms, other, answer, gains, is_on_synthetic)


def _worth(row: ArmRow) -> tuple[str, str]:
  return ('', '') if row.arm.n_clinical == ALL else formatting.worth_parts(row.equivalent)
