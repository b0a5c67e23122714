"""Files of a prepared folder: written whole or not at all."""

import contextlib
import errno
import hashlib
import importlib.metadata
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from stroke_tfds.errors import InputError


def write_json(path: Path, values: Any) -> None:
  """Writes JSON with sorted keys; errors as for `write_text`."""
  write_text(path, json.dumps(values, indent=2, sort_keys=True, allow_nan=False) + '\n')


def write_text(path: Path, text: str) -> None:
  """Writes a file under another name and renames it, so that a kill never leaves half of it.

  Raises:
    InputError: The disk is full, or the folder cannot be written.
  """
  temporary = path.with_name(f'.{path.name}.{os.getpid()}')
  with errors_named(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
      temporary.write_text(text, encoding='utf-8')
      os.replace(temporary, path)
    finally:
      temporary.unlink(missing_ok=True)


def remove_leftovers(folder: Path, name: str) -> None:
  """Removes what a killed program left of files whose names begin with `name`."""
  for path in folder.glob(f'.{name}*'):
    path.unlink(missing_ok=True)


def make_folder(path: Path) -> None:
  """Makes a folder with its parents; errors as for `write_text`."""
  with errors_named(path):
    path.mkdir(parents=True, exist_ok=True)


@contextlib.contextmanager
def errors_named(path: Path) -> Iterator[None]:
  """Turns errors of writing into one line that names the file."""
  try:
    yield
  except OSError as error:
    what = 'disk full' if error.errno == errno.ENOSPC else error.strerror or str(error)
    raise InputError(f'{path}: cannot be written: {what}') from error


def sha256(path: Path) -> str:
  return hashlib.sha256(path.read_bytes()).hexdigest()


def package_version(name: str) -> str:
  """Version of an installed package; 'not installed' for one that is not, such as a checkout."""
  try:
    return importlib.metadata.version(name)
  except importlib.metadata.PackageNotFoundError:
    return 'not installed'
