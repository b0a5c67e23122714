"""Small cohorts in MNI space, made from the template's labels."""

import functools
from pathlib import Path

import nibabel as nib
import numpy as np

from stroke_tfds.imaging.grid import Grid, get_grid
from stroke_tfds.phantom import signal
from stroke_tfds.preparation import quality

SCAN_GRID = get_grid('mini')
GRID = Grid('tiny', (32, 32, 8), (6.0, 6.0, 16.0), (-96.0, -114.0, -56.0))
LESION_VOXELS = (slice(20, 26), slice(30, 38), slice(8, 11))  # 6 x 8 x 3 of 3 x 3 x 8 mm: 10.368 ml.


@functools.cache
def clean_image(b_value: float = 1000) -> np.ndarray:
  """What the template's brain would show, float32 on `SCAN_GRID`, about 0 to 1000."""
  labels = quality.load_template(SCAN_GRID).labels
  values = signal.dwi_signal(signal.mean_tissues(), signal.Protocol(90, b_value, 0))[labels]
  return (1000 * values / values.max()).astype(np.float32)


def lesion_mask() -> np.ndarray:
  mask = np.zeros(SCAN_GRID.shape, np.uint8)
  mask[LESION_VOXELS] = 1
  return mask


def scan(number: int, lesion: bool = True) -> np.ndarray:
  """A DWI with its own noise, the lesion bright."""
  noise = np.random.default_rng(number).normal(0, 20, SCAN_GRID.shape)
  image = np.where(clean_image() > 0, clean_image() + noise, 0)
  if lesion:
    image[LESION_VOXELS] = 1200 + noise[LESION_VOXELS]
  return np.maximum(image, 0).astype(np.float32)


def save(path: Path, data: np.ndarray, affine: np.ndarray | None = None, **header: bytes) -> Path:
  """Writes NIfTI with sform and qform of code 1; keywords set fields of the header."""
  affine = SCAN_GRID.affine if affine is None else affine
  image = nib.Nifti1Image(data, affine)
  image.set_qform(affine, 1)
  image.set_sform(affine, 1)
  for name, value in header.items():
    image.header[name] = value
  path.parent.mkdir(parents=True, exist_ok=True)
  nib.save(image, path)
  return path


def dwi_path(root: Path, subject: str) -> Path:
  return root / subject / 'dwi' / f'{subject}_dwi.nii.gz'


def mask_path(root: Path, subject: str) -> Path:
  return root / 'derivatives' / 'masks' / subject / f'{subject}_desc-lesion_mask.nii.gz'


def segmentation_path(root: Path, subject: str) -> Path:
  return root / 'derivatives' / 'synthseg' / subject / f'{subject}_synthseg.nii.gz'


def save_subject(root: Path, subject: str, number: int = 0, lesion: bool = True) -> None:
  """A subject of a BIDS input: DWI and, if asked for, a mask."""
  save(dwi_path(root, subject), scan(number, lesion))
  if lesion:
    save(mask_path(root, subject), lesion_mask())
