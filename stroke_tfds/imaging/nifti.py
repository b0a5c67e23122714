"""Reads NIfTI and MGH files of strangers, with canonical axes or one line of error; writes NIfTI.

This is the one place that opens such files. A message begins with the path as it was given, and holds
no other path and no text of a header.
"""

import gzip
import io
import os
from pathlib import Path

import nibabel as nib
import numpy as np
from nibabel.volumeutils import apply_read_scaling

from stroke_tfds.errors import InputError
from stroke_tfds.files import write_whole
from stroke_tfds.imaging import input_file, nifti_header
from stroke_tfds.imaging.volume import Volume, as_stored

MAX_LABEL = 65535
NIFTI_ENDINGS = ('.nii.gz', '.nii')
MGH_ENDINGS = ('.mgz', '.mgh')
_WHOLE = 1e-3  # Scaling by a header's factor leaves whole numbers this near.
_MAX_NAMED = 5
_MAX_CONTRASTS = 8
_SCANNER, _MNI = 1, 4  # NIfTI's codes for coordinates of the scanner and of the MNI 152 space.


def read_image(path: str | os.PathLike, root: Path | None = None) -> Volume:
  """Reads finite intensities as float32.

  Args:
    path: `.nii`, `.nii.gz`, `.mgh` or `.mgz`.
    root: A folder that must hold the file, links followed; None for anywhere.

  Raises:
    InputError: The file is missing, not permitted, outside `root`, damaged, too large, not
      three-dimensional, placed at two places by its header, constant, or holds values that are not
      finite.
  """
  return _as_image(path, _read(path, root))


def read_contrasts(path: str | os.PathLike) -> list[Volume]:
  """The images of a NIfTI file with a fourth axis of at most eight; errors as for `read_image`."""
  volume = _read(path, None, _MAX_CONTRASTS)
  if volume.data.ndim == 3:
    return [_as_image(path, volume)]
  return [_as_image(path, _with_data(volume, image)) for image in np.moveaxis(volume.data, -1, 0)]


def _as_image(path: str | os.PathLike, volume: Volume) -> Volume:
  """Finite intensities as float32, or a line that says what is wrong with them."""
  with np.errstate(over='ignore'):  # What float32 cannot hold is refused below as infinite.
    values = volume.data.astype(np.float32)
  n_unfit = values.size - np.count_nonzero(np.isfinite(values))
  if n_unfit:
    raise InputError(
      f'{path}: {n_unfit} of {values.size} voxels are not finite (NaN or infinite), '
      'expected finite intensities'
    )
  if values.min() == values.max():
    raise InputError(f'{path}: constant, every voxel is {values.flat[0]:g}, expected an image')
  return _with_data(volume, values)


def read_label_map(path: str | os.PathLike, root: Path | None = None) -> Volume:
  """Reads whole numbers from 0 to 65535 as int32; arguments and errors as for `read_image`."""
  volume = _read(path, root)
  values = volume.data
  if values.dtype.kind == 'f':
    values = _whole_numbers(path, values)
  low, high = values.min(), values.max()
  if low < 0 or high > MAX_LABEL:
    raise InputError(f'{path}: labels run from {low:g} to {high:g}, expected 0 to {MAX_LABEL}')
  return _with_data(volume, values.astype(np.int32))


def read_mask(path: str | os.PathLike, root: Path | None = None) -> Volume:
  """Reads a mask of 0 and 1 as bool, empty or not; arguments and errors as for `read_image`."""
  volume = _read(path, root)
  values = volume.data
  inside = _is_number(values, 1)
  unfit = ~(inside | _is_number(values, 0))
  if unfit.any():
    found = np.unique(values[unfit])
    named = ', '.join(f'{value:g}' for value in found[:_MAX_NAMED])
    more = ', ...' if len(found) > _MAX_NAMED else ''
    raise InputError(f'{path}: holds {named}{more}, expected a mask of 0 and 1')
  return _with_data(volume, inside)


