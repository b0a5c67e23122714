"""A prepared folder, the contract between `launchers.prepare_data` and all that read its output.

BIDS derivatives (`[...]` only where a subject has several sessions, which are numbered):

  dataset_description.json      what BIDS asks for, and the settings under `Preparation`
  participants.tsv              a row per usable case: participant_id case_id group split status
  cases.tsv                     a row per case, failed ones too: status, reason, seconds, quality
  sub-X[/ses-01]/dwi/sub-X[_ses-01]_space-MNI152NLin2009aSym_ ...
    desc-preproc_<contrast>.nii.gz   float32 in [0, 1]
    label-lesion_probseg.nii.gz      share of each voxel that the lesion fills, float32; if positive
    desc-aseg28_dseg.nii.gz          uint8 ids of the label scheme, 0 where the scan covers nothing
    desc-preproc_dwi.json            sidecar, written last: without it the case is not done
  quality.html, quality/<case_id>.png

A sidecar holds case_id, group, seconds, versions, settings, transform, labels_from, quality,
suspicions (what was expected, by figure), inputs (a hash), image_sha256 and outputs (hashes by file
name). Its transform is the matrix from MNI millimetres to the scan's: `mni_to_scan`, or, under
registration syn, `affine_part`: the displacement that syn adds is not stored. Of a patient nothing
but the case id is in any byte; which session has which number stands beside the folder (`sessions`).
"""

import contextlib
import dataclasses
import functools
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from stroke_tfds.errors import InputError
from stroke_tfds.files import locked, read_json
from stroke_tfds.fingerprints import fingerprint
from stroke_tfds.imaging import nifti
from stroke_tfds.imaging.grid import Grid
from stroke_tfds.imaging.preprocessing import PERCENTILE, check_scaling
from stroke_tfds.label_schemes import ASEG28
from stroke_tfds.preparation import files, tables

VERSION = '1.1.0'  # Changes whenever the same input gives other bytes.
SPACE = 'MNI152NLin2009aSym'

_DESCRIPTION = 'dataset_description.json'
_PARTICIPANTS = 'participants.tsv'
_CASES = 'cases.tsv'
_ADVICE = 'expected a folder made by python -m launchers.prepare_data'
# What a sidecar needs, and of which type it, or each value of its mapping, is.
_MAPPINGS: dict[str, Any] = {'quality': (int, float), 'suspicions': str, 'outputs': str}
_TEXTS = ('case_id', 'group', 'labels_from', 'inputs', 'image_sha256')
_SIDECAR: dict[str, Any] = {'seconds': (int, float), **dict.fromkeys(_TEXTS, str), **_MAPPINGS}
_NEEDED = frozenset(_SIDECAR)
_SETTING_TEXTS = ('source', 'registration', 'label_scheme', 'version')


@dataclasses.dataclass(frozen=True)
class Settings:
  """What decides, with the scans, the bytes of a prepared folder.

  Attributes:
    source: Layout of the input, a key of `layouts.LAYOUTS`.
    contrasts: Roles of the images in the order of the channels, such as ('dwi', 'adc').
    registration: 'syn', 'affine', or 'none' for scans in MNI space.
    grid: Where the voxels shall be.
    intensity_scaling: Of images without a unit, see `imaging.preprocessing`.

  Raises:
    InputError: An unknown scaling.
  """

  source: str
  contrasts: tuple[str, ...]
  registration: str
  grid: Grid
  intensity_scaling: str = PERCENTILE

  def __post_init__(self):
    check_scaling(self.intensity_scaling)

  def to_json(self) -> dict[str, Any]:
    return {
      'source': self.source,
      'contrasts': list(self.contrasts),
      'registration': self.registration,
      'grid': self.grid.to_json(),
      'intensity_scaling': self.intensity_scaling,
      'label_scheme': ASEG28.name,
      'version': VERSION,
    }


