"""The images in a folder of DICOM files, as dcm2niix converts them, and which of them is wanted."""

import dataclasses
import fnmatch
import importlib
import importlib.util
import json
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np

from stroke_tfds.errors import InputError
from stroke_tfds.preparation import b_values
from stroke_tfds.preparation.layouts import ADC, DWI

TRACE, DIFFUSION, OTHER = 'trace', 'diffusion', 'other'
_TYPES = {
  'ADC': ADC,
  'TRACEW': TRACE,
  'TRACE': TRACE,
  **dict.fromkeys(('FA', 'EXP', 'EADC', 'TENSOR'), OTHER),
}
_DESCRIPTIONS = (
  (r'(^|[^a-z])(eadc|exp|exponential|fa|colfa|tensor|b0)([^a-z]|$)', OTHER),
  (r'adc|apparent.?diff', ADC),
  (r'trace', TRACE),
  (r'dwi|diff|dti', DIFFUSION),
)
_NO_DICOM, _PARTLY = 2, 8  # Exit statuses of dcm2niix.
_TIMEOUT_S = 1800
_LIKE_A_STROKES_S_MM2 = 1000
_INTERPOLATED = '_Eq'  # What dcm2niix adds beside an image whose slices are not equally spaced.


@dataclasses.dataclass(frozen=True)
class Series:
  """One image that dcm2niix made, and what its DICOM header says; none of this may be stored.

  Attributes:
    path: NIfTI, in a folder that is soon removed.
    name: The series' description, blanks as `_`.
    image_type: As in DICOM.
    patient: ID and name; '' where there is neither. IDs alone may be placeholders.
    study: Its number; '' where there is none.
  """

  path: Path
  name: str
  image_type: tuple[str, ...]
  patient: str
  study: str = ''

  @property
  def kind(self) -> str:
    """`adc`, or one of the constants above: by the image type, else by the description."""
    for value in self.image_type:
      if value.upper() in _TYPES:
        return _TYPES[value.upper()]
    name = self.name.lower()
    return next((kind for pattern, kind in _DESCRIPTIONS if re.search(pattern, name)), OTHER)


def find_program() -> str:
  """The path of dcm2niix.

  Raises:
    InputError: It is not installed.
  """
  if importlib.util.find_spec('dcm2niix'):
    return importlib.import_module('dcm2niix').bin
  found = shutil.which('dcm2niix')
  if not found:
    raise InputError(
      'source dicom needs dcm2niix, which is not installed: pip install "keras-itm[dicom]"'
    )
  return found


def convert(folder: Path, output: Path) -> tuple[list[Series], bool]:
  """Converts all files below a folder.

  Args:
    folder: Of one patient.
    output: An empty folder, for the user alone: what is written names the patient.

  Returns:
    The images, and whether each DICOM file is in one of them.

  Raises:
    InputError: No DICOM file, or dcm2niix does not run.
  """
  asked = ['-g', 'i', '-d', '9', '-b', 'y', '-ba', 'n', '-z', 'n', '-f', 's%s', '-o', str(output)]
  try:
    done = subprocess.run(
      [find_program(), *asked, str(folder)],
      stdout=subprocess.DEVNULL,
      stderr=subprocess.DEVNULL,
      timeout=_TIMEOUT_S,
      check=False,
    )
  except (OSError, subprocess.TimeoutExpired) as error:
    found = getattr(error, 'strerror', None) or f'took more than {_TIMEOUT_S} s'
    raise InputError(f'dcm2niix cannot convert it: {found}') from error
  if done.returncode == _NO_DICOM:
    raise InputError('holds no DICOM file, expected the series of one patient')
  paths = [path for path in sorted(output.glob('*.nii')) if _INTERPOLATED not in path.name]
  made = [_read(path) for path in paths]
  if not made:
    raise InputError(f'dcm2niix makes no image of it (exit status {done.returncode})')
  return made, done.returncode != _PARTLY


