"""Volumes already synthesised, so that a build that was killed loses none of them."""

import io
import json
import os
import shutil
import struct
import zipfile
import zlib
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


class VolumeCache:
  """A folder with one file per finished volume; a file is there whole or not at all."""

  def __init__(self, folder: str | os.PathLike[str]):
    self._folder = Path(folder)

  def load(self, index: int) -> dict[str, Any] | None:
    """The volume's arrays and provenance; None where it is not made yet."""
    file = self._file(index)
    if not file.exists():
      return None
    try:
      with np.load(file, allow_pickle=False) as arrays:
        return {
          'image': arrays['image'],
          'lesion': arrays['lesion'],
          'provenance': json.loads(str(arrays['provenance'])),
        }
    except _DAMAGED:
      # A disk that failed after the rename: made again rather than trusted.
      return None

  def save(self, index: int, image: np.ndarray, lesion: np.ndarray, provenance: dict[str, Any]) -> None:
    """Writes a volume.

    Raises:
      InputError: The disk is full; says where the volumes made so far are.
    """
    # In memory first: NumPy's archive cannot be closed on a disk that is full.
    archive = io.BytesIO()
    text = np.array(json.dumps(provenance))
    # As it is: to pack it would take as long as to draw its lesion several times over.
    np.savez(archive, image=image, lesion=lesion, provenance=text)
    try:
      self._folder.mkdir(parents=True, exist_ok=True)
      files.replace(self._file(index), archive.getvalue())
    except OSError as error:
      if error.errno in files.DISK_FULL:
        raise self.disk_full(error) from error
      raise

  def disk_full(self, error: Exception) -> InputError:
    """What to tell the user, here and where TFDS itself finds no room."""
    n_kept = len(list(self._folder.glob('*.npz')))
    return InputError(
      f'disk full ({error}): {n_kept} finished volumes are kept in {self._folder}; free some space '
      'and give the same command again to go on from there'
    )

  def clear(self) -> None:
    shutil.rmtree(self._folder, ignore_errors=True)

  def _file(self, index: int) -> Path:
    return self._folder / f'{index:06d}.npz'
