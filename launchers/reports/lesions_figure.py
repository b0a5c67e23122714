"""The figure of a lesion comparison: masks to look at, and the distributions behind the table."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from launchers.reports import axial_view as view
from launchers.reports import style
from stroke_eval.chosen_cases import evenly_spread
from stroke_eval.lesion_sets import TERRITORIES, LesionSet
from stroke_tfds.imaging.grid import Grid
from stroke_tfds.phantom.anatomy import template_labels

_N_MASKS = 12
_MOST_COMPONENTS = 15


def lesion_figure(sets: Mapping[str, LesionSet], grid: Grid, shown: Sequence[str]) -> Figure:
  """Rows of masks at the same ranks of volume, and four plots.

  Args:
    sets: `held_out`, `generated` and `training`.
    grid: Where the voxels are.
    shown: Sets whose masks make a row each.
  """
  rows_in, plots_in = 1.45 * len(shown) + 0.25, 3.7
  figure = Figure(figsize=(11, rows_in + plots_in), layout='constrained')
  above, below = figure.subfigures(2, 1, height_ratios=(rows_in, plots_in))
  brain = template_labels(grid) > 0
  for row, name in zip(above.subplots(len(shown), _N_MASKS, squeeze=False), shown):
    _draw_masks(row, sets[name], brain, grid)
    row[0].set_ylabel(_title(name), fontsize=9)
  above.suptitle(
    'Lesions from small to large, at the same ranks of volume; brightness: extent along the head axis. '
    'R is left.',
    fontsize=8.5,
    x=0.01,
    ha='left',
  )
  volume, components, nearest, territories = below.subplots(1, 4, width_ratios=(1, 1, 1, 1.35))
  _draw_shares(volume, {name: one.facts.volumes_ml for name, one in sets.items()})
  volume.set(xscale='log', title='Volume', xlabel='ml', ylabel='share of lesions at most as large')
  volume.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f'{value:g}'))
  volume.legend(loc='lower right')
  _draw_components(components, sets)
  _draw_shares(nearest, {name: one.nearest_dice for name, one in sets.items()})
  nearest.set(title='Nearest training mask', xlabel='Dice (1: a copy)', ylabel='share at most as near')
  _draw_territories(territories, sets)
  return figure


def _title(name: str) -> str:
  return name.replace('_', '-')


def _ordered(sets: Mapping[str, LesionSet]) -> list[str]:
  return [name for name in ('held_out', 'generated', 'training') if name in sets]


def _draw_masks(row: Sequence[Axes], lesion_set: LesionSet, brain: np.ndarray, grid: Grid) -> None:
  """Masks at evenly spread ranks of volume, each as its projection along Z."""
  box = view.brain_box(brain.astype(np.uint8))
  for ax in row:
    style.image_axes(ax)
  for ax, i in zip(row, evenly_spread(lesion_set.facts.volumes_ml, _N_MASKS)):
    extent = lesion_set.masks[i].sum(axis=2)[box].astype(float)
    view.show(ax, np.sqrt(extent / extent.max()), grid, cmap='gray', vmin=0, vmax=1)
    view.draw_outline(ax, brain.any(axis=2)[box], grid, colour=style.MUTED, casing=False)
    facts = lesion_set.facts
    ax.set_title(
      f'{style.format_ml(facts.volumes_ml[i])}, {facts.components[i]} pc.', fontsize=6.5, loc='center'
    )


def _draw_shares(ax: Axes, samples: Mapping[str, np.ndarray]) -> None:
  """Cumulative distributions."""
  for i, name in enumerate(_ordered(samples)):
    values, look = np.sort(samples[name]), style.series(i)
    share = np.arange(1, len(values) + 1) / len(values)
    ax.plot(values, share, color=look.colour, linestyle=look.dash, label=_title(name))


def _draw_components(ax: Axes, sets: Mapping[str, LesionSet]) -> None:
  counts = np.arange(1, _MOST_COMPONENTS + 1)
  for i, name in enumerate(_ordered(sets)):
    found, look = np.minimum(sets[name].facts.components, _MOST_COMPONENTS), style.series(i)
    share = np.bincount(found, minlength=_MOST_COMPONENTS + 1)[1:] / len(found)
    ax.plot(counts, share, color=look.colour, linestyle=look.dash, marker=look.marker, markersize=3)
  ax.set(title='Components', xlabel=f'pieces ({_MOST_COMPONENTS}: or more)', ylabel='share of lesions')
  ax.set_xticks([1, 5, 10, 15])


def _draw_territories(ax: Axes, sets: Mapping[str, LesionSet]) -> None:
  names = _ordered(sets)
  position = np.arange(len(TERRITORIES))
  for i, name in enumerate(names):
    share = list(sets[name].facts.territories().values())
    offset = (i - (len(names) - 1) / 2) * 0.27
    look = style.series(i)
    ax.barh(position + offset, share, 0.25, color=look.colour, edgecolor='w', hatch=('', '//', '..')[i])
  ax.set_yticks(position, TERRITORIES)
  ax.invert_yaxis()
  ax.set(title='Arterial territory', xlabel='mean share of a lesion')
  ax.grid(axis='y', visible=False)
