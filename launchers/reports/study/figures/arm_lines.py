"""Axes with an arm a line, below the names of their groups."""

import dataclasses
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from launchers.reports.study.arm_styles import ArmStyles
from launchers.study.arms import Arm, arm_groups

LINE_INCHES = 0.185
_WIDTH_INCHES = 4.4
_GAP = 0.35  # Above the name of a group.


@dataclasses.dataclass(frozen=True)
class ArmLines:
  """Arms one below the other.

  Attributes:
    at: Arm's name -> height, from 0 downwards.
    labels: Arm's name -> what stands beside it.
    headings: Name of a group with its height.
  """

  at: dict[str, float]
  labels: dict[str, str]
  headings: tuple[tuple[str, float], ...] = ()

  @property
  def depth(self) -> float:
    """Height of the last line."""
    return max(self.at.values())


def grouped_lines(arms: Sequence[Arm], styles: ArmStyles) -> ArmLines:
  """The arms in groups; a group of one arm with its name has no heading of its own."""
  at, headings, height = {}, [], 0.0
  for name, members in arm_groups(arms).items():
    height += _GAP if at else 0
    if [arm.name for arm in members] != [name]:
      headings.append((name, height))
      height += 1
    for arm in members:
      at[arm.name] = height
      height += 1
  return ArmLines(at, {name: styles.labels[name] for name in at}, tuple(headings))


def lines_figure(
  lines: ArmLines, top_lines: int = 0, line_inches: float = LINE_INCHES
) -> tuple[Figure, Axes]:
  """Axes with a line for each arm, their names to the left; read at the width of a phone."""
  height = line_inches * (lines.depth + 1 + top_lines) + 0.75
  figure = Figure(figsize=(_WIDTH_INCHES, height), layout='constrained')
  axes = figure.add_subplot()
  axes.set_yticks(list(lines.at.values()), [lines.labels[name] for name in lines.at])
  axes.set_ylim(lines.depth + 0.7, -0.6 - top_lines)
  axes.tick_params(axis='y', length=0)
  axes.spines['left'].set_visible(False)
  axes.grid(axis='y', visible=False)
  for name, height in lines.headings:
    axes.annotate(
      name,
      (0, height),
      xycoords=('figure fraction', 'data'),
      xytext=(3, 0),
      textcoords='offset points',
      va='center',
      fontsize=8.5,
      fontweight='bold',
      annotation_clip=False,
    )
  return figure, axes
