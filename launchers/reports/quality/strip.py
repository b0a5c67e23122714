"""One prepared case in one strip of pictures, so that a wrong registration or mask is seen at a glance.

Axial slices at levels that are the same for all cases on a grid, from below to above. Beside them,
where there is a lesion, close-ups of the slice that holds most of it: outlined, then bare in each
contrast; else one slice of each further contrast.
"""

import dataclasses
import functools
import io
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from PIL import Image, UnidentifiedImageError
from PIL.PngImagePlugin import PngInfo

from launchers.reports import axial_view as view
from launchers.reports import style
from launchers.reports.quality.frame import Frame
from stroke_tfds.imaging.grid import Grid
from stroke_tfds.imaging.resample import lesion_voxels
from stroke_tfds.label_schemes import ASEG28

TEMPLATE = '#5cc0ff'  # Outlines of template and label map.
_PIXELS_PER_MM = 0.84
_DPI = 72  # A point is a pixel.
_GAP_MM = 8.0
_FOOT_MM = 14.0  # For the heights below the slices.
_CLOSE_UP_MM = (56.0, 36.0)  # Smallest height of a close-up, and what it shows around the lesion.
_STAMP = 'drawn from'
_VENTRICLE_IDS = tuple(i for i, name in enumerate(ASEG28.names) if 'ventricle' in name)


def draw_case(
  image: np.ndarray,
  labels: np.ndarray,
  lesion_fraction: np.ndarray,
  frame: Frame,
  contrasts: Sequence[str],
  stamp: str = '',
) -> bytes:
  """The strip of one case.

  Args:
    image: Intensities in [0, 1], (X, Y, Z, C); the first contrast is the one shown at all levels.
    labels: aseg28 ids, (X, Y, Z).
    lesion_fraction: How much of each voxel is lesion, (X, Y, Z).
    frame: Of the grid that the volumes are on.
    contrasts: Name of each contrast.
    stamp: What `read_stamp` shall find in the picture.

  Returns:
    A PNG with a palette of greys and the colours of the outlines.
  """
  lesion = lesion_voxels(lesion_fraction)
  panels = list(_panels(image, lesion, frame, contrasts))
  width_mm, height_mm = frame.tile_mm
  strip_mm = width_mm * len(frame.levels)
  size_mm = strip_mm + (width_mm + _GAP_MM) * len(panels), height_mm + _FOOT_MM
  with style.style():
    figure = Figure([round(mm * _PIXELS_PER_MM) / _DPI for mm in size_mm], _DPI, facecolor='k')
    ax = _axes(figure, 0, strip_mm / size_mm[0])
    _draw_levels(ax, image[..., 0], labels, lesion, frame)
    for k, panel in enumerate(panels):
      left_mm = strip_mm + _GAP_MM + (_GAP_MM + width_mm) * k
      _draw_panel(_axes(figure, left_mm / size_mm[0], width_mm / size_mm[0]), panel, frame)
    return _png(figure, stamp)


@dataclasses.dataclass(frozen=True)
class _Panel:
  """A slice (X, Y) beside the levels, the part of it that is shown in mm, the lesion to outline."""

  axial: np.ndarray
  name: str
  box_mm: np.ndarray
  lesion: np.ndarray | None = None


