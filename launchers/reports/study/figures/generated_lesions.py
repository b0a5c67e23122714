"""Generated lesions beside real ones: Figure 13."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator

from keras_itm.lesions import MIN_VOXELS
from launchers.reports import axial_view as view
from launchers.reports import style
from launchers.reports.page import Panel, Section
from launchers.reports.study.figures.synthetic_sets import SurveyedSets
from stroke_eval import chosen_cases
from stroke_eval.survey import Survey
from stroke_tfds.imaging.grid import Grid

_N_SHOWN = 12


def generated_lesions(shown: SurveyedSets) -> Section | None:
  """Figure 13: what they look like, where they lie and how large they are; None without any.

  Sets of one seed share their lesion generator: the first of them stands for all.
  """
  if not shown.generated:
    return None
  name = shown.generated[0]
  made, real, grid = shown.surveys[name], shown.clinical_survey, shown.grid
  panels = [
    _panel(draw_gallery(survey.masks(_spread(survey)), real.brain_share, grid), f'{whose} lesions')
    for whose, survey in (('Generated', made), ('Real', real))
  ]
  shares = {'generated': made.lesion_share, 'real': real.lesion_share}
  panels.append(_panel(draw_frequency(shares, real.brain_share, grid), 'Where lesions lie'))
  figure = draw_volumes(_volumes(made, real), MIN_VOXELS * grid.voxel_volume_ml)
  panels.append(Panel(style.svg_uri(figure), 'Cumulative distributions of lesion volume'))
  commands = shown.made_by([name])
  title = 'Generated lesions'
  return Section(title, panels, _caption(shown, name), commands, columns=2, number=13)


def draw_gallery(masks: np.ndarray, brain: np.ndarray, grid: Grid, columns: int = 4) -> Figure:
  """Lesions projected along Z: the thickness of each, with the outline of the average brain.

  Args:
    masks: 0 or 1, [n, X, Y, Z].
    brain: Share of the volumes whose brain holds a voxel, (X, Y, Z).
    grid: Where the voxels are.
    columns: Pictures in a row.
  """
  usual = brain > 0.5
  box, shadow = view.brain_box(usual), usual.any(axis=2)
  figure, axes = view.image_grid(-(-len(masks) // columns), columns, box, grid, 0.9, 1)
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


def draw_frequency(shares: Mapping[str, np.ndarray], brain: np.ndarray, grid: Grid) -> Figure:
  """How often each place holds a lesion: the highest share along Z, one picture per set.

  Args:
    shares: Name of a set -> share of its volumes whose lesion holds a voxel, (X, Y, Z).
    brain: Share of the volumes whose brain holds a voxel, (X, Y, Z).
    grid: Where the voxels are.
  """
  usual = brain > 0.5
  box, shadow = view.brain_box(usual), usual.any(axis=2)
  figure, axes = view.image_grid(1, len(shares), box, grid, 2.0, 1)
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


def draw_volumes(volumes_ml: Mapping[str, np.ndarray], bound_ml: float) -> Figure:
  """Cumulative distributions of lesion volume.

  Args:
    volumes_ml: Name of a set -> volumes above 0.
    bound_ml: The smallest volume that synthesis accepts.
  """
  figure, axes = style.plot_panel('Lesion volume', 'lesion volume (ml)', 'share of lesions')
  for i, (name, volumes) in enumerate(volumes_ml.items()):
    series = style.series(i)
    label = f'{name} (n = {len(volumes)})'
    axes.ecdf(volumes, color=series.colour, linestyle=series.dash, label=label)
  axes.axvline(bound_ml, color=style.INK, linewidth=0.7, linestyle=(0, (1, 2)))
  _log_ml(axes)
  axes.set_ylim(0, 1)
  axes.legend(loc='upper left')
  return figure


def _caption(shown: SurveyedSets, name: str) -> str:
  others = ' The other sets of generated lesions have the same generator.'
  return (
    f'Generated: the lesions of {len(shown.surveys[name])} cases of {name}, after restriction to '
    f'parenchyma.{others if len(shown.generated) > 1 else ""} Real: '
    f'{len(shown.clinical_survey.with_lesion())} clinical training cases. Pictures: lesions evenly '
    'spread over the ranks of volume from small to large, in radiological convention; the darker, the '
    'thicker from inferior to superior (black: 60 mm or more). Where lesions lie: share of cases with '
    'a lesion at a place, highest along z. Volume: cumulative share of lesions; non-empty draws: '
    f'before small ones were drawn again; dotted: {MIN_VOXELS} voxels, the least that is accepted. '
    + audit_text({name: shown.sets[name].metadata.get('audit') for name in shown.generated})
  )


def audit_text(audits: Mapping[str, Mapping[str, Any] | None]) -> str:
  """How many draws the audit of each set rejected, and for what.

  Args:
    audits: Name of a set -> `audit` of its metadata, None where it has none.
  """
  parts = []
  for name, audit in audits.items():
    rejected = audit['rejected'] if audit else {}
    reasons = ', '.join(f'{n} {reason}' for reason, n in rejected.items())
    counted = f'{sum(rejected.values())} ({reasons})' if reasons else 'none'
    parts.append(f'{name} {counted if audit else "was not audited"}')
  return f'Rejected by the audit and drawn again: {"; ".join(parts)}.'


def _panel(figure: Figure, title: str) -> Panel:
  return Panel(style.picture_uri(figure), f'{title}, projected', title)


def _spread(survey: Survey) -> np.ndarray:
  """Positions of cases evenly spread over the ranks of lesion volume."""
  positions = survey.with_lesion()
  return positions[chosen_cases.evenly_spread(survey.voxels[positions], _N_SHOWN)]


def _volumes(made: Survey, real: Survey) -> dict[str, np.ndarray]:
  volumes = {'real': real.volumes_ml[real.with_lesion()]}
  volumes['generated'] = made.volumes_ml[made.with_lesion()]
  draws = [v for facts in made.provenance for v in facts.get('lesion_draw_voxels', [])]
  drawn = np.array([v for v in draws if v]) * np.prod(made.spacing_mm) / 1000
  return {**volumes, 'non-empty draws': drawn} if drawn.size else volumes


def _log_ml(axes: Axes) -> None:
  axes.set_xscale('log')
  axes.xaxis.set_major_locator(LogLocator(numticks=8))
  axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f'{value:g}'))
  axes.xaxis.set_minor_formatter(FuncFormatter(lambda *_: ''))
