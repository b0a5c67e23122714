"""Differences of Dice with their intervals: Figure 1, and Figures 10 and 11 over parts of the cases."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from launchers.reports import style
from launchers.reports.page import Panel, Section
from launchers.reports.study import formatting
from launchers.reports.study.arm_styles import ArmStyles
from launchers.reports.study.figures.arm_lines import grouped_lines, lines_figure
from launchers.study.analysis import MIN_IN_TERRITORY
from launchers.study.arms import Arm
from launchers.study.summary import Analysis
from stroke_eval.statistics.bootstrap import Interval

# What stands above a figure -> arm's name -> difference.
Columns = Mapping[str, Mapping[str, Interval]]


def differences(analysis: Analysis, styles: ArmStyles, commands: Sequence[str]) -> Section | None:
  """Figure 1: every tested arm against its reference, or the first arm; None without any."""
  columns: dict[str, dict[str, Interval]] = {}
  for name, is_referred in ((f'minus {styles.arms[0].name}', False), ('minus its reference', True)):
    rows = [row for row in analysis.rows if row.claim and bool(row.to_reference) == is_referred]
    if rows:
      columns[name] = {row.arm.name: row.claim.difference for row in rows}
  told = ' The reference of an arm stands in Table 2.' if 'minus its reference' in columns else ''
  caption = (
    f'Difference of Dice, paired by case, n = {analysis.rows[0].n_cases} cases, '
    f'{formatting.seeds(analysis.n_seeds)}. {_intervals(analysis)} They hold '
    f'for all arms together.{told}'
  )
  return _section(1, 'Differences of Dice', analysis, columns, styles, caption, commands)


def differences_by_size(
  analysis: Analysis, styles: ArmStyles, commands: Sequence[str]
) -> Section | None:
  """Figure 10: differences to the first arm by tertile of lesion volume; None without any."""
  columns = _counted(analysis.by_size, analysis.n_by_size)
  caption = _part_caption('Tertiles of the true volume', analysis, styles)
  return _section(10, 'Difference by lesion size', analysis, columns, styles, caption, commands)


def differences_by_territory(
  analysis: Analysis, styles: ArmStyles, commands: Sequence[str]
) -> Section | None:
  """Figure 11: differences to the first arm by arterial territory; None without any."""
  columns = _counted(analysis.by_territory, analysis.n_by_territory)
  territory = (
    'The territory that holds most of what of the lesion lies in any (other: those with fewer than '
    f'{MIN_IN_TERRITORY} cases)'
  )
  caption = _part_caption(territory, analysis, styles)
  title = 'Difference by arterial territory'
  return _section(11, title, analysis, columns, styles, caption, commands)


def draw(arms: Sequence[Arm], columns: Columns, styles: ArmStyles) -> list[Figure]:
  """Differences in points; a mark is filled where the interval excludes 0.

  Args:
    arms: The lines, in groups; a figure has those with a difference in its column.
    columns: Name above a figure -> arm's name -> difference, as a fraction.
    styles: Of all arms of the study.

  Returns:
    A figure for each column, all with the same scale.
  """
  span = _span([found for column in columns.values() for found in column.values()])
  figures = []
  for name, column in columns.items():
    shown = [arm for arm in arms if arm.name in column]
    lines = grouped_lines(shown, styles)
    figure, axes = lines_figure(lines)
    axes.axvline(0, color=style.INK, linewidth=0.8)
    for arm in shown:
      _draw_interval(axes, column[arm.name], lines.at[arm.name], styles.series(arm))
    axes.set(title=name, xlabel='points of Dice', xlim=span)
    figures.append(figure)
  return figures


def _section(number, title, analysis, columns, styles, caption, commands) -> Section | None:
  arms = [row.arm for row in analysis.rows if row.arm.is_tested and row.to_clinical]
  if not arms or not columns:
    return None
  panels = [
    Panel(style.svg_uri(figure), f'Differences of Dice: {name}')
    for name, figure in zip(columns, draw(arms, columns, styles))
  ]
  return Section(title, panels, caption, commands, columns=min(len(panels), 3), number=number)


def _counted(parts: Columns, n_cases: Mapping[str, int]) -> Columns:
  return {f'{name}, n = {n_cases[name]}': by_arm for name, by_arm in parts.items()}


def _part_caption(of_what: str, analysis: Analysis, styles: ArmStyles) -> str:
  return (
    f'{of_what}; n is its number of test cases. Difference of Dice to {styles.arms[0].name}, paired by '
    f'case, {formatting.seeds(analysis.n_seeds)}. {_intervals(analysis)} Intervals hold '
    'for all arms of a part together; they are not corrected for the number of parts.'
  )


def _intervals(analysis: Analysis) -> str:
  over = formatting.cases_and_seeds(analysis.n_seeds)
  return f'Lines: 95 % interval over {over}; filled marks: it excludes 0.'


def _span(intervals: Sequence[Interval]) -> tuple[float, float]:
  """Limits that hold all of them and 0, in points."""
  ends = 100 * np.array([0, *(i.low for i in intervals), *(i.high for i in intervals)])
  margin = 0.05 * np.ptp(ends)
  return ends.min() - margin, ends.max() + margin


def _draw_interval(axes: Axes, difference: Interval, y: float, series: style.Series) -> None:
  ends = 100 * np.array([difference.low, difference.high])
  is_clear = ends.min() > 0 or ends.max() < 0
  axes.plot(ends, [y, y], color=series.colour, linewidth=1.5, solid_capstyle='butt')
  axes.plot(
    100 * difference.mean,
    y,
    series.marker,
    markersize=5,
    color=series.colour if is_clear else 'w',
    markeredgecolor=series.colour,
    markeredgewidth=1.2,
    zorder=3,
  )
