"""How many clinical cases an arm is worth: Figure 9."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator
from scipy import optimize

from launchers.reports import style
from launchers.reports.page import Panel, Section
from launchers.reports.study import formatting
from launchers.reports.study.arm_styles import ArmStyles
from launchers.reports.study.figures.arm_lines import grouped_lines, lines_figure
from launchers.study.arms import ALL
from launchers.study.summary import Analysis, ArmRow
from stroke_eval.statistics.bootstrap import Interval

# Number of clinical cases and Dice after training on them alone, ascending.
Curve = Sequence[tuple[int, Interval]]

_BEYOND = 1.15


def worth(
  analysis: Analysis, styles: ArmStyles, commands: Sequence[str], origin: str
) -> Section | None:
  """Figure 9: worth of the arms, and where they meet the learning curve; None without such a curve.

  Args:
    analysis: Statistics of the study.
    styles: Of all arms of the study.
    commands: What made the study.
    origin: What synthetic cases were made of, in sentences; may be empty.
  """
  rows, curve = [row for row in analysis.rows if row.equivalent], analysis.learning_curve
  if not rows or len(curve) < 2:
    return None
  panels = [
    Panel(style.svg_uri(draw_worth(rows, curve, styles)), 'Clinical cases that each arm is worth'),
    Panel(style.svg_uri(draw_curve(rows, curve, styles)), 'Dice by number of clinical cases'),
  ]
  caption = _caption(analysis, origin)
  title = 'How many clinical cases an arm is worth'
  return Section(title, panels, caption, commands, columns=2, number=9)


def draw_worth(rows: Sequence[ArmRow], curve: Curve, styles: ArmStyles) -> Figure:
  """The clinical cases that each arm is worth, from those that it learnt from."""
  lines, counts = grouped_lines([row.arm for row in rows], styles), [n for n, _ in curve]
  figure, axes = lines_figure(lines)
  for row in rows:
    y, used = lines.at[row.arm.name], row.arm.n_clinical
    if used:
      axes.plot(max(counts) if used == ALL else used, y, '|', color=style.INK, markersize=9, zorder=4)
    _draw_equivalent(axes, row, y, styles.series(row.arm))
  _log_counts(axes, counts)
  axes.set(title='Worth of an arm', xlabel='clinical cases')
  return figure


def draw_curve(rows: Sequence[ArmRow], curve: Curve, styles: ArmStyles) -> Figure:
  """Where arms meet the learning curve of clinical cases alone; those beyond it are left out.

  The line of the curve is as monotone as what arms are worth.
  """
  figure, axes = style.plot_panel('Clinical cases alone', 'clinical cases', 'test Dice (%)')
  figure.set_size_inches(4.4, 3.4)
  counts = [n for n, _ in curve]
  ends = 100 * np.array([[dice.mean, dice.low, dice.high] for _, dice in curve])
  axes.fill_between(counts, ends[:, 1], ends[:, 2], color=style.RULE, linewidth=0)
  axes.plot(counts, ends[:, 0], 's', color=style.INK, markersize=4)
  axes.plot(counts, optimize.isotonic_regression(ends[:, 0]).x, '-', color=style.INK)
  for row in rows:
    if not row.equivalent.n_beyond:
      _draw_mark(axes, row.equivalent.n, 100 * row.dice.mean, styles.series(row.arm), 5.5)
  _log_counts(axes, counts)
  return figure


def _caption(analysis: Analysis, origin: str) -> str:
  counts = ', '.join(str(n) for n, _ in analysis.learning_curve)
  over = formatting.cases_and_seeds(analysis.n_seeds)
  return (
    'Worth of an arm: upright strokes are the clinical cases that it learnt from, marks the number '
    f'that would give its Dice alone, lines the 95 % interval over {over}; arrowheads point to '
    f'what lies beyond the learning curve. Clinical cases alone: that curve, from {counts} of them '
    '(squares; band: 95 % interval), straight over the logarithm of their number, neighbours that fall '
    'averaged, with the arms that are not beyond it. '
    f'n = {analysis.rows[0].n_cases} test cases, {formatting.seeds(analysis.n_seeds)}. {origin}'
  ).rstrip()


def _draw_equivalent(axes: Axes, row: ArmRow, y: float, series: style.Series) -> None:
  found = row.equivalent
  ends = _outside(found.low, found.low_beyond), _outside(found.high, found.high_beyond)
  axes.plot(ends, [y, y], color=series.colour, linewidth=1.5)
  for end, beyond in zip(ends, (found.low_beyond, found.high_beyond)):
    if beyond:
      axes.plot(end, y, beyond, color=series.colour, markersize=5)
  if not found.n_beyond:
    _draw_mark(axes, found.n, y, series, 5)
  elif not (found.low_beyond or found.high_beyond):
    axes.plot(_outside(found.n, found.n_beyond), y, found.n_beyond, color=series.colour, markersize=5)


def _draw_mark(axes: Axes, x: float, y: float, series: style.Series, size: float) -> None:
  edge = {'markeredgecolor': series.colour, 'markeredgewidth': 1.2}
  axes.plot(x, y, series.marker, color='w', markersize=size, zorder=5, **edge)


def _outside(n: float, beyond: str) -> float:
  """Where a number is drawn: what lies beyond the curve stands outside of it."""
  return {'': n, '<': n / _BEYOND, '>': n * _BEYOND}[beyond]


def _log_counts(axes: Axes, counts: Sequence[int]) -> None:
  axes.set_xscale('log')
  axes.set_xlim(min(counts) / _BEYOND**1.7, max(counts) * _BEYOND**1.7)
  axes.xaxis.set_major_locator(FixedLocator(counts))
  axes.xaxis.set_minor_locator(NullLocator())
  axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f'{value:g}'))
