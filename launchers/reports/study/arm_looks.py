"""How arms are named, ordered and told apart in every table and figure of a study."""

import dataclasses
from collections.abc import Sequence

from launchers.reports import style
from launchers.study.arms import Arm, arm_groups, arm_labels, arm_systems

# Arms without a translator are black squares; translators take the other looks in their order.
_BASELINE = style.SERIES[2]
_SYSTEMS = tuple(look for look in style.SERIES if look is not _BASELINE)
_HATCHES = ('////', '||||', '\\\\\\\\', 'xxxx')
_GAP = 0.35  # Above the name of a group.


@dataclasses.dataclass(frozen=True)
class Look:
  """What arms of one column of the paper's table share: a line's style and a box's hatch."""

  series: style.Series
  hatch: str


@dataclasses.dataclass(frozen=True)
class Lines:
  """Arms one below the other, under the names of their groups.

  Attributes:
    at: Arm's name -> height, from 0 downwards.
    labels: Arm's name -> what stands beside it.
    headings: Name of a group with its height.
  """

  at: dict[str, float]
  labels: dict[str, str]
  headings: tuple[tuple[str, float], ...]

  @property
  def depth(self) -> float:
    """Height of the last line."""
    return max(self.at.values())


def looks(arms: Sequence[Arm]) -> dict[str, Look]:
  """Translator -> look; the empty name is that of arms without one."""
  found = {'': Look(_BASELINE, '')}
  for i, system in enumerate(arm_systems(arms)):
    found[system] = Look(_SYSTEMS[i % len(_SYSTEMS)], _HATCHES[i % len(_HATCHES)])
  return found


def lines(arms: Sequence[Arm]) -> Lines:
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
  return Lines(at, arm_labels(arms), tuple(headings))
