"""What the headers of NIfTI and MGH files announce, checked before any voxel is read."""

import dataclasses

import nibabel as nib
import numpy as np
from nibabel.freesurfer.mghformat import MGHError, MGHHeader
from nibabel.wrapstruct import WrapStructError

from stroke_tfds.errors import InputError
from stroke_tfds.imaging.input_file import MAX_OTHER_BYTES, kind_of, reason
from stroke_tfds.imaging.volume import corners_mm

MAX_VOXELS = 512**3
HEADER_BYTES = 540  # The longest of the three headers, NIfTI-2's.
_MAX_DISAGREEMENT_MM = 1.0
_FARTHEST_MM = 1e6
_VOXEL_MM = (0.01, 1000.0)
_VOXEL_MM_OF_ODD_UNIT = (0.01, 50.0)  # The unit itself may be wrong.
_LEAST_VOLUME = 1e-3  # Of a voxel, relative to a box with the same edges.
_UNITS_MM = {1: ('metre', 1e3), 3: ('micron', 1e-3)}  # NIfTI's codes; others mean millimetres.
_UNIT_BITS = 7
_PLACE = (
  *('qform_code', 'quatern_b', 'quatern_c', 'quatern_d', 'qoffset_x', 'qoffset_y', 'qoffset_z'),
  *('sform_code', 'srow_x', 'srow_y', 'srow_z'),
)
_LONGEST_QUATERNION = 1.00005  # 1 but for rounding.
_MGH_VOXELS_AT = 284
_MGH_HAS_PLACE = slice(28, 30)  # goodRASFlag, two bytes.
_UNFIT = (
  nib.spatialimages.HeaderDataError,
  WrapStructError,
  MGHError,
  KeyError,
  ValueError,
  OverflowError,
)


class _RoundedQuaternion:
  """Takes a quaternion that rounding made longer than 1 for the half turn that it means."""

  def get_qform_quaternion(self) -> np.ndarray:
    turn = np.array([self[f'quatern_{axis}'] for axis in 'bcd'], np.float64)  # type: ignore[index]
    length = np.linalg.norm(turn)
    if 1 < length <= _LONGEST_QUATERNION:
      turn /= length
    return nib.quaternions.fillpositive(turn, self.quaternion_threshold)  # type: ignore[attr-defined]


class _Nifti1Header(_RoundedQuaternion, nib.Nifti1Header):
  pass


class _Nifti2Header(_RoundedQuaternion, nib.Nifti2Header):
  pass


@dataclasses.dataclass(frozen=True)
class Layout:
  """Where the voxels are, in the file and in the world.

  Attributes:
    shape: Voxels along the three axes as stored, of one volume.
    dtype: Type as stored, with its byte order.
    offset: Bytes before the first voxel.
    slope: Factor of the stored values, or None.
    inter: What is added to the scaled values, or None.
    affine: Stored voxel index to world millimetres, shape (4, 4).
    is_placed: Whether the header says where the voxels are.
    n_volumes: How many follow one another.
  """

  shape: tuple[int, int, int]
  dtype: np.dtype
  offset: int
  slope: float | None
  inter: float | None
  affine: np.ndarray
  is_placed: bool
  n_volumes: int = 1

  @property
  def n_bytes(self) -> int:
    return int(np.prod(self.shape, dtype=np.int64)) * self.n_volumes * self.dtype.itemsize


def parse_nifti(name: str, block: bytes, max_volumes: int = 1) -> Layout:
  """Reads the first `HEADER_BYTES` bytes of a single NIfTI-1 or NIfTI-2 file.

  Args:
    name: The file, named in errors.
    block: The bytes.
    max_volumes: Length that a fourth axis may have.

  Raises:
    InputError: They are no such header, or announce what cannot be a volume in space.
  """
  header_class = _Nifti2Header if _starts_with(block, 540) else _Nifti1Header
  try:
    header = header_class(block[: header_class.sizeof_hdr])
    slope, inter = header.get_slope_inter()
    offset = header.get_data_offset() or header.single_vox_offset
    affine, shape, dtype = header.get_best_affine(), header.get_data_shape(), header.get_data_dtype()
  except _UNFIT as error:
    raise InputError(f'{name}: not a NIfTI file ({_found(block, error)}), expected one') from error
  if header['magic'].item() != header.single_magic:
    raise InputError(f'{name}: a NIfTI header without voxels (.hdr/.img pair), expected one file')
  unit, to_mm = _UNITS_MM.get(int(header['xyzt_units']) & _UNIT_BITS, ('', 1.0))
  n_volumes = int(shape[3]) if len(shape) == 4 and 1 < shape[3] <= max_volumes else 1
  shape = shape[:3] if n_volumes > 1 else shape
  layout = _checked(name, shape, dtype, offset, _scaled(affine, to_mm), unit)
  codes = int(header['qform_code']), int(header['sform_code'])
  if min(codes) > 0:
    _check_forms(name, layout.shape, header, to_mm)
  found = {'slope': slope, 'inter': inter, 'n_volumes': n_volumes}
  return dataclasses.replace(layout, **found, is_placed=max(codes) > 0)


