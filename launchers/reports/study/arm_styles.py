"""How arms are named, ordered and told apart: one answer for every table and figure of a study."""

import dataclasses
from collections.abc import Mapping, Sequence

from launchers.reports import style
from launchers.study.arms import Arm, arm_labels, arm_systems

# Arms without a translator are black squares; translators take the other series in their order.
_BASELINE = style.SERIES[2]
_TRANSLATORS = tuple(series for series in style.SERIES if series is not _BASELINE)
_HATCHES = ('////', '||||', '\\\\\\\\', 'xxxx')


@dataclasses.dataclass(frozen=True)
class ArmStyle:
  """What arms of one column of the paper's table share: a line's series and a box's hatch."""

  series: style.Series
  hatch: str


@dataclasses.dataclass(frozen=True)
class ArmStyles:
  """Names, order and styles of the arms of a study.

  Attributes:
    arms: All arms in their order.
    labels: Arm's name -> what stands beside it below the name of its group.
    systems: The translators in their order.
    by_system: Translator -> style; the empty name is that of arms without one.
  """

  arms: tuple[Arm, ...]
  labels: Mapping[str, str]
  systems: tuple[str, ...]
  by_system: Mapping[str, ArmStyle]

  def of(self, arm: Arm) -> ArmStyle:
    """Its style."""
    return self.by_system[arm.system]

  def series(self, arm: Arm) -> style.Series:
    """Colour, dash and marker of its line or point."""
    return self.of(arm).series


def arm_styles(arms: Sequence[Arm]) -> ArmStyles:
  """Labels and styles of all arms of a study, whether or not they are finished."""
  systems = arm_systems(arms)
  by_system = {'': ArmStyle(_BASELINE, '')}
  for i, system in enumerate(systems):
    series, hatch = _TRANSLATORS[i % len(_TRANSLATORS)], _HATCHES[i % len(_HATCHES)]
    by_system[system] = ArmStyle(series, hatch)
  return ArmStyles(tuple(arms), arm_labels(arms), systems, by_system)
