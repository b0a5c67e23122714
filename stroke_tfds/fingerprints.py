"""Short hashes that name data and settings."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from stroke_tfds.imaging.volume import Volume

_LENGTH = 12


def fingerprint(values: Any) -> str:
  """A short hash of JSON values; the order of keys does not matter."""
  text = json.dumps(values, sort_keys=True)
  return hashlib.sha256(text.encode()).hexdigest()[:_LENGTH]


def hash_content(file: Path) -> str:
  """A short hash of what a file holds, to name it by: names of files may be those of patients."""
  return hashlib.sha256(file.read_bytes()).hexdigest()[:_LENGTH]


def hash_files(files: Sequence[Path]) -> str:
  """A hash of the names and contents of files, in the order given."""
  digest = hashlib.sha256()
  for file in files:
    digest.update(file.name.encode() + b'\0')
    digest.update(hashlib.sha256(file.read_bytes()).digest())
  return digest.hexdigest()


def hash_array(values: np.ndarray) -> str:
  """A hash of values of one type and shape, to know them again in a study."""
  return hashlib.sha256(values.tobytes()).hexdigest()


def hash_voxels(volume: Volume) -> str:
  """A hash of shape and values, wherever they are and however the file stores them.

  Args:
    volume: Holds what float32 does: intensities, or labels.
  """
  digest = hashlib.sha256(str(volume.data.shape).encode())
  digest.update(np.ascontiguousarray(volume.data, '<f4').tobytes())
  return digest.hexdigest()


def hash_mask(mask: Volume) -> str:
  """A hash of a mask and where it is: boxes cut out of several scans can hold equal voxels."""
  where = np.round(mask.affine, 2) + 0.0  # No -0.
  digest = hashlib.sha256(f'{mask.data.shape} {where.tolist()}'.encode())
  digest.update(np.packbits(mask.data).tobytes())
  return digest.hexdigest()
