"""Short hashes that name data and settings."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

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
