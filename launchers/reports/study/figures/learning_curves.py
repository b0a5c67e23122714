"""Dice and loss of the segmenters by epoch: the paper's Figure 4."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from launchers.reports import style
from launchers.reports.page import Panel, Section
from launchers.reports.study import formatting
from launchers.reports.study.arm_styles import ArmStyles
from launchers.study.arms import Arm, arm_groups
from launchers.study.results import Study

# Metric of a curve, its name and its scale.
_CURVES = (
  ('dice', 'training Dice (%)', 100),
  ('test_dice', 'test Dice (%)', 100),
  ('loss', 'training loss', 1),
  ('test_loss', 'test loss', 1),
)


def learning_curves(study: Study, styles: ArmStyles, commands: Sequence[str]) -> Section:
  """Figure 4: the finished arms, a panel for each group."""
  panels = [
    Panel(
      style.svg_uri(draw(study, name, members, styles)),
      f'Training and test Dice and loss by epoch: {name}',
    )
    for name, members in arm_groups(study.finished).items()
  ]
  lines = 'Lines: one seed.'
  if len(study.seeds) > 1:
    seeds = formatting.seeds(len(study.seeds))
    lines = f'Lines: mean over {seeds}; bands: from the lowest seed to the highest.'
  caption = (
    f'{lines} Training: means over an epoch, with augmentation. Test: mean over the n = '
    f'{study.cases.is_scored.sum()} cases, in the epochs in which it was measured. Shaded: the '
    'evaluated epochs. Loss: cross-entropy + 1 \N{MINUS SIGN} Dice.'
  )
  columns = min(len(panels), 3)
  return Section('Learning curves', panels, caption, commands, columns=columns, number=4)


def draw(study: Study, name: str, arms: Sequence[Arm], styles: ArmStyles) -> Figure:
  """Dice and loss of the arms of a group by epoch: mean over the seeds, and their range."""
  figure = Figure(figsize=(4.6, 4.0), layout='constrained')
  all_axes = figure.subplots(2, 2, sharex=True).ravel()
  for axes, (metric, title, scale) in zip(all_axes, _CURVES):
    for arm, series in zip(arms, _different(arms, styles)):
      curves = [study.results[arm.name, seed].curve for seed in study.seeds]
      values = scale * np.stack([curve[metric] for curve in curves])
      _draw_range(axes, curves[0]['epoch'], values, series, styles.labels[arm.name])
    axes.set_title(title, fontsize=8.5)
    _draw_evaluated(axes, arms)
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
  for axes in all_axes[2:]:
    axes.set_xlabel('epoch')
  figure.suptitle(name, x=0.01, ha='left', fontsize=9.5, fontweight='bold')
  if len(arms) > 1:
    figure.legend(*all_axes[0].get_legend_handles_labels(), loc='outside lower left', ncols=2)
  return figure


def _different(arms: Sequence[Arm], styles: ArmStyles) -> list[style.Series]:
  """Translators keep their series; the group's other arms take those that are left."""
  taken = [styles.series(arm) for arm in arms if arm.system]
  baseline = styles.by_system[''].series
  ordered = [baseline, *(series for series in style.SERIES if series is not baseline)]
  free = [series for series in ordered if series not in taken] or list(style.SERIES)
  others = [arm for arm in arms if not arm.system]
  return [styles.series(arm) if arm.system else free[others.index(arm) % len(free)] for arm in arms]


def _draw_range(
  axes: Axes, epochs: np.ndarray, values: np.ndarray, series: style.Series, label: str
) -> None:
  """The mean over the first axis as a line, its range as a band; epochs without a value left out."""
  there = np.isfinite(values).all(axis=0)
  epochs, values = epochs[there], values[:, there]
  axes.fill_between(epochs, values.min(0), values.max(0), color=series.colour, alpha=0.15, linewidth=0)
  axes.plot(
    epochs,
    values.mean(0),
    color=series.colour,
    linestyle=series.dash,
    marker=series.marker,
    markersize=3.2,
    markevery=max(len(epochs) // 6, 1),
    label=label,
  )


def _draw_evaluated(axes: Axes, arms: Sequence[Arm]) -> None:
  """Shades the evaluated epochs; no two arms of a group need have the same."""
  for epochs in {arm.evaluated_range for arm in arms}:
    axes.axvspan(epochs.start - 0.5, epochs.stop - 0.5, color='#f3f4f6', linewidth=0)
