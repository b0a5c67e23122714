"""Slices in rows, from arrays.

Volumes are (X, Y, Z), RAS; `axial_view` says how they are shown.
"""

import dataclasses
import textwrap
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy import ndimage

from launchers.reports import axial_view as view
from stroke_tfds.imaging.grid import Grid

_TITLE_CHARACTERS_PER_IN = 16


@dataclasses.dataclass(frozen=True)
class Picture:
  """An axial slice with what is drawn on it.

  Attributes:
    volume: DWI in [0, 1], or a label map in which the id past the anatomy is the lesion.
    z: The slice.
    title: Above it.
    note: Below the title.
    level: At its left side.
    outline: Mask whose border is drawn, or None.
    around: Whether that border runs one voxel outside the mask, so that the image's own is seen.
    filled: Mask that is hatched, or None.
    is_labels: Whether the volume is a label map.
  """

  volume: np.ndarray
  z: int
  title: str = ''
  note: str = ''
  level: str = ''
  outline: np.ndarray | None = None
  around: bool = False
  filled: np.ndarray | None = None
  is_labels: bool = False


@dataclasses.dataclass(frozen=True)
class Stage:
  """A volume that is shown in several slices: the fields are those of `Picture`."""

  title: str
  volume: np.ndarray
  outline: np.ndarray | None = None
  is_labels: bool = False


def stages_panel(
  stages: Sequence[Stage],
  slices: Sequence[int],
  box: tuple[slice, slice],
  grid: Grid,
  names: Sequence[str],
  n_columns: int,
) -> Figure:
  """Columns: stages, and nothing beside them up to `n_columns`; rows: slices, the highest on top."""
  rows = [
    [
      Picture(
        stage.volume,
        z,
        title=stage.title if i == 0 else '',
        level=view.level(grid, z) if stage is stages[0] else '',
        outline=stage.outline,
        around=True,
        is_labels=stage.is_labels,
      )
      for stage in stages
    ]
    for i, z in enumerate(sorted(slices, reverse=True))
  ]
  return pictures_panel(rows, box, grid, names, n_columns=n_columns)


def pictures_panel(
  rows: Sequence[Sequence[Picture]],
  box: tuple[slice, slice],
  grid: Grid,
  names: Sequence[str],
  n_columns: int = 0,
  column_in: float = 1.45,
) -> Figure:
  """Pictures cut to `box`.

  Args:
    rows: Pictures from left to right; the rows may differ in length.
    box: What is shown of (X, Y).
    grid: Where the voxels are.
    names: Structure of each label, `background` first.
    n_columns: Columns at least; the panels of a page that share it show slices at one scale.
    column_in: Width of a column in inches.
  """
  n_columns = max(n_columns, *(len(row) for row in rows))
  # The figure is as high as its rows together; not every row has a heading.
  n_lines = np.mean([max(len(_heading(picture, column_in)) for picture in row) for row in rows])
  figure, axes = view.image_grid(len(rows), n_columns, box, grid, column_in, n_lines)
  for ax in axes.flat:
    ax.set_visible(False)
  for row, pictures in zip(axes, rows):
    for ax, picture in zip(row, pictures):
      ax.set_visible(True)
      _draw(ax, picture, box, grid, names)
      heading = '\n'.join(_heading(picture, column_in))
      ax.set_title(heading, fontsize=8.5, loc='center', fontweight='normal', pad=3)
      ax.set_ylabel(picture.level, fontsize=8.5)
  return figure


def _heading(picture: Picture, column_in: float) -> list[str]:
  """Lines above a picture; long names take a second line rather than room from their neighbour."""
  lines = textwrap.wrap(picture.title, int(_TITLE_CHARACTERS_PER_IN * column_in))
  return [*lines, picture.note] if picture.note else lines


def _draw(
  ax: Axes, picture: Picture, box: tuple[slice, slice], grid: Grid, names: Sequence[str]
) -> None:
  at = (*box, picture.z)
  if picture.is_labels:
    view.show_labels(ax, picture.volume[at], grid, names)
  else:
    view.show_slice(ax, picture.volume[at], grid)
  if picture.filled is not None:
    view.fill(ax, picture.filled[at], grid)
  if picture.outline is not None:
    mask = picture.outline[..., picture.z] > 0
    if picture.around:
      mask = ndimage.binary_dilation(mask, np.ones((3, 3)))
    view.draw_outline(ax, mask[box], grid, casing=not picture.around)
