"""Which slices of a prepared case are looked at: the same ones for all cases on a grid."""

import dataclasses

import numpy as np

from launchers.reports import axial_view as view
from stroke_tfds.imaging.grid import Grid
from stroke_tfds.preparation.quality import load_template

N_LEVELS = 8
_MARGIN_MM = 9.0  # Around the template's brain, so that a brain beside it is seen.
_SMALLEST_LEVEL = 0.12  # Area of the brain in the first and last level, of its largest area.


@dataclasses.dataclass(frozen=True)
class Frame:
  """What the strips of all cases on a grid have in common.

  Attributes:
    grid: Where the voxels are.
    brain: The template's brain, bool of the grid's shape.
    levels: Slices along Z, ascending.
    box: The part of (X, Y) that is shown.
  """

  grid: Grid
  brain: np.ndarray
  levels: tuple[int, ...]
  box: tuple[slice, slice]

  @property
  def levels_mm(self) -> tuple[float, ...]:
    """Height of the levels in MNI space."""
    return tuple(float(self.grid.coordinates_mm()[2][z]) for z in self.levels)

  @property
  def tile_mm(self) -> tuple[float, float]:
    """Width and height of a slice as shown."""
    return tuple((s.stop - s.start) * mm for s, mm in zip(self.box, self.grid.spacing_mm))


def template_frame(grid: Grid) -> Frame:
  """The frame around the template's brain; takes seconds."""
  return frame_of(load_template(grid).brain, grid)


def frame_of(brain: np.ndarray, grid: Grid) -> Frame:
  """The frame around a brain, bool of the grid's shape; its levels span the brain evenly."""
  area = brain.sum(axis=(0, 1))
  found = np.flatnonzero(area >= max(_SMALLEST_LEVEL * area.max(), 1))
  first, end = (found[0], found[-1] + 1) if len(found) else (0, len(area))
  n_levels = min(N_LEVELS, end - first)
  levels = tuple(int(first + (k + 0.5) * (end - first) / n_levels) for k in range(n_levels))
  margin = round(_MARGIN_MM / min(grid.spacing_mm[:2]))
  box = view.brain_box(brain, margin)
  return Frame(grid, brain, levels, tuple(slice(*s.indices(n)[:2]) for s, n in zip(box, grid.shape)))