def read_place(path: str | os.PathLike) -> tuple[tuple[int, ...], np.ndarray]:
  """Shape and affine of a file as stored, without its voxels; errors of headers as for `read_image`."""
  layout = _read_layout(str(path), input_file.locate(path, None))
  return layout.shape, layout.affine


def list_nifti(folder: str | os.PathLike) -> list[Path]:
  """NIfTI files directly in `folder`, sorted by name; hidden ones are left out.

  Raises:
    InputError: The folder does not exist, is not permitted or holds no NIfTI file.
  """
  folder = Path(folder).expanduser()
  try:
    names = sorted(os.listdir(folder))
  except (FileNotFoundError, NotADirectoryError) as error:
    raise InputError(f'{folder}: no such folder, expected a folder of NIfTI files') from error
  except OSError as error:
    raise InputError(f'{folder}: {input_file.reason(error)}, expected a readable folder') from error
  files = [folder / name for name in names if name.endswith(NIFTI_ENDINGS) and name[0] != '.']
  files = [path for path in files if not path.is_dir()]
  if not files:
    raise InputError(f'{folder}: holds no NIfTI file (*.nii, *.nii.gz)')
  return files


def write_nifti(path: str | os.PathLike, data: np.ndarray, affine: np.ndarray) -> None:
  """Writes a volume of MNI space as NIfTI-1: the same bytes for the same voxels, whole or not at all.

  The header is new, so that no text of a scan's header can travel; the gzip stream holds neither a
  time nor a name. A file of that name is replaced.

  Args:
    path: Ends in `.nii.gz`; its folder exists.
    data: Finite float32 or uint8, shape (X, Y, Z).
    affine: Voxel index to MNI millimetres without shear, shape (4, 4).

  Raises:
    InputError: The disk is full, or the file cannot be written.
    ValueError: Voxels or name are not as said above.
  """
  path = Path(path)
  _check_writable(path, data)
  header = nib.Nifti1Header(endianness='<')
  header.set_data_dtype(data.dtype)
  header.set_data_shape(data.shape)
  header.set_sform(affine, _MNI)
  header.set_qform(affine, _MNI, strip_shears=False)
  header.set_xyzt_units('mm')
  _write(path, header, data)


def write_like(
  path: str | os.PathLike, data: np.ndarray, scan: Volume, scan_path: str | os.PathLike
) -> None:
  """Writes a mask or an image as a scan's file is: shape, order of voxels, affine and form codes.

  Nothing else of the scan's header travels. The same voxels give the same bytes, whole or not at all.

  Args:
    path: Ends in `.nii.gz`; its folder exists.
    data: uint8 or float32, shape (X, Y, Z) of `scan`.
    scan: As read from `scan_path`.
    scan_path: NIfTI or MGH; what comes from MGH gets an sform of the scanner's space.

  Raises:
    InputError: The scan can no longer be read, the disk is full, or the file cannot be written.
    ValueError: Voxels or name are not as said above.
  """
  path, stored = Path(path), as_stored(data, scan)
  _check_writable(path, stored)
  if _ending(scan_path) in NIFTI_ENDINGS:
    with input_file.opened(str(scan_path), input_file.locate(scan_path)) as stream:
      header = nifti_header.place_alone(str(scan_path), stream.read(nifti_header.HEADER_BYTES))
  else:
    header = nib.Nifti1Header(endianness='<')
    header.set_data_shape(stored.shape)
    turn = nib.orientations.axcodes2ornt(scan.stored_axes)
    affine = scan.affine @ np.linalg.inv(nib.orientations.inv_ornt_aff(turn, stored.shape))
    header.set_sform(affine, _SCANNER)
    header.set_xyzt_units('mm')
  header.set_data_dtype(stored.dtype)
  if header.get_data_shape() != stored.shape:
    raise ValueError(f'{path}: shape {stored.shape}, expected {header.get_data_shape()} of {scan_path}')
  _write(path, header, stored)