def place_alone(name: str, block: bytes) -> nib.Nifti1Header:
  """A new header for one byte per voxel in the place of another one, without its text and scaling.

  Shape, affine, qform, sform, their codes and the unit of length are as they were, in the same version
  of NIfTI. Errors as for `parse_nifti`.
  """
  parse_nifti(name, block)
  header_class = _Nifti2Header if _starts_with(block, 540) else _Nifti1Header
  found, header = header_class(block[: header_class.sizeof_hdr]), header_class(endianness='<')
  header.set_data_dtype(np.uint8)
  header.set_data_shape(found.get_data_shape()[:3])
  header['pixdim'][:4] = found['pixdim'][:4]
  header['xyzt_units'] = int(found['xyzt_units']) & _UNIT_BITS
  for field in _PLACE:
    header[field] = found[field]
  return header


def parse_mgh(name: str, block: bytes) -> Layout:
  """Reads the first 284 bytes of an MGH file; errors as for `parse_nifti`."""
  if len(block) < _MGH_VOXELS_AT:
    found = kind_of(block) or f'holds {len(block)} bytes'
    raise InputError(f'{name}: not an MGH file ({found}), expected one')
  try:
    header = MGHHeader(block[:_MGH_VOXELS_AT])
    with np.errstate(over='ignore', invalid='ignore'):  # Of numbers that are refused below.
      affine = header.get_best_affine()
    shape, dtype = header.get_data_shape(), header.get_data_dtype()
  except _UNFIT as error:
    raise InputError(f'{name}: not an MGH file ({_found(block, error)}), expected one') from error
  layout = _checked(name, shape, dtype, _MGH_VOXELS_AT, affine)
  return dataclasses.replace(layout, is_placed=any(block[_MGH_HAS_PLACE]))


def _checked(
  name: str, shape: tuple[int, ...], dtype: np.dtype, offset: int, affine: np.ndarray, unit: str = ''
) -> Layout:
  """A layout that was not refused; scaling of intensities is left to the caller."""
  shape = tuple(int(n) for n in shape)
  if len(shape) < 3 or any(n != 1 for n in shape[3:]):
    raise InputError(f'{name}: shape {shape}, expected three dimensions, one volume')
  if min(shape) < 1 or np.prod(shape, dtype=float) > MAX_VOXELS:
    raise InputError(f'{name}: shape {shape}, expected 1 to {MAX_VOXELS} voxels')
  if dtype.kind not in 'iuf' or dtype.itemsize > 8:
    raise InputError(f'{name}: voxels of type {dtype}, expected real numbers of at most 64 bits')
  if not 0 < offset <= MAX_OTHER_BYTES:
    raise InputError(
      f'{name}: voxels begin at byte {offset}, expected byte {MAX_OTHER_BYTES} or earlier'
    )
  _check_affine(name, affine, unit)
  n_x, n_y, n_z = shape[:3]
  return Layout((n_x, n_y, n_z), dtype, int(offset), None, None, affine.astype(np.float64), True)


def _scaled(affine: np.ndarray, factor: float) -> np.ndarray:
  """The same places in another unit of length."""
  return np.diag([factor, factor, factor, 1.0]) @ affine


def _check_affine(name: str, affine: np.ndarray, unit: str) -> None:
  """Refuses an affine in mm without three directions or of no head; `unit` is the header's, if odd."""
  low, high = _VOXEL_MM_OF_ODD_UNIT if unit else _VOXEL_MM
  problem = f'{name}: its affine does not place voxels in space'
  if not np.all(np.abs(affine) <= _FARTHEST_MM):
    raise InputError(f'{problem}, expected numbers up to {_FARTHEST_MM:g} mm')
  spacing = np.linalg.norm(affine[:3, :3], axis=0)
  if spacing.min() < low or spacing.max() > high:
    found = ' x '.join(f'{mm:g}' for mm in spacing)
    named = f', by the unit {unit} of its header' if unit else ''
    raise InputError(f'{problem} (voxels of {found} mm{named}), expected {low:g} to {high:g} mm')
  if abs(np.linalg.det(affine[:3, :3] / spacing)) < _LEAST_VOLUME:
    raise InputError(f'{problem} (its axes lie in a plane), expected an invertible one')


def _check_forms(
  name: str, shape: tuple[int, int, int], header: nib.Nifti1Header, to_mm: float
) -> None:
  """Refuses a qform and an sform that put the same voxel at two places."""
  sform = _scaled(header.get_sform(), to_mm)
  try:
    qform = _scaled(header.get_qform(), to_mm)
  except _UNFIT as error:
    raise InputError(f'{name}: qform cannot be read ({reason(error)}), expected a rotation') from error
  if np.linalg.det(qform[:3, :3]) * np.linalg.det(sform[:3, :3]) < 0:
    raise InputError(f'{name}: qform and sform mirror each other, expected the same left and right')
  between = np.linalg.norm(corners_mm(shape, qform) - corners_mm(shape, sform), axis=1).max()
  if not between <= _MAX_DISAGREEMENT_MM:
    raise InputError(
      f'{name}: qform and sform are up to {between:.1f} mm apart, '
      f'expected at most {_MAX_DISAGREEMENT_MM:g} mm'
    )


def _starts_with(block: bytes, number: int) -> bool:
  return block[:4] in (number.to_bytes(4, 'little'), number.to_bytes(4, 'big'))


def _found(block: bytes, error: Exception) -> str:
  return kind_of(block) or reason(error)
