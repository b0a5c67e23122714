"""What an arm of a study is."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from stroke_tfds.errors import InputError
from stroke_tfds.texts import check_label

ALL = 'all'
CLINICAL = 'clinical'


@dataclasses.dataclass(frozen=True)
class Arm:
  """A way to train the segmenter; a study trains each of its arms once per seed.

  Attributes:
    name: Unique in the study.
    learns_from: Source -> how many of its cases, or `all`. The source `clinical` is the clinical
      training split, of which a number means a draw by the seed: the 10 of a seed are among its 50.
      Other sources are synthetic sets of the study.
    epochs: How long it trains.
    evaluated_epochs: How many of its last epochs are evaluated; or (first, last), both counted from 1.
    steps_per_epoch: Optimizer steps; those of the study's segmenter when 0.
    start: Arm of the same seed from whose last checkpoint it starts; a new network when empty.
    weights: Source -> relative chance of a draw from it; all cases alike when empty.
    n_slices: Source -> how many of its slices are learnt from, drawn by the seed; all when empty. Of a
      segmenter of slices.
    bindings: Gin bindings of this arm alone.
    group: Row of the paper's Table 1 that it belongs to, such as `synthetic, then 10 clinical`.
    system: Column of that table: the translator's name, or empty for baselines.
    reference: Arm that it is compared with besides the study's first.
    rivals: Further arms that claims are made against, such as one of a simpler way to make cases.
    published: Mean and sd of the paper's test Dice in percent, or empty.
  """

  name: str
  learns_from: Mapping[str, int | str]
  epochs: int
  evaluated_epochs: int | tuple[int, int]
  steps_per_epoch: int = 0
  start: str = ''
  weights: Mapping[str, float] = dataclasses.field(default_factory=dict)
  n_slices: Mapping[str, int] = dataclasses.field(default_factory=dict)
  bindings: tuple[str, ...] = ()
  group: str = ''
  system: str = ''
  reference: str = ''
  rivals: tuple[str, ...] = ()
  published: tuple[float, ...] = ()

  @property
  def evaluated_range(self) -> range:
    """The evaluated epochs, counted from 1."""
    if isinstance(self.evaluated_epochs, tuple):
      first, last = self.evaluated_epochs
      return range(first, last + 1)
    return range(self.epochs - self.evaluated_epochs + 1, self.epochs + 1)

  @property
  def n_clinical(self) -> int | str:
    """Clinical cases that it learns from, 0 for none."""
    return self.learns_from.get(CLINICAL, 0)

  @property
  def group_name(self) -> str:
    """Its group; its own name when it has none."""
    return self.group or self.name

  @property
  def synthetic_sources(self) -> tuple[str, ...]:
    """The sources that it learns from besides clinical cases."""
    return tuple(source for source in self.learns_from if source != CLINICAL)

  @property
  def uses_synthetic(self) -> bool:
    """Whether it learns, or has learnt, from synthetic cases."""
    return bool(self.start or self.synthetic_sources)

  @property
  def is_tested(self) -> bool:
    """Whether a study asks if it differs; fewer clinical cases alone are only its learning curve."""
    return self.uses_synthetic or self.n_clinical == ALL


def arm_groups(arms: Sequence[Arm]) -> dict[str, list[Arm]]:
  """Group's name -> its arms, both in the order of the study."""
  found: dict[str, list[Arm]] = {}
  for arm in arms:
    found.setdefault(arm.group_name, []).append(arm)
  return found


def arm_systems(arms: Sequence[Arm]) -> tuple[str, ...]:
  """The translators in the order of the study."""
  return tuple(dict.fromkeys(arm.system for arm in arms if arm.system))


def arm_labels(arms: Sequence[Arm]) -> dict[str, str]:
  """Arm's name -> what tells it from the others of its group, such as `SPADE` or `lesion fusion`."""
  found = {}
  for members in arm_groups(arms).values():
    short = [arm.system or ' + '.join(arm.synthetic_sources) or arm.name for arm in members]
    found |= {arm.name: s if short.count(s) == 1 else arm.name for arm, s in zip(members, short)}
  return found


def read_texts(value: Any, what: str) -> tuple[str, ...]:
  """A list of texts from a gin file.

  Raises:
    InputError: Something else; `what` names it.
  """
  if not isinstance(value, list | tuple) or not all(isinstance(text, str) for text in value):
    raise InputError(f'{what} is {value!r}, expected a list of texts')
  return tuple(value)