def _read(path: str | os.PathLike, root: Path | None, max_volumes: int = 1) -> Volume:
  """Values as stored (scaled), brought to RAS; several volumes along a fourth axis."""
  name = str(path)
  file = input_file.locate(path, root)
  layout = _read_layout(name, file, max_volumes)
  with input_file.opened(name, file) as stream:
    raw = input_file.read_voxel_bytes(name, stream, layout.offset, layout.n_bytes)
  several = (layout.n_volumes,) if layout.n_volumes > 1 else ()
  stored = np.frombuffer(raw, layout.dtype).reshape((*layout.shape, *several), order='F')
  values = apply_read_scaling(stored, layout.slope, layout.inter)
  turn = nib.io_orientation(layout.affine)
  return Volume(
    nib.apply_orientation(values, turn),
    layout.affine @ nib.orientations.inv_ornt_aff(turn, layout.shape),
    layout.is_placed,
    ''.join(nib.aff2axcodes(layout.affine)),
  )


def _read_layout(name: str, file: Path, max_volumes: int = 1) -> nifti_header.Layout:
  """What the header says; `name` is the path as it was given."""
  is_nifti = _ending(name) in NIFTI_ENDINGS
  with input_file.opened(name, file) as stream:
    block = stream.read(nifti_header.HEADER_BYTES)
  if is_nifti:
    return nifti_header.parse_nifti(name, block, max_volumes)
  return nifti_header.parse_mgh(name, block)


def _ending(path: str | os.PathLike) -> str:
  for ending in (*NIFTI_ENDINGS, *MGH_ENDINGS):
    if Path(path).name.lower().endswith(ending):
      return ending
  expected = ', '.join((*NIFTI_ENDINGS, *MGH_ENDINGS))
  raise InputError(f'{path}: the name of another kind of file, expected one that ends in {expected}')


def _whole_numbers(path: str | os.PathLike, values: np.ndarray) -> np.ndarray:
  """Labels that were stored as floating-point numbers."""
  whole = np.rint(values)
  with np.errstate(invalid='ignore'):  # The difference is NaN where a value is not finite.
    unfit = ~(np.abs(values - whole) <= _WHOLE)
  if unfit.any():
    raise InputError(f'{path}: holds the value {values[unfit][0]:g}, expected whole numbers')
  return whole


def _is_number(values: np.ndarray, number: int) -> np.ndarray:
  if values.dtype.kind == 'f':
    return np.abs(values - number) <= _WHOLE
  return values == number


def _with_data(volume: Volume, data: np.ndarray) -> Volume:
  return Volume(data, volume.affine, volume.is_placed, volume.stored_axes)


def _check_writable(path: Path, data: np.ndarray) -> None:
  if not path.name.endswith('.nii.gz'):
    raise ValueError(f'{path}: expected a name that ends in .nii.gz')
  if data.ndim != 3 or data.dtype not in (np.float32, np.uint8):
    raise ValueError(
      f'{path}: {data.dtype} of shape {data.shape}, expected float32 or uint8, (X, Y, Z)'
    )
  if not np.all(np.isfinite(data)):
    raise ValueError(f'{path}: holds values that are not finite')


def _write(path: Path, header: nib.Nifti1Header, data: np.ndarray) -> None:
  """A single file of header, four bytes that say that no extension follows, and voxels."""
  header['magic'] = header.single_magic
  header['vox_offset'] = header.sizeof_hdr + 4
  header['scl_slope'], header['scl_inter'] = 1, 0
  packed = io.BytesIO()
  with gzip.GzipFile(filename='', mode='wb', fileobj=packed, compresslevel=6, mtime=0) as file:
    file.write(header.binaryblock + bytes(4))
    file.write(data.tobytes(order='F'))
  write_whole(path, packed.getvalue())
