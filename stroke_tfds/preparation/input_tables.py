"""The participants table of an input: the columns asked for by subject, and nothing else in it.

Spreadsheets write such tables in many ways. What can be read without doubt is read: tabs, commas,
semicolons or spaces between the columns, padding, upper case, comments, blank rows, any line ending,
UTF-8 or UTF-16. The rest is refused; nothing is passed over in silence.
"""

import codecs
import collections
import csv
import dataclasses
import io
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from absl import logging

from stroke_tfds.errors import InputError, printable
from stroke_tfds.imaging.input_file import reason
from stroke_tfds.preparation.tables import GROUPS, SPLITS

_NAME = 'participants.tsv'
_SUBJECT = 'participant_id'
_EMPTY = ('', 'n/a', 'na', 'nan')
_DELIMITERS = ('\t', ';', ',')
_SPACES = re.compile(r'\s+')
_OTHER_NAMES = re.compile(r'participants\.(tsv|csv|txt|xlsx?|ods)', re.IGNORECASE)
_MAX_BYTES = 2**26
_MAX_NAMED = 8
_MAX_LETTERS = 40
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@dataclasses.dataclass(frozen=True)
class Row:
  """What the table says of a subject; '' where it says nothing."""

  group: str = ''
  split: str = ''
  problem: str = ''


def read_groups(root: Path) -> dict[str, Row]:
  """Reads `group` and `split` by subject; empty without the table or without these columns.

  Raises:
    InputError: As for `read_columns`.
  """
  rows = read_columns(root, ('group', 'split'))
  counts = collections.Counter(subject for subject, _ in rows)
  return {subject: _row(values, counts[subject]) for subject, values in rows}


def read_columns(root: Path, wanted: Sequence[str]) -> list[tuple[str, dict[str, str]]]:
  """The wanted columns of `root`/participants.tsv, as far as there are any.

  Args:
    root: The input folder.
    wanted: Names in small letters; upper case in the table is the same.

  Returns:
    Subject (`sub-X`) and values of each row, '' for n/a and for a column that is not there; nothing
    where there is no table or none of the columns.

  Raises:
    InputError: The table cannot be read without doubt, has no participant_id, a wanted column twice,
      another name, or is a link that leads outside.
  """
  path = _find(root)
  if path is None:
    return []
  try:
    (_, header), *rows = _cells(path)
  except csv.Error as error:
    raise InputError(f'{path}: cannot be read: {error}, expected tab-separated text') from error
  for name in (_SUBJECT, *wanted):
    if header.count(name) > 1:
      raise InputError(f'{path}: has {header.count(name)} columns {name}, expected one')
  if not {*wanted} & {*header}:
    logging.warning('%s: %s, none is %s', path, printable(_named(header)), ' or '.join(wanted))
    return []
  at = {name: header.index(name) for name in (_SUBJECT, *wanted) if name in header}
  found = []
  for number, cells in rows:
    values = {name: cells[position] for name, position in at.items()}
    subject = values.pop(_SUBJECT)
    if not subject:
      raise InputError(f'{path}: line {number} has no {_SUBJECT}, expected one')
    values = {name: '' if value.lower() in _EMPTY else value for name, value in values.items()}
    subject = subject if subject.startswith('sub-') else f'sub-{subject}'
    found.append((subject, {name: values.get(name, '') for name in wanted}))
  return found


def _find(root: Path) -> Path | None:
  """The table, if there is one; what could be meant as one under another name is refused."""
  path = root / _NAME
  if not path.is_symlink() and not path.exists():
    others = sorted(p.name for p in root.iterdir() if _OTHER_NAMES.fullmatch(p.name))
    if others:
      raise InputError(f'{root / others[0]}: is not looked at, expected the name {_NAME} and text')
    return None
  try:
    target = path.resolve()
  except (OSError, RuntimeError) as error:
    raise InputError(f'{path}: {reason(error)}, expected a file in the input folder') from error
  if not target.is_relative_to(root.resolve()):
    raise InputError(f'{path}: is a link that leads outside the input folder, expected a file in it')
  if not path.is_file() or path.stat().st_size > _MAX_BYTES:
    found = f'holds {path.stat().st_size} bytes' if path.is_file() else 'is no file'
    raise InputError(f'{path}: {found}, expected a table of at most {_MAX_BYTES} bytes')
  return path


def _cells(path: Path) -> list[tuple[int, list[str]]]:
  """Header (in small letters) and rows of as many cells, stripped, each with its line's number."""
  lines = list(_lines(path))
  delimiter = next((d for d in _DELIMITERS if _SUBJECT in _header(_split(lines[:1], d))), '')
  table = _split(lines, delimiter)
  header = _header(table)
  if _SUBJECT not in header:
    raise InputError(f'{path}: {_named(header)}, expected a first line with {_SUBJECT}, tab-separated')
  for number, cells in table:
    if len(cells) < len(header) or any(cells[len(header) :]):
      raise InputError(
        f'{path}: line {number} has {len(cells)} cells, expected {len(header)} as in its first line'
      )
  return [(table[0][0], header), *table[1:]]


def _lines(path: Path) -> Iterator[tuple[int, str]]:
  """Lines with their numbers, without comments and those that hold nothing."""
  try:
    content = path.read_bytes()
    encoding = 'utf-16' if content.startswith(_UTF16) else 'utf-8-sig'
    text = io.TextIOWrapper(io.BytesIO(content), encoding).read()  # Any line ending becomes \n.
  except (OSError, UnicodeError) as error:
    raise InputError(
      f'{path}: cannot be read: {error}, expected tab-separated text in UTF-8'
    ) from error
  for number, line in enumerate(text.split('\n'), 1):
    if line.strip(' \t,;"\ufeff\0') and not line.lstrip(' "').startswith('#'):
      yield number, line


def _split(lines: Sequence[tuple[int, str]], delimiter: str) -> list[tuple[int, list[str]]]:
  """The cells of each row, stripped; without a delimiter, cells are what spaces part."""
  if not delimiter:
    return [(number, _SPACES.split(line.strip())) for number, line in lines]
  reader = csv.reader((f'{line}\n' for _, line in lines), delimiter=delimiter)
  table, begin = [], 0
  for cells in reader:  # A cell in quotes may go over lines.
    table.append((lines[begin][0], [cell.strip(' \t"\ufeff') for cell in cells]))
    begin = reader.line_num
  return table


def _header(table: Sequence[tuple[int, list[str]]]) -> list[str]:
  return [name.lower() for name in table[0][1]] if table else []


def _named(header: Sequence[str]) -> str:
  """What an error says of the columns."""
  if not header:
    return 'holds nothing'
  names = [''.join(c for c in name if c.isprintable())[:_MAX_LETTERS] for name in header[:_MAX_NAMED]]
  return f'has the columns {", ".join(names)}{", ..." if len(header) > _MAX_NAMED else ""}'


def _row(values: dict[str, str], count: int) -> Row:
  if count > 1:
    return Row(problem=f'{_NAME}: {count} rows for the subject, expected one')
  values = {name: value.lower() for name, value in values.items()}
  for name, allowed in (('group', GROUPS), ('split', SPLITS)):
    if values[name] and values[name] not in allowed:
      # The value itself may be anything and is not repeated.
      return Row(problem=f'{_NAME}: unknown {name}, expected one of {", ".join(allowed)}')
  return Row(**values)
