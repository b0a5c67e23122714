"""Files that are there whole or not at all, and errors of the disk as one line."""

import contextlib
import csv
import errno
import io
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from stroke_tfds.errors import InputError
from stroke_tfds.texts import spreadsheet_cell

DISK_FULL = (errno.ENOSPC, errno.EDQUOT)


def write_whole(path: Path, content: bytes) -> None:
  """Writes a file of a folder that exists, or replaces it: `replace`, with errors that fit a line.

  Raises:
    InputError: The disk is full, or the folder cannot be written.
  """
  with errors_named(path):
    replace(path, content)


def write_csv(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
  """Writes a table of at least one row, in a folder that exists: `csv_text` by `write_whole`."""
  write_whole(path, csv_text(rows, list(rows[0])).encode())


def csv_text(rows: Iterable[Mapping[str, Any]], names: Sequence[str], *, delimiter: str = ',') -> str:
  """A header of `names` and a line for each row; lines end in a line feed, None is an empty cell.

  Texts that a spreadsheet would run are marked, see `texts.spreadsheet_cell`.
  """
  text = io.StringIO()
  writer = csv.writer(text, delimiter=delimiter, lineterminator='\n')
  writer.writerow(map(spreadsheet_cell, names))
  writer.writerows([spreadsheet_cell(row[name]) for name in names] for row in rows)
  return text.getvalue()


def replace(path: Path, content: bytes) -> None:
  """Writes under another name and renames, so that a kill or an error never leaves half a file.

  Raises:
    OSError: As the system gives it; the former file is then as it was.
  """
  temporary = path.with_name(f'.{path.name}.{os.getpid()}')
  try:
    temporary.write_bytes(content)
    os.replace(temporary, path)
  finally:
    temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def errors_named(path: Path) -> Iterator[None]:
  """Turns errors of writing into one line that names the file."""
  try:
    yield
  except OSError as error:
    if error.errno in DISK_FULL:
      raise InputError(f'{path}: disk full, expected room for the output') from error
    found = error.strerror or type(error).__name__
    raise InputError(
      f'{path}: cannot be written ({found}), expected a folder that may be written to'
    ) from error
