"""Plots of the report, from arrays. Each function returns panels, which the page sets side by side."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator

from launchers.arm_statistics import Arms, Case, paired_dice
from launchers.reports import style
from stroke_eval.survey import N_BINS, densities

XY = tuple[np.ndarray, np.ndarray]


def curve_panel(
  title: str, y_label: str, lines: Mapping[str, XY], reference: tuple[float, str] | None = None
) -> Figure:
  """Learning curves over optimizer steps.

  Args:
    title: Of the panel.
    y_label: What is measured.
    lines: Name -> (steps, values).
    reference: A value with its name, drawn as a thin horizontal line.
  """
  figure, axes = style.plot_panel(title, 'optimizer steps', y_label)
  for i, (name, (steps, values)) in enumerate(lines.items()):
    look = style.series(i)
    # A marker for each point of a sparse curve; some ten along a dense one.
    axes.plot(
      steps,
      values,
      color=look.colour,
      linestyle=look.dash,
      marker=look.marker,
      markersize=3.2,
      markevery=max(len(steps) // 10, 1),
      label=name,
    )
  if reference:
    axes.axhline(reference[0], color=style.INK, linewidth=0.7, linestyle=(0, (1, 2)))
    axes.annotate(
      reference[1],
      (1, reference[0]),
      xycoords=('axes fraction', 'data'),
      xytext=(0, 2),
      textcoords='offset points',
      ha='right',
      va='bottom',
      fontsize=7.5,
      color=style.INK,
      bbox={'facecolor': 'w', 'edgecolor': 'none', 'alpha': 0.8, 'pad': 1},
    )
  axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f'{value:,.0f}'))
  if len(lines) > 1:
    axes.legend()
  axes.margins(x=0.02)
  return figure


def dice_by_arm(arms: Arms) -> Figure:
  """Dice of every positive case in every arm, a case's points joined, boxes behind."""
  names = list(arms)
  values = np.array([paired_dice(arms[names[0]], arms[name])[1] for name in names])
  figure, axes = style.plot_panel('Dice of each test case', '', 'Dice')
  at, spread = np.arange(len(names)), 0.1 + _spread(values.shape[1])
  axes.plot(at[:, None] + spread, values, color=style.MUTED, linewidth=0.4, alpha=0.5, zorder=1)
  axes.boxplot(
    values.T,
    positions=at - 0.14,
    widths=0.18,
    showfliers=False,
    manage_ticks=False,
    medianprops={'color': style.INK, 'linewidth': 1.6},
    boxprops={'linewidth': 0.9},
    whiskerprops={'linewidth': 0.9},
  )
  for i, row in enumerate(values):
    _scatter(axes, i, i + spread, row, names[i])
    colour = style.series(i).colour
    axes.plot(i - 0.14, row.mean(), 'D', color=colour, markersize=5, markeredgecolor='w', zorder=4)
  axes.set_xticks(at, names)
  axes.set(xlim=(-0.5, len(names) - 0.5), ylim=(-0.03, 1.03))
  axes.grid(axis='x', visible=False)
  return figure


def dice_by_volume(arms: Arms) -> Figure:
  """Dice against the volume of the true lesion."""
  figure, axes = style.plot_panel('Dice against lesion volume', 'lesion volume (ml)', 'Dice')
  for i, (name, cases) in enumerate(arms.items()):
    _scatter(axes, i, _positive_ml(cases), [c.dice for c in cases if c.is_positive], name)
  _log_ml(axes)
  axes.set_ylim(-0.03, 1.03)
  axes.legend(loc='best', handletextpad=0.2)
  return figure


def gain_by_volume(arms: Arms) -> Figure:
  """Dice of each further arm minus the first, against the volume of the true lesion."""
  (first, reference), *others = arms.items()
  figure, axes = style.plot_panel(f'Gain over {first}', 'lesion volume (ml)', 'difference in Dice')
  axes.axhline(0, color=style.INK, linewidth=0.8)
  for i, (name, cases) in enumerate(others, start=1):
    before, after = paired_dice(reference, cases)
    _scatter(axes, i, _positive_ml(reference), after - before, name)
  _log_ml(axes)
  limit = max(np.abs(axes.get_ylim()))
  axes.set_ylim(-limit, limit)
  if len(others) > 1:
    axes.legend(loc='best', handletextpad=0.2)
  return figure


def intensity_histogram(title: str, counts: Mapping[str, np.ndarray]) -> Figure:
  """Densities of voxel intensity.

  Args:
    title: Of the panel.
    counts: Name of a set -> voxels by intensity, [N_BINS] over [0, 1].
  """
  figure, axes = style.plot_panel(title, 'intensity', 'density')
  edges, top = np.linspace(0, 1, N_BINS + 1), 0.0
  for i, (name, histogram) in enumerate(counts.items()):
    look = style.series(i)
    density = densities(histogram)
    clipped = density[-1] / N_BINS
    label = f'{name} ({100 * clipped:.0f} %)' if clipped >= 0.005 else name
    axes.stairs(density, edges, color=look.colour, linestyle=look.dash, linewidth=1.4, label=label)
    top = max(top, density[:-1].max())
  axes.set(xlim=(0, 1), ylim=(0, 1.3 * top or 1))
  axes.legend()
  return figure


def volume_distribution(volumes_ml: Mapping[str, np.ndarray], bound_ml: float) -> Figure:
  """Cumulative distributions of lesion volume.

  Args:
    volumes_ml: Name of a set -> volumes above 0.
    bound_ml: The smallest volume that synthesis accepts.
  """
  figure, axes = style.plot_panel('Lesion volume', 'lesion volume (ml)', 'share of lesions')
  for i, (name, volumes) in enumerate(volumes_ml.items()):
    look = style.series(i)
    axes.ecdf(volumes, color=look.colour, linestyle=look.dash, label=f'{name} (n = {len(volumes)})')
  axes.axvline(bound_ml, color=style.INK, linewidth=0.7, linestyle=(0, (1, 2)))
  _log_ml(axes)
  axes.set_ylim(0, 1)
  axes.legend(loc='upper left')
  return figure


def _scatter(axes: Axes, index: int, x: Sequence[float], y: Sequence[float], name: str) -> None:
  look = style.series(index)
  axes.scatter(
    x,
    y,
    s=16,
    marker=look.marker,
    facecolors='none',
    edgecolors=look.colour,
    linewidths=0.9,
    label=name,
  )


def _positive_ml(cases: Sequence[Case]) -> list[float]:
  return [case.lesion_ml for case in cases if case.is_positive]


def _log_ml(axes: Axes) -> None:
  axes.set_xscale('log')
  axes.xaxis.set_major_locator(LogLocator(numticks=8))
  axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f'{value:g}'))
  axes.xaxis.set_minor_formatter(FuncFormatter(lambda *_: ''))


def _spread(n: int) -> np.ndarray:
  """Sideways shifts that keep points apart; fixed, so that the figure is always the same."""
  return 0.08 * (np.arange(n) * 0.618034 % 1 - 0.5) * 2
