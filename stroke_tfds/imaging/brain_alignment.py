"""Brings a skull-stripped, upright brain into MNI space, by the extent of its voxels alone."""

import functools

import numpy as np
from scipy import ndimage

from stroke_tfds.errors import InputError
from stroke_tfds.imaging.mni152 import template_t1
from stroke_tfds.imaging.transform import Transform
from stroke_tfds.imaging.volume import Volume

_SCALE = (0.75, 1.35)  # Of brains along one axis, to that of the template.


def align_brain(brain: Volume) -> Transform:
  """Shifts and scales along the three axes that give a brain the template's centre and spread.

  Of both, mean and standard deviation of the voxels' coordinates are compared: no registration, but
  within some mm of one for scans that are rotated alike, such as those of BraTS in the space of SRI24.

  Args:
    brain: bool, True in the brain.

  Raises:
    InputError: No brain, or of a size that no brain has.
  """
  if not brain.data.any():
    raise InputError('holds no brain, expected intensities above 0')
  centre_mm, spread_mm = _moments(brain)
  wanted_mm, wanted_spread_mm = _template_moments()
  scale = wanted_spread_mm / spread_mm
  if not (scale.min() >= _SCALE[0] and scale.max() <= _SCALE[1]):
    raise InputError(
      f'its brain would have to be scaled by {np.round(scale, 2).tolist()} to be as large as MNI152, '
      f'expected {_SCALE[0]} to {_SCALE[1]}: a whole skull-stripped brain'
    )
  to_mni = np.diag([*scale, 1.0])
  to_mni[:3, 3] = wanted_mm - scale * centre_mm
  return Transform.from_affine(to_mni)


@functools.cache
def _template_moments() -> tuple[np.ndarray, np.ndarray]:
  template = template_t1(masked=True)
  return _moments(Volume(template.data > 0, template.affine))


def _moments(brain: Volume) -> tuple[np.ndarray, np.ndarray]:
  """Mean and standard deviation of world coordinates along the three axes, of the largest piece."""
  pieces, n_pieces = ndimage.label(brain.data)
  largest = 1 + np.bincount(pieces.ravel(), minlength=n_pieces + 1)[1:].argmax()
  index = np.argwhere(pieces == largest)
  at_mm = index @ brain.affine[:3, :3].T + brain.affine[:3, 3]
  return at_mm.mean(0), np.maximum(at_mm.std(0), 1e-6)
