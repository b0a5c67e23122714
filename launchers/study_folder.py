"""The folder of a study: refuses one that holds something else."""

import json
from collections.abc import Mapping
from pathlib import Path

from launchers.stages import read_facts
from stroke_tfds import files, sources
from stroke_tfds.errors import InputError

_FINGERPRINTS = 'study.json'
# Stages of the demo before it was a study; those of a study end in their seed.
_DEMO_STAGES = ('clinical data set', 'lesion GAN', 'translator', 'synthetic data set')
_DEMO_ARM = 'U-Net: '


def check_no_demo(root: Path) -> None:
  """Refuses the folder of a demo that was no study.

  Raises:
    InputError: It holds the stages of one. Nothing in it is changed.
  """
  if (root / _FINGERPRINTS).exists():
    return
  for path in sorted((root / 'stages').glob('*.json')):
    name = read_facts(path)['name']
    if name in _DEMO_STAGES or name.startswith(_DEMO_ARM):
      raise InputError(
        f'{root} holds a demo of the old form (stage {name!r} in {path.name}), expected a study or a '
        'new folder; nothing was deleted: move it away or name another --workdir'
      )


def check_same_data(root: Path, opened: Mapping[str, sources.Source]) -> None:
  """Results in a folder are of one cohort, also where another one has taken its name since.

  Args:
    root: Folder of the study; keeps the fingerprints for the next start.
    opened: What for -> its data set.

  Raises:
    InputError: Data that differ from those of an earlier start.
  """
  file = root / _FINGERPRINTS
  found = {name: sources.fingerprint([source]) for name, source in opened.items()}
  before = _read(file) if file.exists() else {}
  for name in found.keys() & before.keys():
    if found[name] != before[name]:
      raise InputError(
        f'{opened[name]} is not the data that {root} was begun with (fingerprint {found[name]}, '
        f'expected {before[name]}); name another --workdir'
      )
  files.write_whole(file, (json.dumps(before | found) + '\n').encode())


def _read(file: Path) -> dict[str, str]:
  try:
    values = files.read_json(file)
    if isinstance(values, dict) and all(isinstance(value, str) for value in values.values()):
      return values
    raise ValueError('no fingerprints by name')
  except ValueError as error:
    raise InputError(
      f'{file}: damaged ({error}); delete it if the data are those that the study was begun with'
    ) from error
