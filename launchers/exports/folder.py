"""The folder that an export is written into: begun, gone on with, whole."""

import contextlib
import itertools
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from launchers.exports.cases import ExportCase
from launchers.exports.layout import Export, Layout, as_json, source_facts
from stroke_tfds.errors import InputError
from stroke_tfds.files import locked, read_json, write_whole
from stroke_tfds.imaging.nifti import write_nifti
from stroke_tfds.preparation import files

_BEGUN = '.export.json'
_LEFT_BY_A_KILL = re.compile(r'\..+\.\d+')


class ExportFolder:
  """Writes an export.

  `.export.json` says what was begun. The files that tell of all cases are written last, so that a
  folder without them is not whole; they go when a case is missing.

  Args:
    path: Made when it is not there.
    format_name: What `layout` is called.
    layout: Where the files are.
    export: What is written.

  Raises:
    InputError: The folder holds something else, or cannot be written.
  """

  def __init__(self, path: Path, format_name: str, layout: Layout, export: Export):
    self.path, self._layout, self._export = path, layout, export
    asked = {'format': format_name, 'sources': [source_facts(one) for one in export.sources]}
    layout.check(path, export.contrasts)
    begun = path / _BEGUN
    if not begun.exists():
      if path.exists() and (
        not path.is_dir() or any(not one.name.startswith('.') for one in path.iterdir())
      ):
        raise InputError(f'{path}: holds something else, expected a new folder or a begun export')
      files.write_text(begun, as_json(asked))
    _check_same(begun, asked)

  def locked(self) -> contextlib.AbstractContextManager[None]:
    """For the time of writing; an InputError where another program writes."""
    return locked(self.path / _BEGUN)

  def missing(self) -> list[ExportCase]:
    """Cases that are not written yet; what a kill has left of them is removed.

    The files that tell that the folder is whole are removed as well, where one is missing.
    """
    missing = [case for case in self._export.cases if not all(map(_is_written, self._paths(case)))]
    if missing:
      files.remove(self.path / name for name in reversed(self._layout.texts(self._export)))
    folders = {path.parent for case in missing for path in self._paths(case)}
    held = itertools.chain.from_iterable(folder.glob('.*') for folder in sorted(folders))
    files.remove(path for path in held if _LEFT_BY_A_KILL.fullmatch(path.name))
    return missing

  def write_case(self, case: ExportCase, example: Mapping[str, Any]) -> None:
    """Writes the volumes of a case, each whole or not at all; the same bytes for the same voxels."""
    values = self._export.volumes_of(example)
    for what, path in self._layout.volumes(case, self._export.contrasts).items():
      files.make_folder((self.path / path).parent)
      write_nifti(self.path / path, values[what], self._export.grid.affine)

  def write_texts(self) -> None:
    """Writes what tells of all cases, once they are there."""
    for name, text in self._layout.texts(self._export).items():
      write_whole(self.path / name, text.encode())

  def _paths(self, case: ExportCase) -> list[Path]:
    return [self.path / p for p in self._layout.volumes(case, self._export.contrasts).values()]


def _is_written(path: Path) -> bool:
  return path.exists() and path.stat().st_size > 0


def _check_same(begun: Path, asked: dict[str, Any]) -> None:
  """Refuses to go on with an export of other data or in another format."""
  try:
    found = read_json(begun)
    stored = {name: found[name] for name in asked}
  except (OSError, ValueError, KeyError, TypeError) as error:
    raise InputError(f'{begun}: damaged, expected a new folder or a begun export') from error
  for name, wanted in asked.items():
    if stored[name] != wanted:
      raise InputError(
        f'{begun.parent}: holds an export of {name} {_short(stored[name])}, asked for is '
        f'{_short(wanted)}; expected the same or another output'
      )


def _short(value: Any) -> Any:
  """Sources by name and fingerprint."""
  if not isinstance(value, list):
    return value
  return [f'{one.get("source")}@{one.get("fingerprint")}' for one in value]
