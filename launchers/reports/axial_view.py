"""Axial slices as radiologists read them: anterior on top, the patient's right on the left.

Slices are (X, Y) of volumes (X, Y, Z), RAS.
"""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import ListedColormap, to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from scipy import ndimage

from launchers.reports import style
from stroke_tfds.imaging.grid import Grid

# Of images in [0, 1]: parenchyma, .4 where its median scales, in the middle of the greys.
WINDOW = (0.0, 0.85)

# White matter brightest, fluid darkest, deep grey matter coloured: the order survives in grey print.
_STRUCTURES = {
  'background': '#000000',
  'cerebral white matter': '#e6e6e6',
  'cerebral cortex': '#9a9a9a',
  'lateral ventricle': '#16437e',
  'cerebellar white matter': '#d8cfae',
  'cerebellar cortex': '#a08a5b',
  'thalamus': '#5fae8f',
  'caudate': '#7fb8e6',
  'putamen': '#c58fc0',
  'pallidum': '#7d6bb0',
  'hippocampus': '#e3c34b',
  'amygdala': '#4fb3bf',
  'ventral diencephalon': '#8a5a83',
  'third and fourth ventricle': '#16437e',
  'brain stem': '#b5a8a0',
  'other CSF': '#2a2f45',
}


def to_display(axial: np.ndarray) -> np.ndarray:
  """An axial slice (X, Y) as image rows, anterior first, and columns, the patient's right first."""
  return axial[::-1, ::-1].T


def outline(mask: np.ndarray, spacing_mm: Sequence[float]) -> np.ndarray:
  """Edges between the voxels inside and outside a mask, exactly along voxel borders.

  Args:
    mask: 0 or 1, an image as `to_display` gives it, [rows, columns].
    spacing_mm: Voxel size along (X, Y), so along (columns, rows).

  Returns:
    Line segments [n, 2 ends, (x, y)] in mm from the image's upper left corner.
  """
  padded = np.pad(mask > 0, 1).astype(np.int8)
  row, column = np.nonzero(np.diff(padded[:, 1:-1], axis=0))
  flat = np.stack([np.stack([column, row], -1), np.stack([column + 1, row], -1)], 1)
  row, column = np.nonzero(np.diff(padded[1:-1], axis=1))
  upright = np.stack([np.stack([column, row], -1), np.stack([column, row + 1], -1)], 1)
  return np.concatenate([flat, upright]) * np.asarray(spacing_mm[:2], float)


def shown_contrast(contrasts: Sequence[str]) -> int:
  """Which of several contrasts shows lesions best: FLAIR where there is one, else the first."""
  names = [name.lower() for name in contrasts]
  return names.index('flair') if 'flair' in names else 0


def lesion_slices(lesion: np.ndarray, n: int = 3) -> list[int]:
  """Slices that show a lesion from below to above, the one with its largest area among them.

  Neighbouring slices fill up where the lesion has fewer than `n`. Indices along Z, ascending.
  """
  area = np.asarray(lesion > 0).sum(axis=(0, 1))
  largest = int(area.argmax())
  inside = np.flatnonzero(area)
  spread = [int(z) for z in np.quantile(inside, [0.1, 0.9], method='nearest')] if len(inside) else []
  near = sorted(range(area.size), key=lambda z: abs(z - largest))
  return sorted(list(dict.fromkeys([largest, *spread, *near]))[:n])


def brain_box(labels: np.ndarray, margin: int = 2) -> tuple[slice, slice]:
  """The smallest box of (X, Y) that holds the brain, with a margin in voxels."""
  found = ndimage.find_objects((labels > 0).any(axis=2).astype(np.uint8))
  if not found:
    return slice(None), slice(None)
  return tuple(slice(max(s.start - margin, 0), s.stop + margin) for s in found[0])


def image_grid(
  rows: int,
  columns: int,
  box: tuple[slice, slice],
  grid: Grid,
  column_in: float = 1.2,
  note_lines: float = 0,
) -> tuple[Figure, np.ndarray]:
  """Axes for slices cut to `box`, [rows, columns], of their true proportions."""
  extent = [len(range(*s.indices(n))) * mm for s, n, mm in zip(box, grid.shape, grid.spacing_mm)]
  row_in = column_in * extent[1] / extent[0] + 0.15 * note_lines
  size = (column_in * columns + 0.25, row_in * rows + 0.25)
  figure = Figure(figsize=size, layout='constrained')
  figure.get_layout_engine().set(w_pad=0.015, h_pad=0.015, wspace=0.01, hspace=0.01)
  axes = figure.subplots(rows, columns, squeeze=False)
  for ax in axes.flat:
    style.image_axes(ax)
  return figure, axes