def _panels(
  image: np.ndarray, lesion: np.ndarray, frame: Frame, contrasts: Sequence[str]
) -> Iterator[_Panel]:
  if lesion.any():
    z = int(lesion.sum(axis=(0, 1)).argmax())
    box_mm, shown = _close_up_mm(lesion[..., z], frame), range(len(contrasts))
    yield _Panel(image[..., z, 0], _level(contrasts[0], z, frame), box_mm, lesion[..., z])
  else:
    z = frame.levels[len(frame.levels) // 2]
    box_mm, shown = _tile_box_mm(frame), range(1, len(contrasts))
  for c in shown:
    yield _Panel(image[..., z, c], _level(contrasts[c], z, frame), box_mm)


def read_stamp(path: Path) -> tuple[str, tuple[int, int]]:
  """The stamp that a strip was drawn with, and its width and height in pixels.

  `('', (0, 0))` where there is no picture, or half of one.
  """
  try:
    with Image.open(path) as picture:
      return picture.info.get(_STAMP, ''), picture.size
  except (FileNotFoundError, UnidentifiedImageError):
    return '', (0, 0)


def _draw_levels(
  ax: Axes, image: np.ndarray, labels: np.ndarray, lesion: np.ndarray, frame: Frame
) -> None:
  """All levels side by side; drawn as one wide slice, which is much faster than one by one."""
  ventricles = np.isin(labels, _VENTRICLE_IDS)
  view.show(ax, _side_by_side(image, frame), frame.grid, **_GREY)
  _draw_contour(ax, _side_by_side(frame.brain, frame), frame.grid, (0, (4, 2)), 1.0)
  _draw_contour(ax, _side_by_side(ventricles, frame), frame.grid, (0, (1, 1)), 1.0)
  view.draw_outline(ax, _side_by_side(lesion, frame), frame.grid)
  ax.set_ylim(frame.tile_mm[1] + _FOOT_MM, 0)
  for k, z in enumerate(frame.levels):
    _write(ax, (k + 0.5) / len(frame.levels), 0.01, _level('', z, frame), 'center', 'bottom')
  _write(ax, 0.03 / len(frame.levels), 0.98, 'R', 'left', 'top', 11)
  _write(ax, 0.97 / len(frame.levels), 0.98, 'L', 'right', 'top', 11)


def _draw_panel(ax: Axes, panel: _Panel, frame: Frame) -> None:
  view.show(ax, panel.axial, frame.grid, **_GREY)
  if panel.lesion is not None:
    view.draw_outline(ax, panel.lesion, frame.grid)
  (left, top), (right, bottom) = panel.box_mm
  scale = (bottom - top) / frame.tile_mm[1]
  ax.set(xlim=(left, right), ylim=(bottom + scale * _FOOT_MM, top))
  ax.add_patch(Rectangle((left, bottom), right - left, scale * _FOOT_MM, color='k', zorder=3))
  _write(ax, 0.5, 0.01, panel.name, 'center', 'bottom')


def _tile_box_mm(frame: Frame) -> np.ndarray:
  """Where a level lies in the picture of a whole slice: [(left, top), (right, bottom)] in mm."""
  ends = [[n - s.stop, n - s.start] for s, n in zip(frame.box, frame.grid.shape)]
  return np.transpose(ends) * frame.grid.spacing_mm[:2]


def _close_up_mm(lesion: np.ndarray, frame: Frame) -> np.ndarray:
  """The surroundings of a lesion's slice (X, Y) in the proportions of a level; as `_tile_box_mm`."""
  ends = view.outline(view.to_display(lesion), frame.grid.spacing_mm).reshape(-1, 2)
  low, high = ends.min(0), ends.max(0)
  tile = np.asarray(frame.tile_mm)
  share = np.clip(((high - low + _CLOSE_UP_MM[1]) / tile).max(), _CLOSE_UP_MM[0] / tile[1], 1)
  return (low + high) / 2 + np.outer([-0.5, 0.5], share * tile)


def _level(contrast: str, z: int, frame: Frame) -> str:
  return f'{contrast}  {style.signed(frame.grid.coordinates_mm()[2][z], 0)}'.strip()


_GREY = {
  'cmap': 'gray',
  'vmin': view.WINDOW[0],
  'vmax': view.WINDOW[1],
  'interpolation': 'bilinear',
}


def _side_by_side(volume: np.ndarray, frame: Frame) -> np.ndarray:
  """The levels as one slice (n X, Y) whose picture shows them from the left to the right."""
  return np.concatenate([volume[(*frame.box, z)] for z in reversed(frame.levels)]).astype(np.float32)


def _draw_contour(ax: Axes, axial: np.ndarray, grid: Grid, dash, width: float) -> None:
  """A dashed outline of a mask's slice (X, Y)."""
  picture = view.to_display(axial)
  if not picture.any():
    return
  x, y = ((np.arange(n) + 0.5) * mm for n, mm in zip(axial.shape, grid.spacing_mm))
  ax.contour(x, y, picture, [0.5], colors=TEMPLATE, linestyles=[dash], linewidths=width)


def _axes(figure: Figure, left: float, width: float) -> Axes:
  ax = style.image_axes(figure.add_axes((left, 0, width, 1)))
  ax.set(anchor='N', facecolor='k')
  return ax


def _write(ax: Axes, x: float, y: float, text: str, side: str, end: str, size: float = 9) -> None:
  """Writes at a place in shares of the axes."""
  ax.text(x, y, text, color='#c8c8c8', fontsize=size, ha=side, va=end, transform=ax.transAxes, zorder=4)


def _png(figure: Figure, stamp: str) -> bytes:
  canvas = FigureCanvasAgg(figure)
  canvas.draw()
  pixels = Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3])
  indexed = pixels.quantize(palette=_palette(), dither=Image.Dither.NONE)
  buffer, notes = io.BytesIO(), PngInfo()
  notes.add_text(_STAMP, stamp)
  indexed.save(buffer, 'png', optimize=True, pnginfo=notes)
  return buffer.getvalue()


@functools.cache
def _palette() -> Image.Image:
  """Greys, and the outlines' colours darkened and lightened as their smooth edges are."""
  greys = [np.full(3, value) for value in np.linspace(0, 255, 36)]
  shades = [
    (1 - share) * np.array(colour) + share * ground
    for colour in map(_rgb, (style.OUTLINE, TEMPLATE))
    for ground in (0, 128, 255)
    for share in (0, 0.25, 0.5, 0.75)
  ]
  image = Image.new('P', (1, 1))
  image.putpalette(np.rint([*greys, *shades]).astype(np.uint8).ravel().tolist())
  return image


def _rgb(colour: str) -> tuple[int, ...]:
  return tuple(bytes.fromhex(colour[1:]))
