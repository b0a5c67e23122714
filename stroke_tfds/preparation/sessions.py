"""Sessions: their labels, which may be dates, become numbers; the key stays with the owner."""

import re
from collections.abc import Iterable
from pathlib import Path

from stroke_tfds.files import csv_text, errors_named, write_whole

_SESSION = re.compile(r'(?:^|[/_])(ses-[^/_.]+)')
_NUMBER = re.compile(r'(\d+)')
_COLUMNS = ['case_id', 'session']
_OWNER_ALONE = 0o600


def labels_in(path: str) -> list[str]:
  """Session labels (`ses-Y`) in the folders and the name of a file."""
  return _SESSION.findall(path)


def in_order(paths: Iterable[str]) -> list[str]:
  """The sessions of some files, by number: ses-2 before ses-10, and dates by time; `['']` for none."""
  return sorted({label for path in paths for label in labels_in(path)}, key=_by_number) or ['']


def key_path(output: Path) -> Path:
  """Where the key of a prepared folder lies: beside it, so that it is not passed on with it."""
  output = output.resolve()
  return output.with_name(f'{output.name}_sessions.tsv')


def write_key(output: Path, sessions: dict[str, str]) -> Path:
  """Writes which case is which session of the input, for the owner's eyes alone.

  Args:
    output: The prepared folder.
    sessions: Label as in the input by case id.

  Returns:
    The file, which only its owner may read.

  Raises:
    InputError: The disk is full, or the folder cannot be written.
  """
  path = key_path(output)
  rows = [{'case_id': case_id, 'session': label} for case_id, label in sorted(sessions.items())]
  write_whole(path, csv_text(rows, _COLUMNS, delimiter='\t').encode())
  with errors_named(path):
    path.chmod(_OWNER_ALONE)
  return path


def _by_number(label: str) -> tuple[list[int | str], str]:
  parts = _NUMBER.split(label)  # Text and numbers take turns, so that like is compared with like.
  return [int(part) if i % 2 else part for i, part in enumerate(parts)], label