def _read(path: Path) -> Series:
  sidecar = path.with_suffix('.json')
  said: dict[str, Any] = json.loads(sidecar.read_text(errors='replace')) if sidecar.exists() else {}
  name = str(said.get('SeriesDescription') or said.get('ProtocolName') or '')
  image_type = tuple(map(str, said.get('ImageType') or ()))
  identity = [str(said.get(field) or '') for field in ('PatientID', 'PatientName')]
  patient = ' '.join(re.sub(r'\W+', ' ', text.casefold()).strip() for text in identity).strip()
  return Series(
    path, name.replace(' ', '_'), image_type, patient, str(said.get('StudyInstanceUID') or '')
  )


def choose(series: Sequence[Series], contrast: str, pattern: str = '') -> Series:
  """The one image of a contrast.

  Args:
    series: Of one patient.
    contrast: Such as `dwi`; a trace comes before other diffusion-weighted images.
    pattern: That its description has to fit, `*` for anything; when '', DWI and ADC are recognised, and
      others are called after their contrast.

  Raises:
    InputError: None fits, or several, or one that is not diffusion-weighted, or lacks slices.
  """
  if pattern or contrast not in (DWI, ADC):
    wanted = (pattern or f'*{contrast}*').replace(' ', '_').lower()
    fitting = [one for one in series if fnmatch.fnmatchcase(one.name.lower(), wanted)]
  else:
    kinds = (ADC,) if contrast == ADC else (TRACE, DIFFUSION)
    by_kind = [[one for one in series if one.kind == kind] for kind in kinds]
    fitting = next((found for found in by_kind if found), [])
  if contrast == DWI:
    fitting = _weighted(fitting)
  if not fitting:
    how = 'fits its pattern in --series' if pattern else 'is one'
    raise InputError(f'{contrast}: none of {len(series)} series {how}, expected one')
  if any(any(one.path.parent.glob(f'{one.path.stem}{_INTERPOLATED}*')) for one in fitting):
    raise InputError(f'{contrast}: its slices are not equally spaced, as where some are missing')
  if len(fitting) > 1:
    raise InputError(
      f'{contrast}: {len(fitting)} of {len(series)} series fit, expected one: '
      f'say which by --series={contrast}=PATTERN'
    )
  return fitting[0]


def _weighted(fitting: list[Series]) -> list[Series]:
  """Those that no b-value calls unweighted; an error where all are."""
  why = {one: b_values.why_unweighted(one.path) for one in fitting}
  weighted = [one for one in fitting if not why[one]]
  if fitting and not weighted:
    raise InputError(f'{DWI}: {why[fitting[0]]}')
  return weighted


def write_clean(series: Series, contrast: str, path: Path) -> None:
  """Writes the image's voxels under a new header, so that no word of the old one travels.

  Of a series of several b-values, the volume nearest to b = 1000 s/mm2 is taken.

  Raises:
    InputError: Several volumes, and no b-values that tell one from the others.
  """
  image = nib.Nifti1Image.from_filename(series.path)
  data = np.asarray(image.dataobj)
  if data.ndim > 3:
    data = data[..., _which_volume(series, contrast, data.shape[3])]
  if data.dtype.kind == 'f':
    data = data.astype(np.float32)
  clean = nib.Nifti1Image(data, image.affine)
  clean.set_sform(image.affine, 1)
  clean.set_qform(image.affine, 1)
  path.parent.mkdir(parents=True, exist_ok=True)
  nib.save(clean, path)


def _which_volume(series: Series, contrast: str, n_volumes: int) -> int:
  found = b_values.read(series.path) if contrast == DWI else []
  if len(found) != n_volumes:
    raise InputError(f'{contrast}: the series holds {n_volumes} volumes, expected one')
  distance = np.abs(np.array(found) - _LIKE_A_STROKES_S_MM2)
  nearest = np.flatnonzero(distance == distance.min())
  if len(nearest) > 1:
    raise InputError(
      f'{contrast}: the series holds {len(nearest)} volumes of b = {found[nearest[0]]:g} s/mm2, '
      'expected one: choose the trace of its directions, or average them first'
    )
  return int(nearest[0])
