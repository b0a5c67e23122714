"""Affine registration to the MNI152 brain.

ANTs does the work; it is an optional dependency, imported only when it is needed.
"""

import numpy as np

from stroke_tfds.errors import InputError
from stroke_tfds.imaging.nifti import Volume
from stroke_tfds.label_schemes import LabelScheme

_SEED = 1
_WORKING_MM = 2
# ITK's world is LPS: x and y point the other way.
_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


def register_labels(labels: Volume, scheme: LabelScheme) -> np.ndarray:
  """Registers a label map by the T1 contrast that its structures would have.

  Args:
    labels: Ids of `scheme`.
    scheme: What they mean.

  Returns:
    Affine from the label map's world to MNI millimetres, shape (4, 4).

  Raises:
    InputError: antspyx is not installed.
  """
  contrast = np.array([_t1_contrast(name) for name in scheme.names], np.float32)
  labels = _thinned(labels)
  return _register(Volume(contrast[labels.data], labels.affine), _template())


def register_image(image: Volume) -> np.ndarray:
  """Registers a brain image of any contrast, with the skull or without.

  Args:
    image: Intensities.

  Returns:
    Affine from the image's world to MNI millimetres, shape (4, 4).

  Raises:
    InputError: antspyx is not installed.
  """
  return _register(image, _template())


def _thinned(labels: Volume) -> Volume:
  """Every second or third voxel where they are much finer than the template's."""
  steps = np.maximum(np.floor(_WORKING_MM / labels.spacing_mm + 1e-3).astype(int), 1)
  data = labels.data[:: steps[0], :: steps[1], :: steps[2]]
  return Volume(data, labels.affine @ np.diag([*steps, 1.0]))


def _t1_contrast(name: str) -> float:
  """About what the structure shows in a T1-weighted image, 0 outside the brain."""
  if name == 'background':
    return 0.0
  if 'ventricle' in name or 'CSF' in name:
    return 0.3
  if 'white matter' in name or name == 'brain stem':
    return 0.85
  return 0.72 if name.split()[-1] in ('thalamus', 'pallidum', 'diencephalon') else 0.62


def _template() -> Volume:
  from nilearn import datasets  # Slow to import.

  image = datasets.load_mni152_template(resolution=_WORKING_MM)
  return Volume(np.asarray(image.dataobj, np.float32), image.affine)


def _register(moving: Volume, fixed: Volume) -> np.ndarray:
  try:
    import ants
  except ImportError as error:
    raise InputError(
      'registration needs antspyx, which is not installed: pip install "keras-itm[ants]"'
    ) from error
  result = ants.registration(
    _to_ants(ants, fixed),
    _to_ants(ants, moving),
    type_of_transform='Affine',
    random_seed=_SEED,
  )
  transform = ants.read_transform(result['fwdtransforms'][0])
  return np.linalg.inv(_LPS @ _as_matrix(transform) @ _LPS)


def _to_ants(ants, volume: Volume):
  """The volume with its world coordinates, as an ANTs image."""
  spacing = volume.spacing_mm
  lps = _LPS @ volume.affine
  return ants.from_numpy(
    np.ascontiguousarray(volume.data, np.float32),
    origin=[float(x) for x in lps[:3, 3]],
    spacing=[float(x) for x in spacing],
    direction=lps[:3, :3] / spacing,
  )


def _as_matrix(transform) -> np.ndarray:
  """ITK's parameters (matrix, translation, centre of rotation) as one matrix, shape (4, 4)."""
  linear = np.reshape(transform.parameters[:9], (3, 3))
  centre = np.asarray(transform.fixed_parameters)
  matrix = np.eye(4)
  matrix[:3, :3] = linear
  matrix[:3, 3] = np.asarray(transform.parameters[9:]) + centre - linear @ centre
  return matrix
