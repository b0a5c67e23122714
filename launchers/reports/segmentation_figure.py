"""A prediction on the slices of the scan itself."""

import textwrap
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from launchers.reports import axial_view as view
from launchers.reports import style
from stroke_tfds.imaging.preprocessing import head_mask, scale_by_percentile
from stroke_tfds.imaging.scan_space import voxel_grid
from stroke_tfds.imaging.volume import Volume

_N_COLUMNS, _MAX_SLICES = 8, 32
_CAPTION_WIDTH = 150
_LEAST_AREA = 0.05  # Of the largest slice: with less of the head, one shows nothing.


def segmentation_figure(
  scan: Volume,
  prediction: np.ndarray,
  truth: np.ndarray | None,
  results: Mapping[str, float],
  classes: Sequence[str] = (),
) -> Figure:
  """Axial slices in radiological convention, from below: prediction hatched, expert's mask outlined.

  Args:
    scan: Intensities of any scale.
    prediction: 0, then 1 or classes of the lesion, shape of the scan.
    truth: The same of an expert; None where there is none.
    results: Named numbers of the caption.
    classes: Names of the classes, from 1; none, where the lesion has none.
  """
  values = np.maximum(scan.data, 0)
  head = head_mask(values)
  image, box, grid = scale_by_percentile(values, head), view.brain_box(head), voxel_grid(scan)
  marked = prediction if truth is None else prediction | truth
  slices = shown_slices(head, marked)
  colours = style.of_lesion_classes(len(classes)) or [style.PREDICTION]
  n_rows = -(-len(slices) // _N_COLUMNS)
  figure, axes = view.image_grid(n_rows, _N_COLUMNS, box, grid, column_in=1.5)
  for ax, z in zip(axes.flat, slices):
    view.show_slice(ax, image[(*box, z)], grid)
    for k, colour in enumerate(colours, 1):
      view.fill(ax, prediction[(*box, z)] == k, grid, colour)
    if truth is not None:
      view.draw_outline(ax, truth[(*box, z)], grid)
    ax.text(0.5, 0.01, f'{z + 1}', color='w', fontsize=6.5, ha='center', transform=ax.transAxes)
  figure.suptitle(_caption(results, truth is not None, head.shape[2]), fontsize=9)
  if classes:
    patches = [Patch(facecolor=colour, label=name) for name, colour in zip(classes, colours)]
    figure.legend(handles=patches, ncols=len(patches), loc='outside lower center', frameon=False)
  return figure


def shown_slices(head: np.ndarray, marked: np.ndarray) -> list[int]:
  """At most 32 slices that show the head, ascending: half of them show a lesion where so many do.

  Args:
    head: bool, shape (X, Y, Z).
    marked: 0 or 1 inside a lesion, the same shape.
  """
  area = head.sum((0, 1))
  of_head = np.flatnonzero(area >= _LEAST_AREA * area.max())
  of_lesion = np.flatnonzero(marked.any((0, 1)))
  if len(set(of_head) | set(of_lesion)) <= _MAX_SLICES:
    return sorted(map(int, set(of_head) | set(of_lesion)))
  chosen = _spread(of_lesion, _MAX_SLICES // 2)
  return sorted(chosen + _spread(np.setdiff1d(of_head, chosen), _MAX_SLICES - len(chosen)))


def _spread(indices: np.ndarray, n: int) -> list[int]:
  """At most `n` of the indices, both ends among them."""
  if len(indices) <= n:
    return [int(z) for z in indices]
  return [int(z) for z in np.quantile(indices, np.linspace(0, 1, n), method='nearest')]


def _caption(results: Mapping[str, float], has_truth: bool, n_slices: int) -> str:
  of_scan = {name: value for name, value in results.items() if not name.endswith('_mni')}
  facts = ', '.join(_told(name, value) for name, value in of_scan.items())
  outlined = ', outlined: expert mask' if has_truth else ''
  marks = f'Hatched: prediction{outlined}. Slices 1 to {n_slices} from below.'
  return '\n'.join(textwrap.fill(line, _CAPTION_WIDTH) for line in (facts, marks))


def _told(name: str, value: float) -> str:
  """A number under its name in finished.json, as a reader would write it."""
  if name.endswith('_ml'):
    return f'{name.removesuffix("_ml").replace("_", " ")} {style.format_ml(value)}'
  return f'{name.replace("_", " ").replace("dice", "Dice")} {value:.2f}'
