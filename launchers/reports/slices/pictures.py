"""Axial slices in columns: each contrast, then the classes of their pixels."""

import dataclasses
from collections.abc import Sequence

import numpy as np
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from launchers.reports import axial_view as view
from launchers.reports import style
from stroke_eval.slice_sets import SliceClasses, SliceSet
from stroke_tfds.imaging.grid import Grid

_TISSUES = {
  'background': '#000000',
  'white matter': '#e6e6e6',
  'grey matter': '#9a9a9a',
  'CSF': '#16437e',
}
# Okabe and Ito, of different lightness.
_COLUMN_IN = 1.05
_BRIGHTEST = 99.7  # Percentile of the real slices' pixels that is white.


@dataclasses.dataclass(frozen=True)
class Look:
  """What all pictures of a page share.

  Attributes:
    box: The part of (X, Y) that is shown.
    grid: Where the pixels are.
    white: Intensity of each contrast that is shown as white.
  """

  box: tuple[slice, slice]
  grid: Grid
  white: tuple[float, ...]

  @classmethod
  def of(cls, real: SliceSet, grid: Grid) -> 'Look':
    """The look by which real slices are shown best."""
    box = view.brain_box(real.ids.transpose(1, 2, 0))
    pixels = real.image[real.ids > 0].astype(np.float32)
    brightest = np.percentile(pixels, _BRIGHTEST, axis=0) if pixels.size else ()
    return cls(box, grid, tuple(max(float(one), 1e-3) for one in brightest))


def slices_figure(slices: SliceSet, titles: Sequence[str], look: Look) -> Figure:
  """A column for each slice: its contrasts from top to bottom, then its classes."""
  n_rows = len(slices.contrasts) + 1
  figure, axes = view.image_grid(n_rows, len(slices), look.box, look.grid, _COLUMN_IN, 1.2 / n_rows)
  for i, (column, title) in enumerate(zip(axes.T, titles)):
    for c, white in enumerate(look.white):
      shown = slices.image[i, ..., c].astype(np.float32)[look.box]
      scale = {'cmap': 'gray', 'vmin': 0, 'vmax': white, 'interpolation': 'bilinear'}
      view.show(column[c], shown, look.grid, **scale)
    colours = ListedColormap(list(_colours(slices.classes)))
    at = {'vmin': -0.5, 'vmax': len(slices.classes.names) - 0.5}
    view.show(column[-1], slices.ids[i][look.box], look.grid, cmap=colours, **at)
    column[0].set_title(title, fontsize=7.5, loc='center', fontweight='normal', pad=3)
  for ax, name in zip(axes[:, 0], (*slices.contrasts, 'classes')):
    ax.set_ylabel(name, fontsize=8.5)
    view.mark_sides(ax, 'w')
  return figure


def legend_figure(classes: SliceClasses) -> Figure:
  """The colours of classes."""
  figure = Figure(figsize=(8.6, 0.3))
  patches = [
    Patch(facecolor=colour, edgecolor=style.MUTED, label=name)
    for name, colour in zip(classes.names, _colours(classes))
  ]
  figure.legend(handles=patches, ncols=len(patches), loc='center left', frameon=False, fontsize=8)
  return figure


def _colours(classes: SliceClasses) -> list[str]:
  tissues = [_TISSUES.get(name, style.MUTED) for name in classes.names[: classes.first_lesion]]
  return tissues + style.of_lesion_classes(len(classes.lesions))
