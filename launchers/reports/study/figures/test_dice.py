"""Test Dice over the evaluated epochs: the paper's Figure 5, and Figure 7 after fine-tuning."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from launchers.reports import style
from launchers.reports.page import Panel, Section
from launchers.reports.study import formatting
from launchers.reports.study.arm_styles import ArmStyle, ArmStyles
from launchers.reports.study.figures.arm_lines import LINE_INCHES, grouped_lines, lines_figure
from launchers.study.arms import Arm
from launchers.study.results import Study

_BOX = '#e8eaed'


def dice_by_training_data(study: Study, styles: ArmStyles, commands: Sequence[str]) -> Section | None:
  """Figure 5: the arms that start anew; None without any."""
  arms = [arm for arm in study.finished if arm not in _tuned(study)]
  return _section(5, 'Test Dice by training data', study, arms, styles, commands)


def dice_after_tuning(study: Study, styles: ArmStyles, commands: Sequence[str]) -> Section | None:
  """Figure 7: the arms that start from another, and what they are compared with; None without any."""
  return _section(7, 'Test Dice after fine-tuning', study, _tuned(study), styles, commands)


def draw(arms: Sequence[Arm], values: Mapping[str, np.ndarray], styles: ArmStyles) -> Figure:
  """Test Dice in percent over the evaluated epochs and the seeds, the paper's beside it.

  Args:
    arms: The lines, in groups.
    values: Arm's name -> mean test Dice of each epoch and seed, as a fraction.
    styles: Of all arms of the study.
  """
  lines = grouped_lines(arms, styles)
  figure, axes = lines_figure(lines, line_inches=1.35 * LINE_INCHES)
  for arm in arms:
    y = lines.at[arm.name]
    _draw_box(axes, 100 * np.ravel(values[arm.name]), y, styles.of(arm))
    if arm.published:
      mean, sd = arm.published
      below = y + 0.38
      axes.plot([mean - sd, mean + sd], [below, below], color=style.INK, linewidth=0.8)
      axes.plot(mean, below, '*', color='w', markeredgecolor=style.INK, markersize=7)
  axes.set_xlabel('test Dice (%)')
  return figure


def _tuned(study: Study) -> list[Arm]:
  references = {arm.reference for arm in study.finished if arm.start}
  return [arm for arm in study.finished if arm.start or arm.name in references]


def _section(number, title, study, arms, styles, commands) -> Section | None:
  if not arms:
    return None
  scored = study.cases.is_scored
  values = {arm.name: study.values(arm.name, 'dice')[..., scored].mean(axis=-1) for arm in arms}
  panel = Panel(style.svg_uri(draw(arms, values, styles)), 'Box plot of test Dice by arm')
  n_values = formatting.either(dice.size for dice in values.values())
  and_seed = ' and seed' if len(study.seeds) > 1 else ''
  stars = ' Stars: as published, with sd, on other data.' if any(a.published for a in arms) else ''
  caption = (
    f'Boxes: mean test Dice in each evaluated epoch{and_seed}, from quartile to quartile with the '
    f'median; whiskers to the furthest within 1.5 box lengths.{stars} n = '
    f'{n_values} value{"" if n_values == "1" else "s"} an arm, each a mean over {scored.sum()} cases.'
  )
  return Section(title, [panel], caption, commands, columns=1, number=number)


def _draw_box(axes: Axes, values: np.ndarray, y: float, arm_style: ArmStyle) -> None:
  colour = arm_style.series.colour
  box = axes.boxplot(
    [values],
    positions=[y],
    widths=0.5,
    orientation='horizontal',
    showfliers=False,
    manage_ticks=False,
    patch_artist=True,
    medianprops={'color': style.INK, 'linewidth': 1.6},
    boxprops={'facecolor': _BOX, 'edgecolor': colour, 'linewidth': 1.0},
    whiskerprops={'color': colour},
    capprops={'color': colour},
  )
  box['boxes'][0].set_hatch(arm_style.hatch)
