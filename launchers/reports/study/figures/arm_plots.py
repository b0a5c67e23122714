"""Figures with an arm a line: differences with their intervals, Dice over the window, ranks."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from launchers.reports import style
from launchers.reports.study import arm_looks
from launchers.study.arms import Arm
from stroke_eval.statistics.bootstrap import Interval

_LINE_INCHES = 0.185
_WIDTH_INCHES = 4.4
_BOX = '#e8eaed'


def differences(
  arms: Sequence[Arm],
  columns: Mapping[str, Mapping[str, Interval]],
  x_label: str,
  of: Sequence[Arm],
) -> list[Figure]:
  """Differences of Dice with their intervals, in points; filled where the interval excludes 0.

  Args:
    arms: The lines, in groups; a figure has those with a difference in its column.
    columns: Name above a figure -> arm's name -> difference, as a fraction.
    x_label: Below every figure.
    of: All arms of the study, from which an arm has its look.

  Returns:
    A figure for each column, all with the same scale.
  """
  of_system = arm_looks.looks(of)
  span = _span([found for column in columns.values() for found in column.values()])
  figures = []
  for name, column in columns.items():
    shown = [arm for arm in arms if arm.name in column]
    lines = arm_looks.lines(shown)
    figure, axes = lines_figure(lines)
    axes.axvline(0, color=style.INK, linewidth=0.8)
    for arm in shown:
      _draw_interval(axes, column[arm.name], lines.at[arm.name], of_system[arm.system].series)
    axes.set(title=name, xlabel=x_label, xlim=span)
    figures.append(figure)
  return figures


def boxes(arms: Sequence[Arm], values: Mapping[str, np.ndarray], of: Sequence[Arm]) -> Figure:
  """Test Dice in percent over the epochs of the window and the seeds, the paper's beside it.

  Args:
    arms: The lines, in groups.
    values: Arm's name -> mean test Dice of each epoch and seed, as a fraction.
    of: All arms of the study.
  """
  lines, of_system = arm_looks.lines(arms), arm_looks.looks(of)
  figure, axes = lines_figure(lines, line_inches=1.35 * _LINE_INCHES)
  for arm in arms:
    y, look = lines.at[arm.name], of_system[arm.system]
    _draw_box(axes, 100 * np.ravel(values[arm.name]), y, look)
    if arm.published:
      mean, sd = arm.published
      below = y + 0.38
      axes.plot([mean - sd, mean + sd], [below, below], color=style.INK, linewidth=0.8)
      axes.plot(mean, below, '*', color='w', markeredgecolor=style.INK, markersize=7)
  axes.set_xlabel('test Dice (%)')
  return figure


def ranks(
  arms: Sequence[Arm],
  mean_ranks: Mapping[str, float],
  critical_difference: float,
) -> Figure:
  """Mean ranks over the cases, the best on top; bars join arms that do not differ by Nemenyi's test."""
  best_first = sorted(arms, key=lambda arm: mean_ranks[arm.name])
  at = {arm.name: height for height, arm in enumerate(best_first)}
  labels = {arm.name: arm.name for arm in best_first}
  figure, axes = lines_figure(arm_looks.Lines(at, labels, ()), top_lines=2)
  axes.grid(axis='y', visible=True)
  of_system, found = arm_looks.looks(arms), np.array([mean_ranks[arm.name] for arm in best_first])
  for arm, rank in zip(best_first, found):
    look = of_system[arm.system].series
    axes.plot(rank, at[arm.name], look.marker, color=look.colour, markersize=5, zorder=3)
  _draw_joins(axes, joined(found, critical_difference), found)
  start = found.min()
  axes.plot([start, start + critical_difference], [-1, -1], color=style.INK, linewidth=2.2)
  axes.text(
    start + critical_difference / 2,
    -1.25,
    f'critical difference {critical_difference:.2f}',
    ha='center',
    va='bottom',
    fontsize=7.5,
  )
  # The bars stand right of the last rank that there can be.
  ticks = MaxNLocator(6, integer=True).tick_values(1, len(arms))
  axes.set_xticks([tick for tick in ticks if 1 <= tick <= len(arms)])
  axes.set_xlabel('mean rank over the cases (1: highest Dice)')
  return figure


def joined(ranks_in_order: np.ndarray, critical_difference: float) -> list[tuple[int, int]]:
  """First and last of every largest run of at least two ranks within the critical difference."""
  runs, end = [], -1
  for first, rank in enumerate(ranks_in_order):
    last = int(np.flatnonzero(ranks_in_order - rank <= critical_difference)[-1])
    if last > max(first, end):
      runs.append((first, last))
      end = last
  return runs


def lines_figure(
  lines: arm_looks.Lines, top_lines: int = 0, line_inches: float = _LINE_INCHES
) -> tuple[Figure, Axes]:
  """Axes with a line for each arm, their names to the left; read at the width of a phone."""
  height = line_inches * (lines.depth + 1 + top_lines) + 0.75
  figure = Figure(figsize=(_WIDTH_INCHES, height), layout='constrained')
  axes = figure.add_subplot()
  axes.set_yticks(list(lines.at.values()), [lines.labels[name] for name in lines.at])
  axes.set_ylim(lines.depth + 0.7, -0.6 - top_lines)
  axes.tick_params(axis='y', length=0)
  axes.spines['left'].set_visible(False)
  axes.grid(axis='y', visible=False)
  for name, height in lines.headings:
    axes.annotate(
      name,
      (0, height),
      xycoords=('figure fraction', 'data'),
      xytext=(3, 0),
      textcoords='offset points',
      va='center',
      fontsize=8.5,
      fontweight='bold',
      annotation_clip=False,
    )
  return figure, axes


def _span(intervals: Sequence[Interval]) -> tuple[float, float]:
  """Limits that hold all of them and 0, in points."""
  ends = 100 * np.array([0, *(i.low for i in intervals), *(i.high for i in intervals)])
  margin = 0.05 * np.ptp(ends)
  return ends.min() - margin, ends.max() + margin


def _draw_interval(axes: Axes, difference: Interval, y: float, look: style.Series) -> None:
  ends = 100 * np.array([difference.low, difference.high])
  is_clear = ends.min() > 0 or ends.max() < 0
  axes.plot(ends, [y, y], color=look.colour, linewidth=1.5, solid_capstyle='butt')
  axes.plot(
    100 * difference.mean,
    y,
    look.marker,
    markersize=5,
    color=look.colour if is_clear else 'w',
    markeredgecolor=look.colour,
    markeredgewidth=1.2,
    zorder=3,
  )


def _draw_box(axes: Axes, values: np.ndarray, y: float, look: arm_looks.Look) -> None:
  box = axes.boxplot(
    [values],
    positions=[y],
    widths=0.5,
    orientation='horizontal',
    showfliers=False,
    manage_ticks=False,
    patch_artist=True,
    medianprops={'color': style.INK, 'linewidth': 1.6},
    boxprops={'facecolor': _BOX, 'edgecolor': look.series.colour, 'linewidth': 1.0},
    whiskerprops={'color': look.series.colour},
    capprops={'color': look.series.colour},
  )
  box['boxes'][0].set_hatch(look.hatch)


def _draw_joins(axes: Axes, runs: Sequence[tuple[int, int]], found: np.ndarray) -> None:
  """A bar beside the ranks for every run, each in a place of its own."""
  step = 0.035 * max(np.ptp(found), 1)
  for i, (first, last) in enumerate(runs):
    x = found.max() + (i + 1.5) * step
    axes.plot([x, x], [first - 0.3, last + 0.3], color=style.INK, linewidth=2.2)
