"""Files that are there whole or not at all, and errors of the disk as one line."""

import contextlib
import csv
import errno
import io
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from stroke_tfds.errors import InputError
from stroke_tfds.texts import spreadsheet_cell

DISK_FULL = (errno.ENOSPC, errno.EDQUOT)
_MAX_JSON_BYTES = 2**28


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
def locked(path: Path) -> Iterator[None]:
  """Holds a file as its only user, made where it is not there.

  The system lets go of it when the program ends in any way.

  Raises:
    InputError: Another program holds it, or it cannot be held.
  """
  import fcntl  # Not on Windows, where data sets can be read all the same.

  with contextlib.ExitStack() as stack:
    with errors_named(path):  # Network file systems lock only what may be written.
      file = stack.enter_context(path.open('a+b'))
    try:
      fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
      raise InputError(
        f'{path.parent}: another run writes there, expected its end or another folder'
      ) from error
    except OSError as error:
      raise InputError(
        f'{path.parent}: cannot be locked ({error.strerror}), expected a file system with locks'
      ) from error
    yield


def read_json(path: Path) -> Any:
  """The values of a JSON file of moderate length.

  Raises:
    FileNotFoundError: There is none.
    ValueError: It is no JSON, no regular file, or a large one; the message does not name it.
  """
  if path.exists() and not path.is_file():
    raise ValueError('it is no regular file')
  if path.stat().st_size > _MAX_JSON_BYTES:
    raise ValueError(f'it holds {path.stat().st_size} bytes, expected at most {_MAX_JSON_BYTES}')
  try:
    return json.loads(path.read_text(encoding='utf-8'))
  except RecursionError as error:
    raise ValueError('its brackets are too deep') from error


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
