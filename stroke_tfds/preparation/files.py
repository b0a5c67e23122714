"""Files of a prepared folder."""

import hashlib
import importlib.metadata
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from stroke_tfds.files import errors_named, write_whole


def write_json(path: Path, values: Any) -> None:
  """Writes JSON with sorted keys; errors as for `write_text`."""
  write_text(path, json.dumps(values, indent=2, sort_keys=True, allow_nan=False) + '\n')


def write_text(path: Path, text: str) -> None:
  """Writes a file whole or not at all, and its folder where there is none.

  Raises:
    InputError: The disk is full, or the folder cannot be written.
  """
  make_folder(path.parent)
  write_whole(path, text.encode())


def remove(paths: Iterable[Path]) -> None:
  """Removes files in the order given; errors as for `write_text`."""
  for path in paths:
    with errors_named(path):
      path.unlink(missing_ok=True)


def make_folder(path: Path) -> None:
  """Makes a folder with its parents; errors as for `write_text`."""
  with errors_named(path):
    path.mkdir(parents=True, exist_ok=True)


def sha256(path: Path) -> str:
  return hashlib.sha256(path.read_bytes()).hexdigest()


def package_version(name: str) -> str:
  """Version of an installed package; 'not installed' for one that is not, such as a checkout."""
  try:
    return importlib.metadata.version(name)
  except importlib.metadata.PackageNotFoundError:
    return 'not installed'
