"""The tables of a study: the paper's Table 1 beside ours, and all numbers of every arm."""

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from launchers.console import clock
from launchers.reports.page import Table
from launchers.reports.study import formatting
from launchers.reports.study.arm_styles import ArmStyles
from launchers.study.arms import Arm, arm_groups
from launchers.study.external import ExternalResult, claims
from launchers.study.summary import Analysis, ArmRow
from stroke_eval.synthesis_checks import Check

_VERDICTS = {True: 'pass', False: 'attention', None: ''}


@dataclasses.dataclass(frozen=True)
class Cell:
  """An arm in the paper's table.

  Attributes:
    name: Said where the row does not say which arm it is.
    found: Test Dice in percent, or that the arm is not finished.
    published: The paper's, or empty.
  """

  name: str
  found: str
  published: str


@dataclasses.dataclass(frozen=True)
class PaperTable:
  """Table 1 in the paper's layout.

  Attributes:
    head: Names of the columns: training data, baseline, translators.
    rows: What the arms of a row learn from, empty where it goes on; one cell for each further column.
  """

  head: tuple[str, ...]
  rows: tuple[tuple[str, tuple[Cell | None, ...]], ...]

  @property
  def is_published(self) -> bool:
    """Whether any cell has a published value."""
    return any(cell and cell.published for _, cells in self.rows for cell in cells)


def paper_table(styles: ArmStyles, rows: Sequence[ArmRow]) -> PaperTable:
  """Groups from top to bottom, translators from left to right.

  Args:
    styles: Of all arms of the study.
    rows: Those that are finished.
  """
  found, lines = {row.arm.name: row for row in rows}, []
  for name, members in arm_groups(styles.arms).items():
    columns = [[arm for arm in members if arm.system == system] for system in ('', *styles.systems)]
    is_mixed = any(columns[1:])
    for i in range(max(map(len, columns))):
      here = [column[i] if i < len(column) else None for column in columns]
      # In a group without translators a row is an arm and carries its name.
      label = (name if i == 0 else '') if is_mixed else here[0].name
      cells = tuple(arm and _cell(arm, styles.labels[arm.name], label, found) for arm in here)
      lines.append((label, cells))
  return PaperTable(('training data', 'baseline', *styles.systems), tuple(lines))


def _cell(arm: Arm, label: str, of_row: str, found: Mapping[str, ArmRow]) -> Cell:
  dice = formatting.dice(found[arm.name].dice) if arm.name in found else 'not finished'
  name = '' if label == arm.system or arm.name == of_row else label
  return Cell(name, dice, formatting.spread(*arm.published) if arm.published else '')


def dice_table(analysis: Analysis, styles: ArmStyles, note: str = '') -> Table:
  """Dice of every arm with its comparisons."""
  to_first = f'minus {analysis.rows[0].arm.name}'
  head = ['arm', 'mean', 'best', 'sd of seeds', 'all sizes', to_first]
  head += ['minus reference', '', 'corrected', 'p (Holm)', 'clinical cases']
  groups = [('', 1), ('test Dice (%)', 4), ('difference of Dice (points)', 5), ('worth', 1)]
  return Table(head, _grouped(analysis, styles, _dice_cells), note, groups)


def _dice_cells(row: ArmRow) -> list[str]:
  reference = f'to {row.arm.reference}' if row.to_reference else ''
  return [
    formatting.dice(row.dice),
    formatting.percent(row.dice.best),
    formatting.percent(row.seed_sd),
    formatting.percent(row.all_sizes),
    formatting.interval(row.to_clinical),
    formatting.interval(row.to_reference),
    reference,
    formatting.interval(row.claim and row.claim.difference),
    formatting.p_value(row.p_value),
    formatting.worth(row.equivalent),
  ]


