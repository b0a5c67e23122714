"""A further test set of a study, as a gin file gives it."""

import dataclasses
from collections.abc import Mapping

from launchers.stages import slug
from stroke_tfds.errors import InputError
from stroke_tfds.texts import check_label

_FIELDS = ('set', 'prepared', 'input')


@dataclasses.dataclass(frozen=True)
class ExternalTest:
  """A further test set.

  Attributes:
    set: `name/config:split`.
    prepared: The prepared folder that it was built from; empty for Dice on the grid alone.
    input: The folder that this one was prepared from, with the scans and masks as they were taken.
  """

  set: str
  prepared: str = ''
  input: str = ''


def read_external(tests: Mapping[str, str | Mapping[str, str]]) -> dict[str, ExternalTest]:
  """Test sets from a gin file: name -> `name/config:split`, or fields of ExternalTest.

  Raises:
    InputError: Something else, two names of one file, or scans without the folder that brings them to
      the grid.
  """
  if not isinstance(tests, Mapping):
    raise InputError(f'external_tests is {tests!r}, expected data sets by name')
  found = {}
  for name, fields in tests.items():
    what = f'external test {name!r}'
    check_label(name, what)
    values = {'set': fields} if isinstance(fields, str) else fields
    if not isinstance(values, Mapping) or not {'set'} <= {*values} <= {*_FIELDS}:
      raise InputError(f'{what}: is {fields!r}, expected a data set or fields among {list(_FIELDS)}')
    if not all(isinstance(value, str) and value for value in values.values()):
      raise InputError(f'{what}: is {fields!r}, expected texts')
    if ('prepared' in values) != ('input' in values):
      raise InputError(f'{what}: has one of prepared and input, expected both or neither')
    if slug(name) in map(slug, found):
      raise InputError(f'{what}: its files would be those of another, expected another name')
    found[name] = ExternalTest(**values)
  return found
