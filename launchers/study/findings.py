"""What a study answers, in sentences that claim no more than its numbers do."""

import dataclasses
from collections.abc import Mapping, Sequence

from launchers.study import arm_looks, wording
from launchers.study.arms import ALL, Arm
from launchers.study.bootstrap import Interval
from launchers.study.summary import Analysis, ArmRow


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
  n_seeds = analysis.n_seeds
  first = analysis.rows[0].arm.name
  to_references, to_first = [], []
  for members in arm_looks.groups([row.arm for row in analysis.rows]).values():
    rows = [row for row in analysis.rows if row.arm in members and is_asked(row.arm)]
    others = dict.fromkeys(row.arm.reference for row in rows if row.to_reference)
    for other in others:
      compared = [row for row in rows if row.to_reference and row.arm.reference == other]
      differences = [row.to_reference for row in compared]
      to_references.append(_finding(compared, differences, other, n_seeds))
    compared = [row for row in rows if row.to_clinical and not row.to_reference]
    if compared:
      differences = [row.to_clinical for row in compared]
      to_first.append(_finding(compared, differences, first, n_seeds))
  # What synthetic cases do comes before what else was tried.
  return sorted(to_references + to_first, key=lambda finding: not finding.is_on_synthetic)


def verdict(differences: Mapping[str, Interval], n_seeds: int) -> str:
  """Names by where their interval lies, such as `Higher with a and b. No difference shown with c.`

  One training is no way to train, whatever its cases show; then the answer is about the trainings.
  """
  by_side = {'Higher with': [], 'Lower with': [], 'No difference shown with': []}
  for name, d in differences.items():
    side = 'Higher' if d.low > 0 else 'Lower' if d.high < 0 else 'No difference shown'
    by_side[f'{side} with'].append(name)
  answer = ' '.join(f'{side} {wording.listed(names)}.' for side, names in by_side.items() if names)
  return answer if n_seeds > 1 else f'In one training each: {answer[0].lower()}{answer[1:]}'


def is_asked(arm: Arm) -> bool:
  """Whether a study is about it; fewer clinical cases alone only serve as its learning curve."""
  return arm_looks.uses_synthetic(arm) or arm.n_clinical == ALL


def _finding(
  rows: Sequence[ArmRow], differences: Sequence[Interval], other: str, n_seeds: int
) -> Finding:
  by_name = {arm_looks.label(row.arm): d for row, d in zip(rows, differences)}
  gains = tuple(
    Gain(name, wording.points(d.mean), wording.ends(d), _worth(row))
    for (name, d), row in zip(by_name.items(), rows)
  )
  group = arm_looks.group(rows[0].arm)
  # A group that is named like the arm it is compared with does not tell its arms from it.
  arms = wording.listed(list(by_name)) if group == other else group
  is_on_synthetic = any(arm_looks.uses_synthetic(row.arm) for row in rows)
  return Finding(arms, other, verdict(by_name, n_seeds), gains, is_on_synthetic)


def _worth(row: ArmRow) -> tuple[str, str]:
  return ('', '') if row.arm.n_clinical == ALL else wording.worth_parts(row.equivalent)
