"""The paper's Figure 3: the same cases by several translators, with their mean scores below."""

import dataclasses
import math
import textwrap
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy import ndimage

from launchers.reports import axial_view as view
from launchers.reports import style
from stroke_eval.translation import FLICKER_RANGE, Scores
from stroke_tfds.imaging.grid import Grid

_COLUMN_IN, _MARGIN_IN, _LINE_IN, _GAP_IN = 1.45, 0.3, 0.15, 0.03
# Of the caption.
_CHARACTERS_PER_IN = 17
_AUC = 'auc'
_LINES = (
  ('l1', 'L1 in the brain', '.3f'),
  ('ms_ssim', 'MS-SSIM', '.3f'),
  ('lesion_excess', 'lesion / parenchyma \N{MINUS SIGN} 1', '.2f'),
  ('flicker', 'flicker / real', '.2f'),
  ('grain', 'grain / real', '.2f'),
  ('diversity', 'diversity', '.3f'),
  (_AUC, 'told from real, AUC', '.2f'),
)
# What the real images have by definition; the lesion's contrast is measured.
_REAL = Scores(0.0, 1.0, math.nan, 1.0, 1.0, math.nan)
_DASH = '\N{EN DASH}'


@dataclasses.dataclass(frozen=True)
class ShownCase:
  """A row of the figure.

  Attributes:
    labels: Label map without lesion, (X, Y, Z).
    lesion: 0 or 1, (X, Y, Z).
    real: True image, (X, Y, Z) in [0, 1].
    translated: Translator -> image, likewise.
  """

  labels: np.ndarray
  lesion: np.ndarray
  real: np.ndarray
  translated: Mapping[str, np.ndarray]


def comparison_figure(
  cases: Sequence[ShownCase],
  scores: Mapping[str, Scores],
  aucs: Mapping[str, float],
  real_excess: float,
  grid: Grid,
  names: Sequence[str],
  note: str,
) -> Figure:
  """Rows: cases, at the slice with their lesion's largest area; columns: labels, real, translators.

  Args:
    cases: At least one, each with an image by every translator.
    scores: Translator -> its means over all cases, also those not shown.
    aucs: Translator -> how well a classifier tells its images from real ones; none if not tested.
    real_excess: Mean excess of the real lesions.
    grid: Where the voxels are.
    names: Structure of each label, `background` first.
    note: Stands below: what the means were taken over.
  """
  box = view.brain_box(np.stack([case.labels for case in cases]).max(axis=0))
  figure, axes, table = _layout(len(cases), 2 + len(scores), box, grid)
  for row, case in zip(axes, cases):
    _draw_case(row, case, list(scores), box, grid, names)
  for ax, title in zip(axes[0], ('labels with lesion', 'real', *scores)):
    ax.set_title(title, fontsize=8.5, loc='center', pad=4)
  columns = {'real': dataclasses.replace(_REAL, lesion_excess=real_excess), **scores}
  _write_table(table, [{**dataclasses.asdict(of), _AUC: aucs.get(n)} for n, of in columns.items()])
  low, high = FLICKER_RANGE
  caption = (
    f'{note} Intensities 0 to 1; * flicker outside {low:g} to {high:g}. Outlines run one voxel outside '
    'the lesion of the labels, so that its border in the image is seen.'
  )
  figure.text(
    _MARGIN_IN / figure.get_figwidth(),
    0.05 / figure.get_figheight(),
    textwrap.fill(caption, int(_CHARACTERS_PER_IN * figure.get_figwidth())),
    fontsize=7,
    color=style.MUTED,
  )
  return figure


def _draw_case(
  row: Sequence[Axes],
  case: ShownCase,
  translators: Sequence[str],
  box: tuple[slice, slice],
  grid: Grid,
  names: Sequence[str],
) -> None:
  z = int(case.lesion.sum(axis=(0, 1)).argmax())
  at = (*box, z)
  with_lesion = np.where(case.lesion > 0, len(names), case.labels)
  view.show_labels(row[0], with_lesion[at], grid, names)
  for ax, image in zip(row[1:], (case.real, *(case.translated[name] for name in translators))):
    view.show_slice(ax, image[at], grid)
    view.draw_outline(ax, _around(case.lesion[at]), grid, casing=False)
  volume = style.format_ml(case.lesion.sum() * grid.voxel_volume_ml)
  level = style.signed(grid.coordinates_mm()[2][z], 0)
  row[0].set_ylabel(f'{volume}, z = {level} mm', fontsize=7.5, labelpad=3)


def _around(mask: np.ndarray) -> np.ndarray:
  """A mask (X, Y) and the voxels that touch it, corners included."""
  return ndimage.binary_dilation(mask > 0, np.ones((3, 3)))


def _layout(
  rows: int, columns: int, box: tuple[slice, slice], grid: Grid
) -> tuple[Figure, np.ndarray, np.ndarray]:
  """Axes for slices cut to `box`, [rows, columns], and a row of axes for the table below."""
  extent = [len(range(*s.indices(n))) * mm for s, n, mm in zip(box, grid.shape, grid.spacing_mm)]
  row_in, table_in = _COLUMN_IN * extent[1] / extent[0], _LINE_IN * (len(_LINES) + 0.6)
  bottom_in, top_in = 3.4 * _LINE_IN, 0.25
  width = _COLUMN_IN * columns + _MARGIN_IN + 0.08
  height = row_in * rows + table_in + bottom_in + top_in
  figure = Figure(figsize=(width, height))
  cells = figure.add_gridspec(
    rows + 1,
    columns,
    height_ratios=[row_in] * rows + [table_in],
    left=_MARGIN_IN / width,
    right=1 - 0.08 / width,
    bottom=bottom_in / height,
    top=1 - top_in / height,
    wspace=_GAP_IN / _COLUMN_IN,
    hspace=_GAP_IN / row_in,
  ).subplots(squeeze=False)
  for ax in cells.flat:
    style.image_axes(ax)
  return figure, cells[:-1], cells[-1]


def _write_table(axes: Sequence[Axes], columns: Sequence[Mapping[str, float | None]]) -> None:
  """A line for each score that some column has; the first axes take the names of the scores."""
  lines = [line for line in _LINES if any(_is_known(column[line[0]]) for column in columns)]
  _write_column(axes[0], [name for _, name, _ in lines], x=0.97, align='right')
  for ax, column in zip(axes[1:], columns):
    _write_column(ax, [_cell(key, column[key], form) for key, _, form in lines], x=0.5, align='center')


def _is_known(value: float | None) -> bool:
  return value is not None and math.isfinite(value)


def _cell(key: str, value: float | None, form: str) -> str:
  if value is None or not math.isfinite(value):
    return _DASH
  low, high = FLICKER_RANGE
  is_off = key == 'flicker' and not low <= value <= high
  text = format(value, form).replace('-', '\N{MINUS SIGN}')
  return f'{text}*' if is_off else text


def _write_column(ax: Axes, lines: Sequence[str], x: float, align: str) -> None:
  ax.set_ylim(len(_LINES), -0.6)
  for i, line in enumerate(lines):
    ax.text(x, i, line, ha=align, va='center', fontsize=8, transform=ax.get_yaxis_transform())