class PreparedFolder:
  """Reads a prepared folder, and writes it.

  Attributes:
    path: The folder.
    settings: Its settings as JSON values.
    grid: Where the voxels are.
    contrasts: Names of the channels, such as ('dwi',).
  """

  def __init__(self, path: str | os.PathLike):
    """Opens a folder that was made by `create`.

    Raises:
      InputError: The folder is none, or is damaged.
    """
    self.path = Path(path).expanduser()
    try:
      # Folders of earlier releases do not name their scaling.
      stored = read_json(self.path / _DESCRIPTION)['Preparation']
      self.settings = {'intensity_scaling': PERCENTILE, **stored}
      self.grid = Grid.from_json(self.settings['grid'])
      self.contrasts = tuple(self.settings['contrasts'])
      texts = [self.settings[name] for name in _SETTING_TEXTS]
      if not all(isinstance(text, str) for text in (*self.contrasts, *texts)):
        raise TypeError
    except (FileNotFoundError, NotADirectoryError) as error:
      raise InputError(f'{self.path}: holds no {_DESCRIPTION}, {_ADVICE}') from error
    except (ValueError, KeyError, TypeError) as error:
      raise InputError(f'{self.path / _DESCRIPTION}: not of a prepared folder, {_ADVICE}') from error
    check_scaling(self.intensity_scaling, f'{self.path / _DESCRIPTION}: intensity_scaling')

  @property
  def intensity_scaling(self) -> str:
    """Of images without a unit."""
    return self.settings['intensity_scaling']

  @classmethod
  def create(cls, path: str | os.PathLike, settings: Settings) -> 'PreparedFolder':
    """Makes a folder, or opens one that was begun with the same settings.

    Raises:
      InputError: The folder holds other things, or data of other settings.
    """
    path = Path(path).expanduser()
    if not (path / _DESCRIPTION).exists():
      if path.is_dir() and any(path.iterdir()):
        raise InputError(f'{path}: holds other files, expected an empty or a prepared folder')
      files.write_json(path / _DESCRIPTION, _description(settings))
    folder = cls(path)
    for name, wanted in settings.to_json().items():
      if folder.settings.get(name) != wanted:
        raise InputError(
          f'{path}: was prepared with {name} {folder.settings.get(name)}, now {wanted} is asked for; '
          'expected the same settings or another output folder'
        )
    return folder

  def locked(self) -> contextlib.AbstractContextManager[None]:
    """For the time of writing; an InputError where another program writes."""
    return locked(self.path / _DESCRIPTION)

  @functools.cached_property
  def cases(self) -> list[tables.Participant]:
    """Usable cases, sorted by id: `participant_id`, `case_id`, `group`, `split`, `status`.

    Raises:
      InputError: participants.tsv is missing or damaged.
    """
    return tables.read_participants(self.path / _PARTICIPANTS)

  @property
  def records(self) -> list[tables.CaseRecord]:
    """All cases, failed ones too, sorted by id; errors as for `cases`."""
    return tables.read_records(self.path / _CASES)

  @functools.cached_property
  def fingerprint(self) -> str:
    """A hash of what a builder makes of the folder: voxels, subjects, groups, splits, grid, scheme."""
    cases = [
      [c.participant_id, c.case_id, c.group, c.split, self.sidecar(c.case_id)['outputs']]
      for c in self.cases
    ]
    settings = self.settings
    if self.intensity_scaling == PERCENTILE:  # So that sets of earlier folders keep their names.
      settings = {name: value for name, value in settings.items() if name != 'intensity_scaling'}
    return fingerprint([settings, cases])

  def sidecar(self, case_id: str) -> dict[str, Any]:
    """What is known of a case.

    Raises:
      InputError: The case is not there, or its sidecar is damaged.
    """
    path = self._sidecar_path(case_id)
    try:
      values = _as_now(read_json(path))
      problem = _damage(values)
    except FileNotFoundError as error:
      raise InputError(f'{case_id}: {path} is missing; run prepare_data again') from error
    except ValueError as error:
      raise InputError(
        f'{case_id}: {path} is damaged: {error}; delete it, run prepare_data again'
      ) from error
    if problem:
      raise InputError(f'{case_id}: {path} {problem}; delete it, run prepare_data again')
    return values

  def load(self, case_id: str) -> tuple[np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
    """Reads the volumes of a case.

    Returns:
      image: float32 in [0, 1], shape (X, Y, Z, C).
      labels: uint8 ids of aseg28, shape (X, Y, Z).
      fraction: Share of each voxel that the lesion fills, float32, shape (X, Y, Z); 0 without lesion.
      sidecar: See above.

    Raises:
      InputError: A file is missing, damaged, changed since it was made, or off the grid.
    """
    sidecar = self.sidecar(case_id)
    image = [self._read(case_id, f'desc-preproc_{name}', sidecar) for name in self.contrasts]
    labels = self._read(case_id, f'desc-{ASEG28.name}_dseg', sidecar).astype(np.uint8)
    if f'{self._name(case_id, "label-lesion_probseg")}.nii.gz' in sidecar['outputs']:
      fraction = self._read(case_id, 'label-lesion_probseg', sidecar)
    else:
      fraction = np.zeros(self.grid.shape, np.float32)
    return np.stack(image, -1), labels, fraction, sidecar

  def is_done(self, case_id: str, inputs: str) -> bool:
    """Whether the case was prepared from files of the hash `inputs` and all its files are there."""
    if not self._sidecar_path(case_id).exists():
      return False
    try:
      sidecar = self.sidecar(case_id)
    except InputError:  # Half a sidecar: the case is made again.
      return False
    folder = self._folder(case_id)
    files_there = all((folder / name).exists() for name in sidecar['outputs'])
    return sidecar['inputs'] == inputs and files_there

  def write_case(
    self,
    case_id: str,
    image: np.ndarray,
    labels: np.ndarray,
    fraction: np.ndarray | None,
    sidecar: dict[str, Any],
  ) -> None:
    """Writes the files of a case, the sidecar last; earlier ones are removed, their sidecar first.

    Args:
      case_id: `sub-X` or `sub-X_ses-01`.
      image: As `load` returns it.
      labels: The same.
      fraction: The same; None for a case without lesion.
      sidecar: What to store beside, without `outputs`.

    Raises:
      InputError: The disk is full or the folder cannot be written.
    """
    folder = self._folder(case_id)
    former, leftovers = folder.glob(f'{case_id}_*'), folder.glob(f'.{case_id}_*')
    files.remove([self._sidecar_path(case_id), *former, *leftovers])
    volumes = {f'desc-preproc_{name}': image[..., i] for i, name in enumerate(self.contrasts)}
    volumes[f'desc-{ASEG28.name}_dseg'] = labels.astype(np.uint8)
    if fraction is not None:
      volumes['label-lesion_probseg'] = fraction.astype(np.float32)
    outputs = {}
    for name, volume in volumes.items():
      path = self._stem(case_id, f'{name}.nii.gz')
      files.make_folder(path.parent)
      nifti.write_nifti(path, volume, self.grid.affine)
      outputs[path.name] = files.sha256(path)
    stored = {'case_id': case_id, **sidecar, 'outputs': outputs}
    files.write_json(self._sidecar_path(case_id), stored)

  def write_tables(
    self, cases: Iterable[tables.Participant], records: Iterable[tables.CaseRecord]
  ) -> None:
    """Replaces participants.tsv and cases.tsv."""
    for name in (_PARTICIPANTS, _CASES):
      files.remove(self.path.glob(f'.{name}*'))  # What a kill left.
    tables.write_participants(self.path / _PARTICIPANTS, cases)
    tables.write_records(self.path / _CASES, records)
    self.__dict__.pop('cases', None)
    self.__dict__.pop('fingerprint', None)

  def _read(self, case_id: str, name: str, sidecar: dict[str, Any]) -> np.ndarray:
    path = self._stem(case_id, f'{name}.nii.gz')
    if not path.is_file():
      raise InputError(f'{case_id}: {path} is missing; run prepare_data again')
    if files.sha256(path) != sidecar['outputs'].get(path.name):
      raise InputError(
        f'{case_id}: {path} is not the file that was prepared; delete it and run prepare_data again'
      )
    volume = nifti.read_image(path)
    if volume.data.shape != self.grid.shape:
      raise InputError(f'{case_id}: {path} has shape {volume.data.shape}, expected {self.grid.shape}')
    return volume.data

  def _sidecar_path(self, case_id: str) -> Path:
    return self._stem(case_id, 'desc-preproc_dwi.json')

  def _folder(self, case_id: str) -> Path:
    return self.path.joinpath(*case_id.split('_'), 'dwi')

  def _name(self, case_id: str, ending: str) -> str:
    return f'{case_id}_space-{SPACE}_{ending}'

  def _stem(self, case_id: str, ending: str) -> Path:
    return self._folder(case_id) / self._name(case_id, ending)


def _description(settings: Settings) -> dict[str, Any]:
  return {
    'Name': f'{settings.source} prepared by keras-itm',
    'BIDSVersion': '1.9.0',
    'DatasetType': 'derivative',
    'GeneratedBy': [{'Name': 'keras-itm', 'Version': files.package_version('keras-itm')}],
    'Preparation': settings.to_json(),
  }


def _as_now(sidecar: Any) -> Any:
  """A sidecar of the first release, which lists suspicions without their figures, as one of today."""
  if isinstance(sidecar, dict) and isinstance(sidecar.get('suspicions'), list):
    texts = [text for text in sidecar['suspicions'] if isinstance(text, str)]
    return {**sidecar, 'suspicions': dict.fromkeys(texts, '')}
  return sidecar


def _damage(sidecar: Any) -> str:
  """What keeps values from being a sidecar; '' if nothing does."""
  if not isinstance(sidecar, dict):
    return f'holds {type(sidecar).__name__}, expected an object'
  missing = sorted(_NEEDED.difference(sidecar))
  if missing:
    return f'lacks {missing}'
  for name, kind in _SIDECAR.items():
    of_kind = lambda value, kind=kind: isinstance(value, kind) and not isinstance(value, bool)
    values = sidecar[name].values() if isinstance(sidecar[name], dict) else [sidecar[name]]
    if isinstance(sidecar[name], dict) != (name in _MAPPINGS) or not all(map(of_kind, values)):
      return f'is damaged ({name} is {str(sidecar[name])[:60]!r})'
  return ''
