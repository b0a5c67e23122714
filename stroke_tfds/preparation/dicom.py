"""A cohort of DICOM folders, one for each patient, made into a BIDS input that names nobody.

A patient is called after the folder where that is a label of BIDS (`sub-X`), else after a hash of the
first contrast's voxels: stable, whoever is added, and made of nothing that the header or a name says.
"""

import contextlib
import dataclasses
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from concurrent import futures
from pathlib import Path

from stroke_tfds.errors import InputError
from stroke_tfds.files import errors_named
from stroke_tfds.fingerprints import hash_content
from stroke_tfds.imaging.input_file import reason
from stroke_tfds.preparation import dicom_series, listing
from stroke_tfds.preparation.find_cases import LABEL, Case, Problem

SOURCE = 'dicom'
_TABLES = 'participants.*'


@dataclasses.dataclass(frozen=True)
class Converted:
  """A cohort in BIDS layout.

  Attributes:
    root: A folder that lasts as long as the context of `as_bids`.
    folders: Name of the DICOM folder of each subject, for the owner's eyes alone.
    problems: Folders that cannot be used.
  """

  root: Path
  folders: dict[str, str]
  problems: list[Problem]


@dataclasses.dataclass(frozen=True)
class _Patient:
  """A converted folder; `files` are by contrast, `patient` is what its headers say."""

  files: dict[str, Path]
  patient: str


@dataclasses.dataclass(frozen=True)
class _Unfit:
  """Why a folder cannot be used, and its series, which may name the patient."""

  reason: str
  names: str = ''


@contextlib.contextmanager
def as_bids(
  root: Path, contrasts: tuple[str, ...], patterns: Mapping[str, str], n_workers: int = 1
) -> Iterator[Converted]:
  """Converts the folders in `root`, which is only read.

  Args:
    root: With a folder for each patient: DICOM files at any depth and, as NIfTI or MGH, the lesion mask
      (`lesion.nii.gz`) and segmentation (`aseg.mgz`), named as in BIDS but for `sub-X_`.
    contrasts: Images that each patient must have.
    patterns: Of series' descriptions by contrast, see `dicom_series.choose`.
    n_workers: Folders at a time.

  Raises:
    InputError: No such folder, or no patient's in it; dcm2niix is missing; the disk is full.
  """
  folders = _patients_in(root)
  dicom_series.find_program()
  with tempfile.TemporaryDirectory(prefix='keras-itm-') as made:
    work, bids = Path(made) / 'work', Path(made) / 'bids'
    convert = lambda folder: _convert(folder, work / folder.name, contrasts, patterns)
    with errors_named(Path(made)), futures.ThreadPoolExecutor(n_workers) as pool:
      found = dict(zip(folders, pool.map(convert, folders)))
      converted = _place(bids, _refuse_twins(found), contrasts[0])
      for table in root.glob(_TABLES):
        if converted.folders and not table.is_symlink():
          shutil.copy2(table, bids / table.name)
    yield converted


def name_folders(
  converted: Converted, root: Path, find: Callable[[Path], tuple[list[Case], list[Problem]]]
) -> tuple[list[Case], list[Problem]]:
  """Cases and problems, each with the folder that it came from as its session.

  Args:
    converted: As from `as_bids`.
    root: The input folder, which errors name.
    find: The converted folder -> its cases and problems.
  """
  if not converted.folders:
    return [], converted.problems
  try:
    cases, found = find(converted.root)
  except InputError as error:
    raise InputError(str(error).replace(str(converted.root), str(root))) from error
  unfit = {problem.case_id for problem in converted.problems}
  named = lambda one: dataclasses.replace(one, session=converted.folders.get(one.case_id, ''))
  problems = [named(problem) for problem in found if problem.case_id not in unfit]
  return [named(case) for case in cases], [*converted.problems, *problems]


def _patients_in(root: Path) -> list[Path]:
  if not root.is_dir():
    raise InputError(f'{root}: no such folder, expected the input')
  folders = sorted(p for p in root.iterdir() if p.is_dir() and not p.name.startswith('.'))
  if not folders:
    raise InputError(f'{root}: holds no folder, expected one for each patient, with DICOM files')
  return folders