def level(grid: Grid, z: int) -> str:
  """Where an axial slice lies in MNI space."""
  return f'z = {style.signed(grid.coordinates_mm()[2][z], 0)} mm'


def show_slice(ax: Axes, axial: np.ndarray, grid: Grid) -> None:
  """A slice (X, Y) of a DWI in `WINDOW`, smoothed between voxel centres for display."""
  low, high = WINDOW
  show(ax, axial.astype(np.float32), grid, cmap='gray', vmin=low, vmax=high, interpolation='bilinear')
  mark_sides(ax, 'w')


def show_labels(ax: Axes, axial: np.ndarray, grid: Grid, names: Sequence[str]) -> None:
  """A slice (X, Y) of a label map; the id one past the anatomy is the lesion."""
  colours = [_STRUCTURES.get(_unpaired(name), style.MUTED) for name in names] + [style.LESION]
  show(ax, axial, grid, cmap=ListedColormap(colours), vmin=-0.5, vmax=len(names) + 0.5)
  draw_outline(ax, axial == len(names), grid)
  mark_sides(ax, 'w')


def draw_outline(
  ax: Axes, axial: np.ndarray, grid: Grid, colour: str = style.OUTLINE, casing: bool = True
) -> None:
  """Outline of a mask's slice (X, Y), light on a dark casing so that it shows on any grey."""
  edges = outline(to_display(axial), grid.spacing_mm)
  # The whole casing first: drawn edge by edge it would cover the ends of the edges before.
  for shade, width in ((('k', 1.7),) if casing else ()) + ((colour, 0.8),):
    ax.add_collection(LineCollection(edges, colors=shade, linewidths=width, capstyle='projecting'))


def fill(ax: Axes, axial: np.ndarray, grid: Grid, colour: str = style.PREDICTION) -> None:
  """Hatches the voxels of a mask's slice (X, Y); the hatching also shows in grey print."""
  corners = _runs(to_display(axial)) * np.tile(np.asarray(grid.spacing_mm[:2], float), (5, 1))
  if not len(corners):
    return
  # One path for all: hatched one by one, large masks would take minutes.
  codes = [Path.MOVETO, *[Path.LINETO] * 3, Path.CLOSEPOLY] * len(corners)
  shape = PathPatch(
    Path(corners.reshape(-1, 2), codes),
    facecolor=(*to_rgb(colour), 0.5),
    edgecolor=style.HATCH,
    hatch='/' * 9,
    linewidth=0,
  )
  ax.add_artist(shape)


def _runs(mask: np.ndarray) -> np.ndarray:
  """Corners (x, y) of the rectangles that a mask's rows consist of, [n, 5, 2]; each is closed."""
  ends = np.diff(np.pad(mask > 0, ((0, 0), (1, 1))).astype(np.int8), axis=1)
  row, left = np.nonzero(ends > 0)
  right = np.nonzero(ends < 0)[1]
  x = np.stack([left, right, right, left, left], axis=1)
  y = np.stack([row, row, row + 1, row + 1, row], axis=1)
  return np.stack([x, y], axis=2)


def show(ax: Axes, axial: np.ndarray, grid: Grid, interpolation: str = 'nearest', **look):
  image = to_display(axial)
  return ax.imshow(image, extent=_extent(axial, grid), interpolation=interpolation, **look)


def _extent(axial: np.ndarray, grid: Grid) -> tuple[float, float, float, float]:
  width_mm, height_mm = np.multiply(axial.shape, grid.spacing_mm[:2])
  return 0.0, float(width_mm), float(height_mm), 0.0


def mark_sides(ax: Axes, colour: str) -> None:
  """Writes R and L, the sides of the patient, into the upper corners."""
  for x, side, align in ((0.03, 'R', 'left'), (0.97, 'L', 'right')):
    ax.text(x, 0.97, side, color=colour, fontsize=6.5, ha=align, va='top', transform=ax.transAxes)


def _unpaired(name: str) -> str:
  return name.removeprefix('left ').removeprefix('right ')
