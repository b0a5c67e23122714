"""Reading NIfTI files that strangers made: canonical axes, or one line that says what is wrong."""

import dataclasses
import os
import zlib
from pathlib import Path

import nibabel as nib
import numpy as np

from stroke_tfds.errors import InputError

MAX_VOXELS = 512**3
MAX_LABEL = 65535
_READ_ERRORS = (
  nib.filebasedimages.ImageFileError,
  nib.spatialimages.HeaderDataError,
  OSError,
  EOFError,
  ValueError,
  zlib.error,
)
NIFTI_ENDINGS = ('.nii.gz', '.nii')


@dataclasses.dataclass(frozen=True)
class Volume:
  """Voxels and where they are.

  Attributes:
    data: Shape (X, Y, Z); axes are RAS up to a rotation below 45 degrees.
    affine: Voxel index to world millimetres, shape (4, 4).
  """

  data: np.ndarray
  affine: np.ndarray

  @property
  def spacing_mm(self) -> np.ndarray:
    return np.linalg.norm(self.affine[:3, :3], axis=0)

  @property
  def voxel_volume_ml(self) -> float:
    return float(abs(np.linalg.det(self.affine[:3, :3]))) / 1000


def read_image(path: str | os.PathLike) -> Volume:
  """Reads finite intensities as float32.

  Raises:
    InputError: The file is missing, damaged, too large, not three-dimensional or holds
      values that are not finite.
  """
  values, affine = _read(path)
  values = values.astype(np.float32)
  if not np.all(np.isfinite(values)):
    raise InputError(f'{path}: holds values that are not finite, expected finite intensities')
  return Volume(values, affine)


def read_label_map(path: str | os.PathLike) -> Volume:
  """Reads whole numbers from 0 to 65535 as int32; errors as for `read_image`."""
  values, affine = _read(path)
  if values.dtype.kind == 'f':
    values = _whole_numbers(path, values)
  low, high = values.min(), values.max()
  if low < 0 or high > MAX_LABEL:
    raise InputError(f'{path}: labels run from {low} to {high}, expected 0 to {MAX_LABEL}')
  return Volume(values.astype(np.int32), affine)


def read_mask(path: str | os.PathLike) -> Volume:
  """Reads a mask of 0 and 1 as bool; errors as for `read_image`."""
  labels = read_label_map(path)
  if labels.data.max() > 1:
    raise InputError(f'{path}: holds the label {labels.data.max()}, expected a mask of 0 and 1')
  return Volume(labels.data.astype(bool), labels.affine)


def list_nifti(folder: str | os.PathLike) -> list[Path]:
  """NIfTI files directly in `folder`, sorted by name.

  Raises:
    InputError: The folder does not exist or holds no NIfTI file.
  """
  folder = Path(folder).expanduser()
  if not folder.is_dir():
    raise InputError(f'{folder}: no such folder, expected a folder of NIfTI files')
  files = sorted(
    path for path in folder.iterdir() if path.name.endswith(NIFTI_ENDINGS) and path.is_file()
  )
  if not files:
    raise InputError(f'{folder}: holds no NIfTI file (*.nii, *.nii.gz)')
  return files


def _read(path: str | os.PathLike) -> tuple[np.ndarray, np.ndarray]:
  """Values as stored (scaled) and the affine, both brought to RAS."""
  path = Path(path).expanduser()
  if not path.is_file():
    raise InputError(f'{path}: no such file, expected a NIfTI file')
  try:
    image = nib.load(path)
  except _READ_ERRORS as error:
    raise InputError(f'{path}: cannot be read as NIfTI: {_one_line(error)}') from error
  _check_header(path, image)
  try:
    image = nib.as_closest_canonical(image)
    values = np.asanyarray(image.dataobj)
  except _READ_ERRORS as error:
    raise InputError(f'{path}: damaged, cannot read its voxels: {_one_line(error)}') from error
  return values.reshape(values.shape[:3]), image.affine.astype(np.float64)


def _check_header(path: Path, image: nib.spatialimages.SpatialImage) -> None:
  """Refuses a bad shape or affine before any voxel is read."""
  shape = image.shape
  if len(shape) < 3 or any(n != 1 for n in shape[3:]):
    raise InputError(f'{path}: shape {shape}, expected three dimensions')
  if min(shape) < 1 or np.prod(shape, dtype=float) > MAX_VOXELS:
    raise InputError(f'{path}: shape {shape}, expected 1 to {MAX_VOXELS} voxels')
  if image.get_data_dtype().kind not in 'iuf':
    raise InputError(f'{path}: voxels of type {image.get_data_dtype()}, expected real numbers')
  affine = image.affine
  if affine is None or not np.all(np.isfinite(affine)) or abs(np.linalg.det(affine[:3, :3])) < 1e-6:
    raise InputError(f'{path}: its affine does not place voxels in space, expected an invertible one')


def _whole_numbers(path: Path, values: np.ndarray) -> np.ndarray:
  """Labels that were stored as floating-point numbers."""
  whole = np.rint(values)
  with np.errstate(invalid='ignore'):  # The difference is NaN where a value is not finite.
    unfit = ~(np.abs(values - whole) <= 1e-3)
  if unfit.any():
    found = values[unfit][0]
    raise InputError(f'{path}: holds the value {found:g}, expected whole numbers')
  return whole.astype(np.int64)


def _one_line(error: Exception) -> str:
  return ' '.join(str(error).split()) or type(error).__name__
