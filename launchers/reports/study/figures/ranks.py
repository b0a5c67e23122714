"""Mean ranks of the arms with what separates them: Figure 12."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from launchers.reports import style
from launchers.reports.page import Panel, Section
from launchers.reports.study import formatting
from launchers.reports.study.arm_styles import ArmStyles
from launchers.reports.study.figures.arm_lines import ArmLines, lines_figure
from launchers.study.arms import Arm
from launchers.study.summary import Analysis


def ranks(analysis: Analysis, styles: ArmStyles, commands: Sequence[str]) -> Section | None:
  """Figure 12: mean ranks over the cases; None with too few arms for Friedman's test."""
  if analysis.friedman is None or analysis.critical_difference is None:
    return None
  arms, test = [row.arm for row in analysis.rows], analysis.friedman
  control = analysis.ranked_to
  figure = draw(arms, analysis.mean_ranks, analysis.critical_difference, styles, control)
  panel = Panel(style.svg_uri(figure), 'Mean ranks of the arms with the critical difference')
  shown = (
    f'Filled marks differ from {control} at 5 % (Bonferroni-Dunn), whose band is grey.'
    if control
    else 'Upright bars join arms between which no difference is shown at 5 % (Nemenyi).'
  )
  caption = (
    f'Mean rank of an arm over n = {test.n_cases} cases by Dice, mean of '
    f'{formatting.seeds(analysis.n_seeds)}. {shown} Friedman test of '
    f'{test.n_arms} arms: chi-squared {test.statistic:.1f}, '
    f'{formatting.p_text(test.p_value)}. '
    'Both tests speak of the cases alone, not of how much trainings vary.'
  )
  return Section('Ranks of the arms', [panel], caption, commands, columns=1, number=12)


def draw(
  arms: Sequence[Arm],
  mean_ranks: Mapping[str, float],
  critical_difference: float,
  styles: ArmStyles,
  control: str = '',
) -> Figure:
  """Mean ranks over the cases, the best on top.

  Args:
    arms: All of them.
    mean_ranks: Arm's name -> mean rank.
    critical_difference: Of all pairs, or to the control.
    styles: Of all arms of the study.
    control: A band of the critical difference lies around it, and marks outside are filled; without
      one, bars join arms that do not differ.
  """
  best_first = sorted(arms, key=lambda arm: mean_ranks[arm.name])
  at = {arm.name: float(height) for height, arm in enumerate(best_first)}
  lines = ArmLines(at, {name: name for name in at})
  figure, axes = lines_figure(lines, top_lines=2)
  axes.grid(axis='y', visible=True)
  found = np.array([mean_ranks[arm.name] for arm in best_first])
  for arm, rank in zip(best_first, found):
    series = styles.series(arm)
    is_clear = not control or abs(rank - mean_ranks[control]) > critical_difference
    fill = series.colour if is_clear else 'w'
    edge = {'markeredgecolor': series.colour, 'markeredgewidth': 1.2}
    axes.plot(rank, at[arm.name], series.marker, color=fill, markersize=5, zorder=3, **edge)
  if control:
    band = mean_ranks[control] - critical_difference, mean_ranks[control] + critical_difference
    axes.axvspan(*band, color=style.RULE, linewidth=0)
  else:
    _draw_joins(axes, joined(found, critical_difference), found)
  _draw_critical_difference(axes, found.min(), critical_difference)
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


def _draw_joins(axes: Axes, runs: Sequence[tuple[int, int]], found: np.ndarray) -> None:
  """A bar beside the ranks for every run, each in a place of its own."""
  step = 0.035 * max(np.ptp(found), 1)
  for i, (first, last) in enumerate(runs):
    x = found.max() + (i + 1.5) * step
    axes.plot([x, x], [first - 0.3, last + 0.3], color=style.INK, linewidth=2.2)


def _draw_critical_difference(axes: Axes, start: float, width: float) -> None:
  """A bar of its width above the ranks."""
  axes.plot([start, start + width], [-1, -1], color=style.INK, linewidth=2.2)
  text = f'critical difference {width:.2f}'
  axes.text(start + width / 2, -1.25, text, ha='center', va='bottom', fontsize=7.5)
