"""A look at a built data set before TFDS opens it and imports what its `features.json` names."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tensorflow_datasets.core.utils import file_utils

from stroke_tfds.errors import InputError

# Classes of TFDS' own; the example contract needs no other.
_FEATURES = 'tensorflow_datasets.core.features.'
# As TFDS writes it, as protocol buffers may also spell it, and as TFDS wrote it in its first releases.
_CLASS_KEYS = ('pythonClassName', 'python_class_name', 'type')
_INFO_FILES = ('features.json', 'dataset_info.json', 'metadata.json')
_MAX_BYTES = 2**24


def check_built(name: str, data_dir: str | None = None) -> None:
  """Checks every version and config of a data set that is in a data folder.

  Args:
    name: TFDS name, with a config or without.
    data_dir: Where TFDS looks for it; all of its folders when None.

  Raises:
    InputError: A file names a class that is not a feature of TFDS, is no JSON or is too large.
  """
  for folder in file_utils.list_data_dirs(given_data_dir=data_dir):
    root = Path(folder).expanduser() / name.split('/')[0]
    for file_name in _INFO_FILES:
      for depth in ('', '*/', '*/*/'):
        for file in root.glob(depth + file_name):
          _check_file(file)


def _check_file(file: Path) -> None:
  if not file.is_file() or file.stat().st_size > _MAX_BYTES:
    raise InputError(f'{file}: expected a file of at most {_MAX_BYTES} bytes')
  try:
    content = json.loads(file.read_bytes())
  except (ValueError, RecursionError) as error:
    raise InputError(f'{file}: damaged ({error}), expected JSON; build the data set again') from error
  if file.name == 'features.json':
    for named in _classes(content):
      if not named.startswith(_FEATURES):
        raise InputError(
          f'{file}: names the class {named!r}, which TFDS would import; expected features of TFDS '
          f'({_FEATURES}*) only'
        )


def _classes(content: Any) -> Iterator[str]:
  """Whatever stands where TFDS reads the name of a class."""
  ahead = [content]
  while ahead:
    part = ahead.pop()
    if isinstance(part, dict):
      yield from (part[key] for key in _CLASS_KEYS if isinstance(part.get(key), str))
    ahead += part.values() if isinstance(part, dict) else part if isinstance(part, list) else []