def read_arm(name: str, fields: Mapping[str, Any], earlier: Sequence[str], what: str = '') -> Arm:
  """An arm from a gin file.

  Args:
    name: Its name.
    fields: The other fields of Arm.
    earlier: Names of the arms that it may start from or be compared with.
    what: What errors call it; by its name when empty.

  Raises:
    InputError: An unknown or missing field, a value out of its range, or an arm that names another one
      that is not among the earlier ones.
  """
  what = what or f'arm {name!r}'
  _check_fields(name, fields, what)
  values = {k: tuple(v) if isinstance(v, list) else v for k, v in fields.items()}
  arm = Arm(name, **{**values, 'bindings': read_texts(values.get('bindings', ()), f'{what}: bindings')})
  _check_sources(arm, what)
  _check_epochs(arm, what)
  others = [(field, getattr(arm, field)) for field in ('start', 'reference')]
  others += [('a rival', rival) for rival in read_texts(arm.rivals, f'{what}: rivals')]
  for field, other in others:
    if other and other not in earlier:
      raise InputError(f'{what}: {field} is {other!r}, expected an arm above it: {list(earlier)}')
  against = [arm.reference or next(iter(earlier), ''), *arm.rivals]
  if len({*against}) < len(against):
    raise InputError(
      f'{what}: is compared with {against}, its reference (or the first arm) and its rivals, expected '
      'each once'
    )
  numbers = isinstance(arm.published, tuple) and all(isinstance(x, int | float) for x in arm.published)
  if not numbers or len(arm.published) not in (0, 2):
    raise InputError(f'{what}: published is {arm.published!r}, expected a mean and an sd')
  return arm


def _check_fields(name: str, fields: Mapping[str, Any], what: str) -> None:
  known = {field.name for field in dataclasses.fields(Arm) if field.name != 'name'}
  check_label(name, what)
  if not isinstance(fields, Mapping):
    raise InputError(f'{what}: is {fields!r}, expected fields such as "learns_from" and "epochs"')
  for field in fields:
    if field not in known:
      raise InputError(f'{what}: field {field!r} is unknown, expected some of {sorted(known)}')
  for field in ('learns_from', 'epochs', 'evaluated_epochs'):
    if field not in fields:
      raise InputError(f'{what}: {field} is missing')
  for field in ('start', 'group', 'system', 'reference'):
    if not isinstance(fields.get(field, ''), str):
      raise InputError(f'{what}: {field} is {fields[field]!r}, expected a text')
  for field in ('group', 'system'):
    if fields.get(field):
      check_label(fields[field], f'{what}: {field}')


def _check_sources(arm: Arm, what: str) -> None:
  if not isinstance(arm.learns_from, Mapping) or not arm.learns_from:
    raise InputError(
      f'{what}: learns_from is {arm.learns_from!r}, expected at least one source with its '
      'number of cases, such as {"clinical": 10}'
    )
  for source, count in arm.learns_from.items():
    if count != ALL and not is_count(count):
      raise InputError(
        f'{what}: {count!r} cases of {source!r}, expected a whole number from 1 or "all"'
      )
  for field in ('weights', 'n_slices'):
    given = getattr(arm, field)
    if not isinstance(given, Mapping) or (given and {*given} != {*arm.learns_from}):
      raise InputError(
        f'{what}: {field} is {given!r}, expected one for each of its sources {sorted(arm.learns_from)}'
      )
  for source, weight in arm.weights.items():
    if not isinstance(weight, int | float) or not 0 < weight < float('inf'):
      raise InputError(f'{what}: weight of {source!r} is {weight!r}, expected a number > 0')
  for source, count in arm.n_slices.items():
    if not is_count(count):
      raise InputError(f'{what}: {count!r} slices of {source!r}, expected a whole number from 1')


def _check_epochs(arm: Arm, what: str) -> None:
  if not is_count(arm.epochs):
    raise InputError(f'{what}: epochs is {arm.epochs!r}, expected a whole number from 1')
  if arm.steps_per_epoch != 0 and not is_count(arm.steps_per_epoch):
    raise InputError(
      f'{what}: steps_per_epoch is {arm.steps_per_epoch!r}, expected a whole number from 1'
    )
  asked = arm.evaluated_epochs
  ends = asked if isinstance(asked, tuple) else (asked, arm.epochs)
  sound = len(ends) == 2 and all(is_count(epoch) for epoch in ends)
  if not sound or not 1 <= arm.evaluated_range.start < arm.evaluated_range.stop <= arm.epochs + 1:
    raise InputError(
      f'{what}: evaluated_epochs is {asked!r}, expected a number of last epochs up to '
      f'{arm.epochs}, or the first and the last one of them'
    )


def is_count(value: Any) -> bool:
  """Whether it is a whole number from 1."""
  return isinstance(value, int) and not isinstance(value, bool) and value >= 1
