"""What a study answers, in sentences that claim no more than its numbers do."""

import dataclasses
from collections.abc import Mapping, Sequence

from launchers.study import looks, wording
from launchers.study.analysis import Analysis, ArmRow
from launchers.study.arms import ALL, Arm
from launchers.study.bootstrap import Interval


@dataclasses.dataclass(frozen=True)
class Gain:
  """The difference of an arm to what it is compared with.

  Attributes:
    name: Of the arm within its group.
    points: Mean difference of Dice.
    interval: Its 95 % interval.
    worth: The clinical cases that the arm is worth and their interval; empty where it learns from all.
  """

  name: str
  points: str
  interval: str
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


def findings(analysis: Analysis) -> list[Finding]:
  """One for each group of arms and what they are compared with, their references before the first arm.

  An arm with a reference is compared with it alone: that tells what its synthetic cases did.
  """
  first = analysis.rows[0].arm.name
  to_references, to_first = [], []
  for members in looks.groups([row.arm for row in analysis.rows]).values():
    rows = [row for row in analysis.rows if row.arm in members and is_asked(row.arm)]
    others = dict.fromkeys(row.arm.reference for row in rows if row.to_reference)
    for other in others:
      compared = [row for row in rows if row.to_reference and row.arm.reference == other]
      to_references.append(_finding(compared, [row.to_reference for row in compared], other))
    compared = [row for row in rows if row.to_clinical and not row.to_reference]
    if compared:
      to_first.append(_finding(compared, [row.to_clinical for row in compared], first))
  # What synthetic cases do comes before what else was tried.
  return sorted(to_references + to_first, key=lambda finding: not finding.is_on_synthetic)


def verdict(differences: Mapping[str, Interval]) -> str:
  """Names by where their interval lies, such as `Higher with a and b. No difference shown with c.`"""
  by_side = {'Higher with': [], 'Lower with': [], 'No difference shown with': []}
  for name, d in differences.items():
    side = 'Higher' if d.low > 0 else 'Lower' if d.high < 0 else 'No difference shown'
    by_side[f'{side} with'].append(name)
  return ' '.join(f'{side} {wording.listed(names)}.' for side, names in by_side.items() if names)


def is_asked(arm: Arm) -> bool:
  """Whether a study is about it; fewer clinical cases alone only serve as its learning curve."""
  return looks.uses_synthetic(arm) or arm.n_clinical == ALL


def _finding(rows: Sequence[ArmRow], differences: Sequence[Interval], other: str) -> Finding:
  by_name = {looks.label(row.arm): d for row, d in zip(rows, differences)}
  gains = tuple(
    Gain(name, wording.points(d.mean), wording.ends(d), _worth(row))
    for (name, d), row in zip(by_name.items(), rows)
  )
  group = looks.group(rows[0].arm)
  # A group that is named like the arm it is compared with does not tell its arms from it.
  arms = wording.listed(list(by_name)) if group == other else group
  is_on_synthetic = any(looks.uses_synthetic(row.arm) for row in rows)
  return Finding(arms, other, verdict(by_name), gains, is_on_synthetic)


def _worth(row: ArmRow) -> tuple[str, str]:
  return ('', '') if row.arm.n_clinical == ALL else wording.worth_parts(row.equivalent)
