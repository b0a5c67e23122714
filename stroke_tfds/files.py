"""Files that are there whole or not at all, and errors of the disk as one line."""

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path

from stroke_tfds.errors import InputError

DISK_FULL = (errno.ENOSPC, errno.EDQUOT)


def write_whole(path: Path, content: bytes) -> None:
  """Writes a file of a folder that exists, or replaces it: `replace`, with errors that fit a line.

  Raises:
    InputError: The disk is full, or the folder cannot be written.
  """
  with errors_named(path):
    replace(path, content)


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
