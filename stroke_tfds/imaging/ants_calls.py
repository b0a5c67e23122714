"""The two registrations of ANTs that are needed, with millimetres and axes as everywhere else.

ANTs is an optional dependency, imported only when it is needed.
"""

import os
import tempfile
import types
from pathlib import Path

import numpy as np

from stroke_tfds.errors import InputError
from stroke_tfds.imaging.volume import Volume

_SEED = 1
# ITK's world is LPS: x and y point the other way.
_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
# From a good start only: the usual first level, six times coarser, holds too few voxels of a slab.
_AFFINE_LEVELS = {
  'aff_iterations': (300, 150, 20),
  'aff_shrink_factors': (3, 2, 1),
  'aff_smoothing_sigmas': (2, 1, 0),
}
_DEFORMABLE_ITERATIONS = (40, 20, 0)


def load_ants() -> types.ModuleType:
  """The package, its random numbers seeded and on one thread.

  On several, sums come out in another order each time, and the same scan would give other bytes.

  Raises:
    InputError: antspyx is not installed, or one before 0.6.3, which cannot be made to repeat itself.
  """
  os.environ['ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS'] = '1'  # Read at the first registration.
  try:
    import ants
  except ImportError as error:
    raise InputError(
      'registration needs antspyx, which is not installed: pip install "keras-itm[ants]"'
    ) from error
  try:
    import ants.config
  except ImportError as error:
    raise InputError(
      'registration needs antspyx 0.6.3 or later with NumPy below 2.4, found one without ants.config: '
      'pip install "keras-itm[ants]"'
    ) from error
  ants.config.set_ants_deterministic(False, _SEED)  # `registration` ignores a seed given to it.
  return ants


def affine(fixed: Volume, moving: Volume, start: np.ndarray, counts: np.ndarray) -> np.ndarray:
  """Refines an affine by mutual information.

  Args:
    fixed: Intensities; the metric is taken at its voxels.
    moving: Intensities.
    start: Fixed to moving world millimetres, shape (4, 4).
    counts: bool of the shape of `fixed`, False where a voxel does not enter the metric.

  Returns:
    The refined `start`.
  """
  ants = load_ants()
  with tempfile.TemporaryDirectory() as folder:
    result = ants.registration(
      _to_ants(ants, fixed),
      _to_ants(ants, moving),
      type_of_transform='Affine',
      initial_transform=[_write_affine(ants, start, Path(folder))],
      outprefix=f'{folder}/',
      mask=_to_ants(ants, Volume(counts, fixed.affine)),
      **_AFFINE_LEVELS,
    )
    return _read_affine(ants, result['fwdtransforms'][0])


def deformable(
  fixed: Volume, moving: Volume, start: np.ndarray, counts: np.ndarray
) -> tuple[np.ndarray, Volume]:
  """SyN by mutual information, after an affine that it leaves as it is.

  Args:
    fixed: Intensities.
    moving: Intensities.
    start: Fixed to moving world millimetres, shape (4, 4).
    counts: bool of the shape of `moving`, False where a voxel does not enter the metric; what lies
      outside `moving` does not enter it either.

  Returns:
    The affine, and displacements on the grid of `fixed`, to be added before it; as in `Transform`.
  """
  ants = load_ants()
  with tempfile.TemporaryDirectory() as folder:
    result = ants.registration(
      _to_ants(ants, fixed),
      _to_ants(ants, moving),
      type_of_transform='SyNOnly',
      initial_transform=[_write_affine(ants, start, Path(folder))],
      outprefix=f'{folder}/',
      moving_mask=_to_ants(ants, Volume(counts, moving.affine)),
      reg_iterations=_DEFORMABLE_ITERATIONS,
    )
    warp, matrix = result['fwdtransforms']
    displacement = ants.image_read(warp).numpy() @ _LPS[:3, :3].astype(np.float32)
    return _read_affine(ants, matrix), Volume(displacement, fixed.affine)


def _to_ants(ants: types.ModuleType, volume: Volume):
  """The volume with its world coordinates, as an ANTs image."""
  spacing = volume.spacing_mm
  lps = _LPS @ volume.affine
  return ants.from_numpy(
    np.ascontiguousarray(volume.data, np.float32),
    origin=[float(x) for x in lps[:3, 3]],
    spacing=[float(x) for x in spacing],
    direction=lps[:3, :3] / spacing,
  )


def _write_affine(ants: types.ModuleType, matrix: np.ndarray, folder: Path) -> str:
  lps = _LPS @ matrix @ _LPS
  parameters = [*lps[:3, :3].ravel(), *lps[:3, 3]]
  transform = ants.create_ants_transform('AffineTransform', dimension=3, parameters=parameters)
  path = str(folder / 'start.mat')
  ants.write_transform(transform, path)
  return path


def _read_affine(ants: types.ModuleType, path: str) -> np.ndarray:
  """ITK's parameters (matrix, translation, centre of rotation) as one matrix, shape (4, 4)."""
  transform = ants.read_transform(path)
  linear = np.reshape(transform.parameters[:9], (3, 3))
  centre = np.asarray(transform.fixed_parameters)
  matrix = np.eye(4)
  matrix[:3, :3] = linear
  matrix[:3, 3] = np.asarray(transform.parameters[9:]) + centre - linear @ centre
  return _LPS @ matrix @ _LPS
