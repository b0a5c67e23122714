"""Real scans above simulated ones, with their histograms and numbers below."""

import math
import textwrap
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from launchers.reports import axial_view as view
from launchers.reports import style
from stroke_eval.statistics.kolmogorov_smirnov import ks_of_histograms
from stroke_eval.tissue_contrast import EDGES, REGIONS, Scan, TissueContrast
from stroke_tfds.imaging.grid import Grid

LEVELS_MM = (-38, -22, -6, 6, 18, 30, 42, 54)
_WINDOW = (0.0, 2.0)  # In units of white matter.
_WIDTH_IN, _MARGIN_IN, _PANEL_IN, _CAPTION_IN = 11.0, 0.3, 2.5, 0.35
_CHARACTERS_PER_IN = 17
_LINES = (
  ('grey', 'cortex / white matter', '.2f'),
  ('deep_grey', 'putamen / white matter', '.2f'),
  ('pallidum', 'pallidum / white matter', '.2f'),
  ('cerebellum', 'cerebellar c. / white matter', '.2f'),
  ('fluid', 'ventricles / white matter', '.2f'),
  ('noise', 'noise / white matter', '.3f'),
  ('lesion_to_parenchyma', 'lesion / parenchyma', '.2f'),
  ('lesion_spread', 'spread in the lesion', '.2f'),
)
_KINDS = ('real', 'simulated')


def scans_figure(
  shown: Mapping[str, Sequence[Scan]],
  contrasts: Mapping[str, TissueContrast],
  histograms: Mapping[str, Mapping[str, np.ndarray]],
  grid: Grid,
  note: str,
) -> Figure:
  """Rows: scans, real ones first; columns: axial levels; histograms and a table below.

  Args:
    shown: 'real' and 'simulated' -> scans, at least one each.
    contrasts: The same -> medians over all scans, also those not shown.
    histograms: The same -> densities of each region.
    grid: Where the voxels are.
    note: Stands below: what was measured.
  """
  rows = [(kind, scan) for kind in _KINDS for scan in shown[kind]]
  brain = np.any([scan.regions['brain'] for _, scan in rows], axis=0)
  box = view.brain_box(brain)
  pictures, panels, figure = _layout(len(rows), box, grid)
  levels = [int(np.abs(grid.coordinates_mm()[2] - level).argmin()) for level in LEVELS_MM]
  for axes, (kind, scan) in zip(pictures, rows):
    for ax, z in zip(axes, levels):
      _show(ax, scan.image[(*box, z)], grid)
    axes[0].set_ylabel(kind, fontsize=8.5, labelpad=3)
  for ax, z in zip(pictures[0], levels):
    level = style.signed(grid.coordinates_mm()[2][z], 0)
    ax.set_title(f'z = {level} mm', fontsize=8, loc='center', pad=3)
  for ax, region in zip(panels, REGIONS):
    _draw_densities(ax, region, {kind: histograms[kind][region] for kind in _KINDS})
  panels[0].legend(loc='upper right', handlelength=1.6)
  _write_table(panels[-1], contrasts)
  caption = textwrap.fill(f'{note} Slices and histograms in units of white matter.', _characters())
  x, y = _MARGIN_IN / _WIDTH_IN, 0.06 / figure.get_figheight()
  figure.text(x, y, caption, fontsize=7, color=style.MUTED)
  return figure


def _characters() -> int:
  return int(_CHARACTERS_PER_IN * _WIDTH_IN)


def _layout(n_rows: int, box: tuple[slice, slice], grid: Grid) -> tuple[np.ndarray, list[Axes], Figure]:
  """Axes for pictures cut to `box`, [rows, levels], and four panels in a row below."""
  extent = [len(range(*s.indices(n))) * mm for s, n, mm in zip(box, grid.shape, grid.spacing_mm)]
  column_in = (_WIDTH_IN - _MARGIN_IN) / len(LEVELS_MM)
  pictures_in = n_rows * column_in * extent[1] / extent[0]
  height = pictures_in + _PANEL_IN + _CAPTION_IN + 0.25
  figure = Figure(figsize=(_WIDTH_IN, height))
  top = 1 - 0.25 / height
  pictures = figure.add_gridspec(
    n_rows,
    len(LEVELS_MM),
    left=_MARGIN_IN / _WIDTH_IN,
    right=1,
    top=top,
    bottom=top - pictures_in / height,
    wspace=0.01,
    hspace=0.01,
  ).subplots(squeeze=False)
  for ax in pictures.flat:
    style.image_axes(ax)
  panels = figure.add_gridspec(
    1,
    len(REGIONS) + 1,
    width_ratios=[1] * len(REGIONS) + [1.35],
    left=0.5 / _WIDTH_IN,
    right=0.99,
    top=top - (pictures_in + 0.4) / height,
    bottom=(_CAPTION_IN + 0.4) / height,
    wspace=0.22,
  ).subplots()
  style.image_axes(panels[-1])
  return pictures, list(panels), figure


def _show(ax: Axes, axial: np.ndarray, grid: Grid) -> None:
  low, high = _WINDOW
  style_of = {'cmap': 'gray', 'vmin': low, 'vmax': high, 'interpolation': 'bilinear'}
  view.show(ax, axial.astype(np.float32), grid, **style_of)


def _draw_densities(ax: Axes, region: str, histograms: Mapping[str, np.ndarray]) -> None:
  """A curve for each kind, and how far apart the two are."""
  for i, (kind, histogram) in enumerate(histograms.items()):
    if histogram.any():
      line = style.series(i)
      ax.stairs(histogram, EDGES, color=line.colour, linestyle=line.dash, label=kind, linewidth=1.4)
  apart = ks_of_histograms(*histograms.values())
  found = f'KS {apart:.2f}' if math.isfinite(apart) else 'not in both'
  ax.set_title(f'{region}, {found}', fontsize=8.5)
  ax.set(xlabel='intensity / white matter', xlim=(EDGES[0], EDGES[-1]), ylim=(0, None), yticks=[])


def _write_table(ax: Axes, contrasts: Mapping[str, TissueContrast]) -> None:
  """A line for each number, a column for each kind."""
  ax.set(xlim=(0, 1), ylim=(len(_LINES) + 0.4, -1.2))
  for kind, x in zip(_KINDS, (0.73, 1.0)):
    ax.text(x, -0.7, kind, ha='right', va='center', fontsize=8, fontweight='bold')
    for i, (key, _, form) in enumerate(_LINES):
      value = getattr(contrasts[kind], key)
      cell = format(value, form) if math.isfinite(value) else '\N{EN DASH}'
      ax.text(x, i, cell, ha='right', va='center', fontsize=8)
  for i, (_, name, _) in enumerate(_LINES):
    ax.text(0, i, name, ha='left', va='center', fontsize=8)
