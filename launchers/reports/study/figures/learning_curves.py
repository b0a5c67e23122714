"""Figures over epochs and over numbers of clinical cases."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator
from scipy import optimize

from launchers.reports import style
from launchers.reports.study import arm_looks
from launchers.reports.study.figures import arm_plots
from launchers.study.arms import ALL, Arm, arm_labels
from launchers.study.results import Study
from launchers.study.summary import ArmRow
from stroke_eval.statistics.bootstrap import Interval

_BEYOND = 1.15
# Metric of a curve, its name and its scale.
_CURVES = (
  ('dice', 'training Dice (%)', 100),
  ('test_dice', 'test Dice (%)', 100),
  ('loss', 'training loss', 1),
  ('test_loss', 'test loss', 1),
)


def learning_curves(study: Study, name: str, arms: Sequence[Arm]) -> Figure:
  """Dice and loss of the arms of a group by epoch: mean over the seeds, and their range."""
  figure = Figure(figsize=(4.6, 4.0), layout='constrained')
  all_axes, labels = figure.subplots(2, 2, sharex=True).ravel(), arm_labels(arms)
  for axes, (metric, title, scale) in zip(all_axes, _CURVES):
    for arm, look in zip(arms, _different(arms, study)):
      values = [study.results[arm.name, seed].curve for seed in study.seeds]
      epochs = values[0]['epoch']
      _draw_range(axes, epochs, scale * np.stack([v[metric] for v in values]), look, labels[arm.name])
    axes.set_title(title, fontsize=8.5)
    _draw_windows(axes, arms)
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
  for axes in all_axes[2:]:
    axes.set_xlabel('epoch')
  figure.suptitle(name, x=0.01, ha='left', fontsize=9.5, fontweight='bold')
  if len(arms) > 1:
    handles, labels = all_axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc='outside lower left', ncols=2)
  return figure


def equivalents(
  rows: Sequence[ArmRow], curve: Sequence[tuple[int, Interval]], arms: Sequence[Arm]
) -> Figure:
  """Where arms meet the learning curve of clinical cases alone.

  Args:
    rows: Arms with an equivalent; those beyond the curve are left out.
    curve: Number of clinical cases and Dice, ascending; its line is as monotone as what arms are worth.
    arms: All arms of the study.
  """
  of_system = arm_looks.looks(arms)
  figure, axes = style.plot_panel('Clinical cases alone', 'clinical cases', 'test Dice (%)')
  figure.set_size_inches(4.4, 3.4)
  counts = [n for n, _ in curve]
  ends = 100 * np.array([[dice.mean, dice.low, dice.high] for _, dice in curve])
  axes.fill_between(counts, ends[:, 1], ends[:, 2], color=style.RULE, linewidth=0)
  axes.plot(counts, ends[:, 0], 's', color=style.INK, markersize=4)
  axes.plot(counts, optimize.isotonic_regression(ends[:, 0]).x, '-', color=style.INK)
  for row in rows:
    if row.equivalent.n_beyond:
      continue
    look = of_system[row.arm.system].series
    axes.plot(
      row.equivalent.n,
      100 * row.dice.mean,
      look.marker,
      color='w',
      markersize=5.5,
      markeredgecolor=look.colour,
      markeredgewidth=1.2,
      zorder=4,
    )
  _log_counts(axes, counts)
  return figure


def worth(rows: Sequence[ArmRow], curve: Sequence[tuple[int, Interval]], arms: Sequence[Arm]) -> Figure:
  """The clinical cases that each arm is worth, from those that it learnt from."""
  shown = [row.arm for row in rows]
  lines, of_system, counts = arm_looks.lines(shown), arm_looks.looks(arms), [n for n, _ in curve]
  figure, axes = arm_plots.lines_figure(lines)
  for row in rows:
    y, look, found = lines.at[row.arm.name], of_system[row.arm.system].series, row.equivalent
    used = row.arm.n_clinical
    if used:
      axes.plot(max(counts) if used == ALL else used, y, '|', color=style.INK, markersize=9, zorder=4)
    ends = _outside(found.low, found.low_beyond), _outside(found.high, found.high_beyond)
    axes.plot(ends, [y, y], color=look.colour, linewidth=1.5)
    for end, beyond in zip(ends, (found.low_beyond, found.high_beyond)):
      if beyond:
        axes.plot(end, y, beyond, color=look.colour, markersize=5)
    if not found.n_beyond:
      edge = {'markeredgecolor': look.colour, 'markeredgewidth': 1.2}
      axes.plot(found.n, y, look.marker, color='w', markersize=5, zorder=5, **edge)
    elif not (found.low_beyond or found.high_beyond):
      axes.plot(_outside(found.n, found.n_beyond), y, found.n_beyond, color=look.colour, markersize=5)
  _log_counts(axes, counts)
  axes.set(title='Worth of an arm', xlabel='clinical cases')
  return figure


def _outside(n: float, beyond: str) -> float:
  """Where a number is drawn: what lies beyond the curve stands outside of it."""
  return {'': n, '<': n / _BEYOND, '>': n * _BEYOND}[beyond]


def _log_counts(axes: Axes, counts: Sequence[int]) -> None:
  axes.set_xscale('log')
  axes.set_xlim(min(counts) / _BEYOND**1.7, max(counts) * _BEYOND**1.7)
  axes.xaxis.set_major_locator(FixedLocator(counts))
  axes.xaxis.set_minor_locator(NullLocator())
  axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f'{value:g}'))


def _draw_windows(axes: Axes, arms: Sequence[Arm]) -> None:
  """Shades the evaluated epochs; no two arms of a group need have the same."""
  for window in {arm.evaluated_range for arm in arms}:
    axes.axvspan(window.start - 0.5, window.stop - 0.5, color='#f3f4f6', linewidth=0)


def _different(arms: Sequence[Arm], study: Study) -> list[style.Series]:
  """Translators keep their look; the group's other arms take the looks that are left."""
  of_system = arm_looks.looks(study.arms)
  taken = [of_system[arm.system].series for arm in arms if arm.system]
  free = [of_system[''].series, *(s for s in style.SERIES if s is not of_system[''].series)]
  free = [look for look in free if look not in taken] or list(style.SERIES)
  others = [arm for arm in arms if not arm.system]
  return [
    of_system[arm.system].series if arm.system else free[others.index(arm) % len(free)] for arm in arms
  ]


def _draw_range(
  axes: Axes, epochs: np.ndarray, values: np.ndarray, look: style.Series, label: str
) -> None:
  """The mean over the first axis as a line, its range as a band; epochs without a value left out."""
  there = np.isfinite(values).all(axis=0)
  epochs, values = epochs[there], values[:, there]
  every = max(len(epochs) // 6, 1)
  axes.fill_between(epochs, values.min(0), values.max(0), color=look.colour, alpha=0.15, linewidth=0)
  axes.plot(
    epochs,
    values.mean(0),
    color=look.colour,
    linestyle=look.dash,
    marker=look.marker,
    markersize=3.2,
    markevery=every,
    label=label,
  )