def external_table(result: ExternalResult, styles: ArmStyles, note: str = '') -> Table:
  """The arms on a further test set: Dice on the grid, and in the scans beside what the grid allows."""
  head = ['arm', 'Dice (%)', 'minus control, corrected', 'control', 'false positives (ml)']
  head += ['Dice in the scans (%)', 'ceiling of the grid (%)'] if result.native else []
  found, rows = claims(result, [arm for arm in styles.arms if arm.name in result.dice]), []
  for name, values in result.dice.items():
    false_ml = result.false_positive_ml[name]
    claim = found[name][0] if name in found else None
    cells = [
      formatting.percent(float(values.mean())),
      formatting.interval(claim and claim.difference),
      claim.other if claim else '',
      formatting.MISSING if false_ml is None else f'{false_ml:.2f}',
    ]
    if result.native:
      known = np.isfinite(result.native[name]).all(axis=0)
      cells.append(formatting.percent(float(result.native[name][:, known].mean())))
      cells.append(formatting.percent(float(result.ceiling[known].mean())))
    rows.append([name, *cells])
  return Table(head, rows, note)


def metrics_table(analysis: Analysis, styles: ArmStyles, note: str = '') -> Table:
  """Lesion-wise metrics, volumes and distances, and false positives of every arm."""
  head = [
    'arm',
    'precision',
    'recall',
    'F1',
    'volume (ml)',
    'count',
    'HD95 (mm)',
    'volume (ml)',
    'cases',
  ]
  groups = [('', 1), ('lesion-wise (%)', 3), ('absolute difference', 2), ('', 1)]
  groups.append(('false positives', 2))
  regions = [name for name in analysis.rows[0].metrics if name.startswith('dice_')]
  if regions:
    head += [name.removeprefix('dice_').replace('_', ' ') for name in regions]
    groups.append(('Dice (%)', len(regions)))
  cells = lambda row: [*_metrics_cells(row), *(formatting.percent(row.metrics[r]) for r in regions)]
  return Table(head, _grouped(analysis, styles, cells), note, groups)


def _metrics_cells(row: ArmRow) -> list[str]:
  lesions = [row.metrics[f'lesion_{name}'] for name in ('precision', 'recall', 'f1')]
  false_ml, share = row.false_positive_ml, row.false_positive_share
  return [
    *map(formatting.percent, lesions),
    f'{row.metrics["volume_difference_ml"]:.2f}',
    f'{row.metrics["count_difference"]:.2f}',
    f'{row.metrics["hausdorff95_mm"]:.1f}',
    formatting.MISSING if false_ml is None else f'{false_ml:.2f}',
    formatting.MISSING if share is None else f'{100 * share:.0f} %',
  ]


def checks_table(checks: Mapping[str, Sequence[Check]], note: str = '') -> Table:
  """What was generated beside what is real, and whether somebody should look.

  Args:
    checks: Synthetic set -> its checks; several sets stand below one another under their names.
    note: Stands below.
  """
  rows = []
  for name, of_set in checks.items():
    rows += [[name]] if len(checks) > 1 else []
    rows += [
      [
        check.text,
        _checked(check, check.generated),
        _checked(check, check.real),
        check.expected,
        _VERDICTS[check.is_good],
      ]
      for check in of_set
    ]
  return Table(['', 'generated', 'real', 'expected', ''], rows, note)


def _checked(check: Check, value: float | None) -> str:
  is_measured = value is not None and math.isfinite(value)
  return check.form(value) if is_measured else formatting.MISSING


def stage_table(stages: Mapping[str, float], note: str = '') -> Table:
  """Times, those of `name, seed 0`, `name, seed 1` and so on beside one another."""
  rows: dict[str, dict[str, float]] = {}
  for stage, seconds in stages.items():
    name, _, seed = stage.partition(', seed ')
    rows.setdefault(name, {})[seed] = seconds
  seeds = list(dict.fromkeys(seed for row in rows.values() for seed in row))
  cells = [[name, *(clock(row[s]) if s in row else '' for s in seeds)] for name, row in rows.items()]
  sums = [clock(sum(row.get(seed, 0) for row in rows.values())) for seed in seeds]
  head = ['stage', *(f'seed {seed}' if seed else 'time' for seed in seeds)]
  return Table(head, [*cells, ['sum', *sums]], note)


def _grouped(
  analysis: Analysis, styles: ArmStyles, cells: Callable[[ArmRow], list[str]]
) -> list[list[str]]:
  """A row for each arm below the name of its group."""
  rows = []
  for name, members in arm_groups([row.arm for row in analysis.rows]).items():
    rows.append([name])
    of_group = [row for row in analysis.rows if row.arm in members]
    rows += [[styles.labels[row.arm.name], *cells(row)] for row in of_group]
  return rows
