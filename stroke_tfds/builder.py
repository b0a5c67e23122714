"""What all builders of this package share: strict configs, and no reuse of another config's data."""

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any

import tensorflow_datasets as tfds

from stroke_tfds.errors import InputError

_FINGERPRINT_LENGTH = 12


@dataclasses.dataclass
class StrictConfig(tfds.core.BuilderConfig):
  """A config whose fields may come from JSON: an unknown one is an error that names it.

  Subclasses are dataclasses, and define `fingerprint`.
  """

  name: str = ''

  def __new__(cls, *args, **fields):
    own = [field.name for field in dataclasses.fields(cls) if field.init]
    unknown = sorted(set(fields) - set(own))
    if unknown:
      inherited = {field.name for field in dataclasses.fields(tfds.core.BuilderConfig)}
      known = ['name', *(field for field in own if field not in inherited)]
      raise InputError(f'config field {unknown[0]!r} is unknown, expected some of {known}')
    return super().__new__(cls)

  @property
  def fingerprint(self) -> str:
    """A hash of everything that changes the bytes of the data set."""
    raise NotImplementedError


class StrictBuilder(tfds.core.GeneratorBasedBuilder, skip_registration=True):
  """A builder that refuses a folder of its name that holds other data."""

  def __init__(self, **kwargs):
    super().__init__(**kwargs)
    # `info` was read from the folder if there is one.
    stored = (self.info.metadata or {}).get('fingerprint')
    if stored != self.builder_config.fingerprint:
      raise InputError(
        f'{self.data_path}: holds data of fingerprint {stored}, expected '
        f'{self.builder_config.fingerprint}; delete the folder or choose another data_dir'
      )


def fingerprint(fields: dict[str, Any]) -> str:
  """A short hash of JSON values."""
  text = json.dumps(fields, sort_keys=True)
  return hashlib.sha256(text.encode()).hexdigest()[:_FINGERPRINT_LENGTH]


def hash_files(files: list[Path]) -> str:
  """A hash of the names and contents of files, in the order given."""
  digest = hashlib.sha256()
  for file in files:
    digest.update(file.name.encode() + b'\0')
    digest.update(hashlib.sha256(file.read_bytes()).digest())
  return digest.hexdigest()
