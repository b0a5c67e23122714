"""Writing NIfTI files that hold voxels, their place and nothing else."""

import gzip
import io
import os
from pathlib import Path

import nibabel as nib
import numpy as np

from stroke_tfds.files import write_whole

_MNI = 4  # NIfTI's code for coordinates of the MNI 152 space.


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
  content = _header(path, data, affine)
  packed = io.BytesIO()
  with gzip.GzipFile(filename='', mode='wb', fileobj=packed, compresslevel=6, mtime=0) as file:
    file.write(content)
    file.write(data.tobytes(order='F'))
  write_whole(path, packed.getvalue())


def _header(path: Path, data: np.ndarray, affine: np.ndarray) -> bytes:
  """The 348 bytes of the header and the four that say that no extension follows."""
  if not path.name.endswith('.nii.gz'):
    raise ValueError(f'{path}: expected a name that ends in .nii.gz')
  if data.ndim != 3 or data.dtype not in (np.float32, np.uint8):
    raise ValueError(
      f'{path}: {data.dtype} of shape {data.shape}, expected float32 or uint8, (X, Y, Z)'
    )
  if not np.all(np.isfinite(data)):
    raise ValueError(f'{path}: holds values that are not finite')
  header = nib.Nifti1Header(endianness='<')
  header.set_data_dtype(data.dtype)
  header.set_data_shape(data.shape)
  header.set_sform(affine, _MNI)
  header.set_qform(affine, _MNI, strip_shears=False)
  header.set_xyzt_units('mm')
  header['magic'] = b'n+1'
  header['vox_offset'] = 352
  header['scl_slope'], header['scl_inter'] = 1, 0
  return header.binaryblock + bytes(4)
