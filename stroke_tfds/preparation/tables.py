"""The two tables of a prepared folder."""

import csv
import dataclasses
import io
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from stroke_tfds.errors import InputError
from stroke_tfds.files import csv_text
from stroke_tfds.preparation import files
from stroke_tfds.texts import cell_text

PREPARED, SUSPICIOUS, FAILED = 'prepared', 'suspicious', 'failed'
POSITIVE, NEGATIVE, HEALTHY = GROUPS = 'positive', 'negative', 'healthy'
SPLITS = ('healthy', 'train', 'test')

_NO_VALUE = 'n/a'  # As BIDS writes it.
_CASE_ID = re.compile(r'sub-[A-Za-z0-9]+(_ses-\d+)?')
_RECORD = ['case_id', 'status', 'reason', 'seconds']


@dataclasses.dataclass(frozen=True)
class Participant:
  """A usable case: a row of participants.tsv. `split` is '' where the input gives none."""

  participant_id: str
  case_id: str
  group: str
  split: str
  status: str


@dataclasses.dataclass(frozen=True)
class CaseRecord:
  """What became of a case: a row of cases.tsv. `quality` holds numbers by name of the figure."""

  case_id: str
  status: str
  reason: str = ''
  seconds: float = 0.0
  quality: dict[str, float] = dataclasses.field(default_factory=dict)


def read_participants(path: Path) -> list[Participant]:
  """Rows of participants.tsv, sorted by case.

  Raises:
    InputError: The table is missing or damaged.
  """
  names = [field.name for field in dataclasses.fields(Participant)]
  cases = []
  for row in _read_table(path, names):
    case = Participant(**{name: _empty(row[name]) for name in names})
    if not _CASE_ID.fullmatch(case.case_id) or case.group not in GROUPS:
      raise InputError(
        f'{path}: row {case.case_id!r} of group {case.group!r}, expected a case id and one of {GROUPS}'
      )
    if case.split and case.split not in SPLITS:
      raise InputError(f'{path}: {case.case_id} has split {case.split!r}, expected one of {SPLITS}')
    if case.status not in (PREPARED, SUSPICIOUS):
      raise InputError(
        f'{path}: {case.case_id} has status {case.status!r}, expected {PREPARED} or {SUSPICIOUS}'
      )
    cases.append(case)
  return sorted(cases, key=lambda case: case.case_id)


def write_participants(path: Path, cases: Iterable[Participant]) -> None:
  rows = [dataclasses.asdict(case) for case in sorted(cases, key=lambda case: case.case_id)]
  _write_table(path, [field.name for field in dataclasses.fields(Participant)], rows)


def read_records(path: Path) -> list[CaseRecord]:
  """Rows of cases.tsv, sorted by case; errors as for `read_participants`."""
  records = []
  for row in _read_table(path, _RECORD):
    case_id, status, reason, seconds = (row.pop(name) for name in _RECORD)
    try:
      quality = {name: float(value) for name, value in row.items() if value != _NO_VALUE}
      records.append(CaseRecord(case_id, status, _empty(reason), float(seconds), quality))
    except ValueError as error:
      raise InputError(f'{path}: {case_id}: {error}, expected numbers') from error
  return sorted(records, key=lambda record: record.case_id)


def write_records(path: Path, records: Iterable[CaseRecord]) -> None:
  rows = []
  for record in sorted(records, key=lambda record: record.case_id):
    row = dataclasses.asdict(record)
    quality = row.pop('quality')
    rows.append({**row, **quality})
  _write_table(path, list(dict.fromkeys([*_RECORD, *(name for row in rows for name in row)])), rows)


def _empty(value: str) -> str:
  return '' if value == _NO_VALUE else value


def _read_table(path: Path, needed: list[str]) -> list[dict[str, str]]:
  try:
    rows = list(csv.DictReader(io.StringIO(path.read_text(encoding='utf-8')), delimiter='\t'))
  except (OSError, UnicodeDecodeError, csv.Error) as error:
    raise InputError(f'{path}: cannot be read: {error}; run prepare_data again') from error
  for number, row in enumerate(rows, 2):
    if None in row or None in row.values() or not set(needed) <= set(row):
      raise InputError(f'{path}: line {number} has not the columns {needed}; run prepare_data again')
  return [{name: cell_text(cell) for name, cell in row.items()} for row in rows]


def _write_table(path: Path, names: list[str], rows: list[dict[str, Any]]) -> None:
  filled = [{n: _NO_VALUE if row.get(n) in (None, '') else row[n] for n in names} for row in rows]
  files.write_text(path, csv_text(filled, names, delimiter='\t'))
