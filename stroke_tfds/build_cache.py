"""Parts of a set that are made already, so that a build that was killed loses none of them."""

import io
import json
import os
import shutil
import struct
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from stroke_tfds import files
from stroke_tfds.errors import InputError

# What NumPy raises for archives with changed bytes.
_DAMAGED = (
  *(ValueError, LookupError, RuntimeError, EOFError, OSError, TypeError, SyntaxError, MemoryError),
  *(struct.error, zipfile.BadZipFile, zlib.error),
)

_FAST = 1  # zlib's level; higher ones save a few percent more and take several times as long.


class BuildCache:
  """A folder with one packed file per finished part; a file is there whole or not at all.

  Attributes:
    folder: Where they are.
  """

  def __init__(
    self,
    folder: str | os.PathLike[str],
    arrays: Sequence[str] = ('image', 'lesion'),
    parts: str = 'volumes',
  ):
    """Makes no file yet.

    Args:
      folder: Of this set alone.
      arrays: Names of what a part holds beside its provenance.
      parts: What errors call the parts.
    """
    self.folder, self._arrays, self._parts = Path(folder), arrays, parts

  def missing(self, count: int) -> list[int]:
    """Which of parts 0 to `count` are not made yet."""
    return [index for index in range(count) if not self._file(index).exists()]

  def load(self, index: int) -> dict[str, Any] | None:
    """The part's arrays and provenance by name; None where it is not made yet."""
    file = self._file(index)
    if not file.exists():
      return None
    try:
      with np.load(file, allow_pickle=False) as arrays:
        made = {name: arrays[name] for name in self._arrays}
        return {**made, 'provenance': json.loads(str(arrays['provenance']))}
    except _DAMAGED:
      # A disk that failed after the rename: made again rather than trusted.
      return None

  def save(self, index: int, *, provenance: Any, **arrays: np.ndarray) -> None:
    """Writes a part.

    Args:
      index: Of the part in the set.
      provenance: JSON values.
      arrays: Those that a part holds, by name.

    Raises:
      InputError: The disk is full; says where the parts made so far are.
    """
    # In memory first: an archive cannot be closed on a disk that is full.
    content = _packed({'provenance': np.array(json.dumps(provenance)), **arrays})
    try:
      self.folder.mkdir(parents=True, exist_ok=True)
      files.replace(self._file(index), content)
    except OSError as error:
      if error.errno in files.DISK_FULL:
        raise self.disk_full(error) from error
      raise

  def disk_full(self, error: Exception) -> InputError:
    """What to tell the user, here and where TFDS itself finds no room."""
    n_kept = len(list(self.folder.glob('*.npz')))
    return InputError(
      f'disk full ({error}): {n_kept} finished {self._parts} are kept in {self.folder}; free some '
      'space and give the same command again to go on from there'
    )

  def clear(self) -> None:
    shutil.rmtree(self.folder, ignore_errors=True)

  def _file(self, index: int) -> Path:
    return self.folder / f'{index:06d}.npz'


def _packed(arrays: Mapping[str, np.ndarray]) -> bytes:
  """An archive that `np.load` reads, as of `np.savez_compressed`, at an eighth of its time."""
  archive = io.BytesIO()
  with zipfile.ZipFile(archive, 'w', zipfile.ZIP_DEFLATED, compresslevel=_FAST) as members:
    for name, array in arrays.items():
      stored = io.BytesIO()
      np.lib.format.write_array(stored, np.asanyarray(array), allow_pickle=False)
      members.writestr(f'{name}.npy', stored.getbuffer())
  return archive.getvalue()
