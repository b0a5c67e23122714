"""The participants table of an input: groups and splits, and nothing else that stands in it."""

import collections
import csv
import dataclasses
import io
from pathlib import Path

from stroke_tfds.errors import InputError
from stroke_tfds.preparation.tables import GROUPS, SPLITS

_NAME = 'participants.tsv'
_EMPTY = ('', 'n/a')


@dataclasses.dataclass(frozen=True)
class Row:
  """What the table says of a subject; '' where it says nothing."""

  group: str = ''
  split: str = ''
  problem: str = ''


def read_groups(root: Path) -> dict[str, Row]:
  """Reads `group` and `split` by subject; empty without the table or without these columns.

  Raises:
    InputError: The table cannot be read, has no participant_id, or is a link that leads outside.
  """
  path = root / _NAME
  if not path.exists():
    return {}
  if not path.resolve().is_relative_to(root.resolve()):
    raise InputError(f'{path}: is a link that leads outside the input folder, expected a file in it')
  try:
    table = csv.DictReader(io.StringIO(path.read_text(encoding='utf-8-sig')), delimiter='\t')
    names = table.fieldnames or []
    rows = [{name: row.get(name) for name in ('participant_id', 'group', 'split')} for row in table]
  except (OSError, UnicodeDecodeError, csv.Error) as error:
    raise InputError(f'{path}: cannot be read: {error}, expected tab-separated text') from error
  if 'group' not in names and 'split' not in names:
    return {}
  if 'participant_id' not in names:
    raise InputError(f'{path}: has no column participant_id, expected one beside group or split')
  ids = [(row['participant_id'] or '').strip() for row in rows]
  ids = [name if name.startswith('sub-') else f'sub-{name}' for name in ids]
  counts = collections.Counter(ids)
  return {name: _row(row, counts[name]) for name, row in zip(ids, rows)}


def _row(row: dict[str, str | None], count: int) -> Row:
  if count > 1:
    return Row(problem=f'{_NAME}: {count} rows for the subject, expected one')
  values = {name: (row[name] or '').strip() for name in ('group', 'split')}
  values = {name: '' if value in _EMPTY else value for name, value in values.items()}
  for name, allowed in (('group', GROUPS), ('split', SPLITS)):
    if values[name] and values[name] not in allowed:
      # The value itself may be anything and is not repeated.
      return Row(problem=f'{_NAME}: unknown {name}, expected one of {", ".join(allowed)}')
  return Row(**values)
