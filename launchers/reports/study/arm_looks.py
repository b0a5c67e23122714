"""How arms are named, ordered and told apart in every table and figure of a study."""

import dataclasses
from collections.abc import Sequence

from launchers.reports import style
from launchers.study.arms import ALL, CLINICAL, Arm

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


def group(arm: Arm) -> str:
  """The arm's row of the table; its own name when it has none."""
  return arm.group or arm.name


def groups(arms: Sequence[Arm]) -> dict[str, list[Arm]]:
  """Arms by group, both in the order of the study."""
  found = {}
  for arm in arms:
    found.setdefault(group(arm), []).append(arm)
  return found


def systems(arms: Sequence[Arm]) -> tuple[str, ...]:
  """The translators in the order of the study."""
  return tuple(dict.fromkeys(arm.system for arm in arms if arm.system))


def labels(arms: Sequence[Arm]) -> dict[str, str]:
  """Arm's name -> what tells it from the others of its group, such as `SPADE` or `lesion fusion`."""
  found = {}
  for members in groups(arms).values():
    short = [_short(arm) for arm in members]
    found |= {arm.name: s if short.count(s) == 1 else arm.name for arm, s in zip(members, short)}
  return found


def uses_synthetic(arm: Arm) -> bool:
  """Whether it learns, or has learnt, from made cases."""
  return bool(arm.start) or any(source != CLINICAL for source in arm.learns_from)


def is_asked(arm: Arm) -> bool:
  """Whether a study is about it; fewer clinical cases alone only serve as its learning curve."""
  return uses_synthetic(arm) or arm.n_clinical == ALL


def looks(arms: Sequence[Arm]) -> dict[str, Look]:
  """Translator -> look; the empty name is that of arms without one."""
  found = {'': Look(_BASELINE, '')}
  for i, system in enumerate(systems(arms)):
    found[system] = Look(_SYSTEMS[i % len(_SYSTEMS)], _HATCHES[i % len(_HATCHES)])
  return found


def lines(arms: Sequence[Arm]) -> Lines:
  """The arms in groups; a group of one arm with its name has no heading of its own."""
  at, headings, height = {}, [], 0.0
  for name, members in groups(arms).items():
    height += _GAP if at else 0
    if [arm.name for arm in members] != [name]:
      headings.append((name, height))
      height += 1
    for arm in members:
      at[arm.name] = height
      height += 1
  return Lines(at, labels(arms), tuple(headings))


def _short(arm: Arm) -> str:
  made = [source for source in arm.learns_from if source != CLINICAL]
  return arm.system or ' + '.join(made) or arm.name
