"""How large a lesion can be: what is larger is the mask of something else."""

import numpy as np

from stroke_tfds.errors import InputError
from stroke_tfds.imaging.volume import Volume

# The largest of 1,126 strokes drawn by experts has 421 ml, a third of a brain.
MAX_LESION_ML = 700


def check_volume(mask: Volume, name: str) -> float:
  """The volume of a mask in ml.

  Args:
    mask: On any grid.
    name: What an error calls it.

  Raises:
    InputError: It has more than 700 ml.
  """
  volume_ml = np.count_nonzero(mask.data) * mask.voxel_volume_ml
  if volume_ml > MAX_LESION_ML:
    raise InputError(
      f'{name}: the mask has {volume_ml:.0f} ml, expected a lesion of at most {MAX_LESION_ML} ml: '
      'it may be the mask of a brain'
    )
  return volume_ml
