"""From a gin file to the arms of a study: plain arms, and regimes that stand for several each."""

import dataclasses
import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from launchers.study.arms import Arm, read_arm
from launchers.study.design import Synthetic
from stroke_tfds.errors import InputError

_PLACES = {'sources': '{source}', 'counts': '{count}'}
_TRANSLATOR = '{translator}'


@dataclasses.dataclass(frozen=True)
class _Regime:
  """A way to train that is repeated for several sources, or for several numbers of clinical cases.

  Attributes:
    name: Name of its arms, with a place for the value that they differ in.
    place: What stands there, such as `{source}`.
    values: Value -> fields of that arm alone.
    fields: Fields of an arm, in which the place stands for the value.
  """

  name: str
  place: str
  values: Mapping[Any, Mapping[str, Any]]
  fields: Mapping[str, Any]

  def arm(self, value: Any, synthetic: Mapping[str, Synthetic]) -> tuple[str, dict[str, Any]]:
    """Name and fields of the arm of one of the values."""
    places = {self.place: value}
    if value in synthetic:
      places[_TRANSLATOR] = value if synthetic[value].generators else ''
    return _filled(self.name, places), _filled({**self.fields, **self.values[value]}, places)


def read_arms(
  arms: Mapping[str, Mapping[str, Any]],
  synthetic: Mapping[str, Synthetic] | None = None,
  published: Mapping[str, Sequence[float]] | None = None,
) -> tuple[Arm, ...]:
  """Arms from a gin file, in which an entry is an arm or a regime.

  An arm is its name with fields of `Arm`. A regime has the same fields and one of these, a list or a
  mapping to further fields of each one's arm:

  - `sources`: Synthetic sources, for which `{source}` stands in the regime's name and in all its texts.
    `{translator}` stands for one that has a translator or joint generator, for nothing else.
  - `counts`: Numbers, for which `{count}` stands.

  Arms come in the order of their entries; regimes that follow one another are unrolled source by source
  (or number by number), so that the arms of a source stand together.

  Args:
    arms: The entries.
    synthetic: The study's synthetic sources.
    published: Name of an arm -> published mean and sd of its test Dice in percent, for arms that do not
      give them. Names of other arms are passed over.

  Raises:
    InputError: A regime that cannot be unrolled; an unknown or missing field, a value out of its range,
      two arms of one name, or an arm that names another one that does not exist or comes after it.
      Names the arm, and the regime that it is of.
  """
  for field, given in (('arms', arms), ('published', published or {})):
    if not isinstance(given, Mapping):
      raise InputError(f'{field} is {given!r}, expected values by name of an arm')
  read: dict[str, Arm] = {}
  for what, name, fields in _unrolled(arms, synthetic or {}):
    if name in read:
      raise InputError(f'{what}: there is an arm {name!r} above, expected another name')
    if isinstance(fields, Mapping) and name in (published or {}):
      fields = {'published': published[name], **fields}
    read[name] = read_arm(name, fields, list(read), what)
  if not read:
    raise InputError('arms is empty, expected at least one')
  return tuple(read.values())


def _unrolled(
  arms: Mapping[str, Mapping[str, Any]], synthetic: Mapping[str, Synthetic]
) -> Iterator[tuple[str, str, Any]]:
  """What to call an arm in errors, its name and its fields."""
  for kind, entries in itertools.groupby(arms.items(), lambda entry: _kind(*entry)):
    if not kind:
      yield from ((f'arm {name!r}', name, fields) for name, fields in entries)
      continue
    regimes = [_read_regime(name, kind, fields, synthetic) for name, fields in entries]
    for value in dict.fromkeys(value for regime in regimes for value in regime.values):
      for regime in regimes:
        if value in regime.values:
          name, fields = regime.arm(value, synthetic)
          yield f'regime {regime.name!r}, arm {name!r}', name, fields


def _kind(name: str, fields: Any) -> str:
  """`sources` or `counts` for a regime over these, empty for an arm."""
  kinds = [kind for kind in _PLACES if isinstance(fields, Mapping) and kind in fields]
  if len(kinds) > 1:
    raise InputError(f'regime {name!r}: has {kinds}, expected one of them')
  for kind, place in _PLACES.items():
    if place in str(name) and kind not in kinds:
      raise InputError(f'regime {name!r}: {kind} is missing, expected what {place} stands for')
  return kinds[0] if kinds else ''


def _read_regime(
  name: str, kind: str, fields: Mapping[str, Any], synthetic: Mapping[str, Synthetic]
) -> _Regime:
  place, values = _PLACES[kind], fields[kind]
  if place not in str(name):
    raise InputError(f'regime {name!r}: no {place} in its name, expected it where its {kind} differ')
  if isinstance(values, list | tuple) and all(isinstance(value, str | int) for value in values):
    values = {value: {} for value in values}
  if not isinstance(values, Mapping) or not all(isinstance(own, Mapping) for own in values.values()):
    raise InputError(
      f'regime {name!r}: {kind} is {values!r}, expected a list, or fields of an arm for each of them'
    )
  for value in values:
    if kind == 'sources' and value not in synthetic:
      raise InputError(
        f'regime {name!r}: source {value!r} is unknown, expected some of {list(synthetic)}'
      )
  return _Regime(name, place, values, {k: v for k, v in fields.items() if k != kind})


def _filled(value: Any, places: Mapping[str, Any]) -> Any:
  """A value of a gin file, with texts in which places are filled; a text that is one is its value."""
  if isinstance(value, Mapping):
    return {_filled(key, places): _filled(item, places) for key, item in value.items()}
  if isinstance(value, list | tuple):
    return type(value)(_filled(item, places) for item in value)
  if not isinstance(value, str):
    return value
  if value in places:
    return places[value]
  for place, text in places.items():
    value = value.replace(place, str(text))
  return value