def _convert(
  folder: Path, work: Path, contrasts: tuple[str, ...], patterns: Mapping[str, str]
) -> _Patient | _Unfit:
  """Clean images in `work`, without the texts of their headers."""
  names = ''
  try:
    _check_readable(folder)
    work.mkdir(parents=True)
    with tempfile.TemporaryDirectory(dir=work) as raw:
      series, is_complete = dicom_series.convert(folder, Path(raw))
      names = ', '.join(sorted({one.name for one in series}))
      patient = _one_patient(series)
      _check_one_study(series)
      files = {}
      for contrast in contrasts:
        chosen = _choose(series, contrast, patterns.get(contrast, ''), is_complete)
        files[contrast] = work / f'{contrast}.nii'
        dicom_series.write_clean(chosen, contrast, files[contrast])
  except InputError as error:
    return _Unfit(str(error), names)
  return _Patient(files, patient)


def _check_readable(folder: Path) -> None:
  """Refuses what dcm2niix would pass over in silence."""
  for path in folder.rglob('*'):
    if path.is_symlink() and path.is_dir():
      raise InputError('a folder of it is a link to a folder, which may lead outside the input')
    try:
      if not path.is_dir():
        path.open('rb').close()
    except OSError as error:
      raise InputError(f'a file of it cannot be read: {reason(error)}') from error


def _one_patient(series: list[dicom_series.Series]) -> str:
  patients = {one.patient for one in series if one.patient}
  if len(patients) > 1:
    raise InputError(f'holds scans of {len(patients)} patients, expected a folder for each')
  return patients.pop() if patients else ''


def _check_one_study(series: list[dicom_series.Series]) -> None:
  """The contrasts of a case shall be of one day."""
  studies = {one.study for one in series if one.study}
  if len(studies) > 1:
    raise InputError(f'holds {len(studies)} studies, expected one: a folder for the one to take')


def _choose(
  series: list[dicom_series.Series], contrast: str, pattern: str, is_complete: bool
) -> dicom_series.Series:
  try:
    return dicom_series.choose(series, contrast, pattern)
  except InputError as error:
    if is_complete:
      raise
    raise InputError(
      f'{error}; some DICOM files could not be converted, as they are damaged or slices are missing'
    ) from error


def _refuse_twins(found: dict[Path, _Patient | _Unfit]) -> dict[Path, _Patient | _Unfit]:
  """Refuses a second folder of a patient, whose cases could fall on both sides of a split.

  Where all folders say the same patient, their headers are without names and tell nothing.
  """
  patients = [one.patient for one in found.values() if isinstance(one, _Patient)]
  if len(set(patients)) == 1:
    return found
  seen: set[str] = set()
  told: dict[Path, _Patient | _Unfit] = {}
  for folder, one in found.items():
    told[folder] = one
    if isinstance(one, _Patient) and one.patient:
      if one.patient in seen:
        told[folder] = _Unfit('is of the same patient as another folder, expected one for each')
      seen.add(one.patient)
  return told


def _place(bids: Path, found: dict[Path, _Patient | _Unfit], first: str) -> Converted:
  """Moves the images to where the layout of BIDS looks for them."""
  folders: dict[str, str] = {}
  problems: list[Problem] = []
  for number, (folder, one) in enumerate(found.items(), 1):
    label = folder.name if LABEL.fullmatch(folder.name) else ''
    if isinstance(one, _Patient):
      subject = label or f'sub-{hash_content(one.files[first])}'
      if subject not in folders:
        folders[subject] = folder.name
        _place_patient(bids, subject, one.files, folder)
        continue
      one = _Unfit('holds the same image as another folder, expected each patient once')
    where = f'{folder.name}{": " if one.names else ""}{one.names}'
    problems.append(Problem(label or f'sub-unnamed{number:03d}', one.reason, where, folder.name))
  return Converted(bids, folders, problems)


def _place_patient(bids: Path, subject: str, files: dict[str, Path], folder: Path) -> None:
  for contrast, path in files.items():
    name = 'trace' if contrast == 'dwi' else contrast
    target = bids / subject / 'dwi' / f'{subject}_{name}.nii'
    target.parent.mkdir(parents=True, exist_ok=True)
    # The time tells whether a case is done: the same voxels have the same, others another.
    time_ns = int(hash_content(path), 16)
    path.replace(target)
    os.utime(target, ns=(time_ns, time_ns))
  derived, prefix = bids / 'derivatives' / subject, f'{subject}_'
  for path in sorted(folder.rglob('*')):
    if path.is_file() and listing.without_ending(path.name) != path.name:
      target = derived / path.relative_to(folder).parent / f'{subject}_{path.name.removeprefix(prefix)}'
      target.parent.mkdir(parents=True, exist_ok=True)
      shutil.copy2(path, target)
