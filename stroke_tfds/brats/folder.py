"""A folder of BraTS cases, as the challenge of any year since 2018 hands them out."""

import dataclasses
import functools
import os
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from stroke_tfds import builder
from stroke_tfds.errors import InputError
from stroke_tfds.fingerprints import fingerprint, hash_content
from stroke_tfds.imaging import nifti
from stroke_tfds.imaging.lesion_classes import BRATS_LABELS, read_classes
from stroke_tfds.imaging.volume import Volume

SEGMENTATION = 'segmentation'


@dataclasses.dataclass(frozen=True)
class Naming:
  """How the files of a case are called after the case itself, and what their labels are.

  Attributes:
    endings: Of each contrast and of the segmentation, with the separator.
    labels: Label of necrotic core, oedema and enhancing tumour.
  """

  endings: dict[str, str]
  labels: tuple[int, int, int]


_CONTRASTS = ('T1', 'T1CE', 'T2', 'FLAIR', SEGMENTATION)
NAMINGS = (
  Naming(dict(zip(_CONTRASTS, ('_t1', '_t1ce', '_t2', '_flair', '_seg'))), BRATS_LABELS[0]),
  Naming(dict(zip(_CONTRASTS, ('-t1n', '-t1c', '-t2w', '-t2f', '-seg'))), BRATS_LABELS[1]),
)
_TIME_POINT = re.compile(r'-\d{3}$')  # Of names since 2023, BraTS-GLI-00000-000.
_NIFTI = ('.nii.gz', '.nii')
_TOLERANCE_MM = 1e-3


@dataclasses.dataclass(frozen=True)
class Case:
  """One scan.

  Attributes:
    case_id: Name of its folder.
    naming: Of its files.
    files: By contrast and `SEGMENTATION`.
  """

  case_id: str
  naming: Naming
  files: dict[str, Path]

  @property
  def subject(self) -> str:
    """The patient: cases of one patient differ in their time point alone."""
    return _TIME_POINT.sub('', self.case_id) if self.naming is NAMINGS[1] else self.case_id

  def read_classes(self) -> Volume:
    """Class of each voxel, uint8: 1 necrotic core, 2 oedema, 3 enhancing tumour, 0 elsewhere.

    Raises:
      InputError: Other labels, or no tumour.
    """
    path = self.files[SEGMENTATION]
    volume = read_classes(path, [self.naming.labels])
    if not volume.data.any():
      raise InputError(f'{path}: holds no tumour, expected some voxel above 0')
    return volume


class BratsFolder:
  """Cases in the folders below one folder, such as HGG/Brats18_2013_2_1 or BraTS-GLI-00000-000."""

  def __init__(self, path: Path, contrasts: tuple[str, ...]):
    """Lists the cases.

    Raises:
      InputError: No folder, no case, two cases of one name, or a case without one of its files.
    """
    self.path = path
    if not path.is_dir():
      raise InputError(f'{path}: no such folder, expected a folder of BraTS cases')
    self.cases: dict[str, Case] = {}
    for folder, names, files in sorted(os.walk(path)):
      del names
      case = _find_case(Path(folder), files, contrasts)
      if case and case.case_id in self.cases:
        raise InputError(f'{folder}: a case of that name is in {path} twice, expected each once')
      if case:
        self.cases[case.case_id] = case
    if not self.cases:
      raise InputError(
        f'{path}: holds no case, expected folders X with X_flair.nii.gz, X_t1.nii.gz and so on, or '
        'X-t2f.nii.gz, X-t1n.nii.gz and so on'
      )

  @functools.cached_property
  def fingerprint(self) -> str:
    """A hash of what the segmentations hold, and of name and size of the images."""
    facts = []
    for case in self.cases.values():
      sizes = [[path.name, path.stat().st_size] for path in case.files.values()]
      facts.append([case.case_id, hash_content(case.files[SEGMENTATION]), sizes])
    return fingerprint(facts)

  def measure(self) -> dict[str, float]:
    """Volume of each case's tumour in ml, and a check of all cases before any is made.

    Raises:
      InputError: A segmentation with other labels or without a tumour, or files of a case on
        different grids.
    """
    return dict(zip(self.cases, builder.map_in_order(_tumour_ml, self.cases.values())))


def _find_case(folder: Path, files: list[str], contrasts: tuple[str, ...]) -> Case | None:
  """The case of a folder; None for a folder that holds none."""
  name, by_stem = folder.name, {}
  for file in sorted(files):
    ending = next((ending for ending in _NIFTI if file.endswith(ending)), None)
    if ending:
      by_stem[file.removesuffix(ending).lower()] = folder / file
  for naming in NAMINGS:
    found = {
      role: by_stem[f'{name}{ending}'.lower()]
      for role, ending in naming.endings.items()
      if f'{name}{ending}'.lower() in by_stem
    }
    missing = [role for role in (*contrasts, SEGMENTATION) if role not in found]
    if found and missing:
      ending = naming.endings[missing[0]]
      raise InputError(f'{folder / name}{ending}.nii.gz: missing file, expected it beside the others')
    if found:
      return Case(name, naming, {role: found[role] for role in (*contrasts, SEGMENTATION)})
  _check_no_other(folder, by_stem)
  return None


def _check_no_other(folder: Path, by_stem: Mapping[str, Path]) -> None:
  """A folder may have been renamed: its case must not be left out without a word."""
  for naming in NAMINGS:
    ending = naming.endings[SEGMENTATION]
    for stem, file in by_stem.items():
      if stem.endswith(ending):
        case_id = file.name[: len(stem) - len(ending)]
        raise InputError(f'{file}: lies in {folder.name}, expected its case in a folder {case_id}')


def _tumour_ml(case: Case) -> float:
  reference = case.files[SEGMENTATION]
  shape, affine = nifti.read_place(reference)
  for path in case.files.values():
    own_shape, own_affine = nifti.read_place(path)
    if own_shape != shape or not np.allclose(own_affine, affine, atol=_TOLERANCE_MM):
      raise InputError(
        f'{path}: lies on another grid than {reference.name}, expected one grid for all files of a case'
      )
  classes = case.read_classes()
  return float(np.count_nonzero(classes.data)) * classes.voxel_volume_ml
