"""Pictures of volumes for the report, from arrays.

Volumes are (X, Y, Z), RAS; `axial_view` says how they are shown.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from launchers.reports import axial_view as view
from launchers.reports import style
from stroke_tfds.imaging.grid import Grid

_COLUMN_IN = 1.2


def synthesis_panel(
  healthy: np.ndarray,
  labels: np.ndarray,
  lesion: np.ndarray,
  synthetic: np.ndarray,
  grid: Grid,
  names: Sequence[str],
) -> Figure:
  """The paper's Figure 2 for one case: four stages of the synthesis by three slices.

  Args:
    healthy: DWI of the healthy subject, [0, 1].
    labels: Its label map.
    lesion: The lesion put in, 0 or 1.
    synthetic: The DWI made from the label map with the lesion, [0, 1].
    grid: Where the voxels are.
    names: Structure of each label, `background` first.
  """
  slices, box = view.lesion_slices(lesion), view.brain_box(labels)
  stages = ('healthy DWI', 'label map', 'lesion injected', 'synthetic DWI')
  figure, axes = image_grid(len(stages), len(slices), box, grid)
  with_lesion = np.where(lesion > 0, len(names), labels)
  for row, (stage, volume) in enumerate(zip(stages, (healthy, labels, with_lesion, synthetic))):
    axes[row, 0].set_ylabel(stage)
    for ax, z in zip(axes[row], slices):
      if row in (0, 3):
        view.show_slice(ax, volume[(*box, z)], grid)
      else:
        view.show_labels(ax, volume[(*box, z)], grid, names)
      if row == 3:
        view.draw_outline(ax, lesion[(*box, z)], grid)
  for ax, z in zip(axes[0], slices):
    ax.set_title(level(grid, z), fontsize=8, loc='center', fontweight='normal')
  return figure


def segmentation_panel(
  image: np.ndarray,
  lesion: np.ndarray,
  labels: np.ndarray,
  predictions: Mapping[str, np.ndarray],
  notes: Mapping[str, str],
  grid: Grid,
) -> Figure:
  """One test case: the DWI alone, then each arm's prediction under the outline of the true lesion.

  The slice is the one with the largest area of the true lesion, in a negative case that with the
  largest area of the predictions.

  Args:
    image: DWI, [0, 1].
    lesion: The truth, 0 or 1.
    labels: Label map; the picture is cropped to its brain.
    predictions: Arm -> predicted mask, 0 or 1.
    notes: Arm -> what stands under its picture, such as the Dice.
    grid: Where the voxels are.
  """
  shown = lesion if lesion.any() else np.sum(list(predictions.values()), axis=0, dtype=np.int32)
  z, box = int((shown > 0).sum(axis=(0, 1)).argmax()), view.brain_box(labels)
  figure, axes = image_grid(1, 1 + len(predictions), box, grid, note_lines=2)
  cells = [('DWI', None, level(grid, z)), *((a, m, notes[a]) for a, m in predictions.items())]
  for ax, (name, mask, note) in zip(axes[0], cells):
    view.show_slice(ax, image[(*box, z)], grid)
    if mask is not None:
      view.fill(ax, mask[(*box, z)], grid)
      view.draw_outline(ax, lesion[(*box, z)], grid)
    ax.set_title(name, fontsize=8, loc='center', fontweight='normal')
    ax.set_xlabel(note, fontsize=8)
  return figure


def gallery_panel(masks: np.ndarray, brain: np.ndarray, grid: Grid, columns: int = 4) -> Figure:
  """Lesions projected along Z: the thickness of each, with the outline of the average brain.

  Args:
    masks: 0 or 1, [n, X, Y, Z].
    brain: Share of the volumes whose brain holds a voxel, (X, Y, Z).
    grid: Where the voxels are.
    columns: Pictures in a row.
  """
  usual = brain > 0.5
  box, shadow = view.brain_box(usual), usual.any(axis=2)
  figure, axes = image_grid(-(-len(masks) // columns), columns, box, grid, 0.9, 1)
  for ax in axes.flat[len(masks) :]:
    ax.set_visible(False)
  for ax, mask in zip(axes.flat, masks):
    thickness_mm = mask.sum(axis=2) * grid.spacing_mm[2]
    # The scale begins below 0, so that a lesion in one slice is seen on white paper.
    thickness_mm = np.ma.masked_equal(thickness_mm, 0)
    view.show(ax, thickness_mm[box], grid, cmap='Greys', vmin=-20, vmax=60)
    view.mark_sides(ax, style.MUTED)
    view.draw_outline(ax, shadow[box], grid, colour=style.MUTED, casing=False)
    ax.set_xlabel(style.format_ml(mask.sum() * grid.voxel_volume_ml), fontsize=7.5, labelpad=1)
  return figure


def frequency_panel(shares: Mapping[str, np.ndarray], brain: np.ndarray, grid: Grid) -> Figure:
  """How often each place holds a lesion: the highest share along Z, one picture per set.

  Args:
    shares: Name of a set -> share of its volumes whose lesion holds a voxel, (X, Y, Z).
    brain: Share of the volumes whose brain holds a voxel, (X, Y, Z).
    grid: Where the voxels are.
  """
  usual = brain > 0.5
  box, shadow = view.brain_box(usual), usual.any(axis=2)
  figure, axes = image_grid(1, len(shares), box, grid, 1.6, 1)
  top = max(max(share.max() for share in shares.values()), 1e-3)
  for ax, (name, share) in zip(axes[0], shares.items()):
    shown = view.show(ax, share.max(axis=2)[box], grid, cmap='Greys', vmin=0, vmax=top)
    view.draw_outline(ax, shadow[box], grid, colour=style.MUTED, casing=False)
    view.mark_sides(ax, style.MUTED)
    ax.set_xlabel(name, fontsize=8)
  bar = figure.colorbar(shown, ax=list(axes[0]), shrink=0.75, aspect=14, pad=0.02)
  bar.ax.yaxis.set_major_formatter(lambda value, _: f'{100 * value:.3g} %')
  bar.outline.set_linewidth(0.5)
  return figure


def image_grid(
  rows: int,
  columns: int,
  box: tuple[slice, slice],
  grid: Grid,
  column_in: float = _COLUMN_IN,
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
