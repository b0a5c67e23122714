"""From recorded to stored intensities: the same steps for phantom and real scans."""

import numpy as np
from scipy import ndimage

from stroke_tfds.errors import InputError

CLIP_PERCENTILE = 99.5
_HEAD_THRESHOLD = 0.2  # Of the brain's typical intensity.


def head_mask(image: np.ndarray) -> np.ndarray:
  """The largest bright object with its holes filled, bool of the shape (X, Y, Z) of `image`.

  Raises:
    InputError: The image is 0 everywhere.
  """
  positive = image[image > 0]
  if not positive.size:
    raise InputError('the image holds no intensity above 0, expected a head')
  bright = image > _HEAD_THRESHOLD * np.percentile(positive, 90)
  pieces, n_pieces = ndimage.label(bright)
  if n_pieces > 1:
    sizes = np.bincount(pieces.ravel())
    sizes[0] = 0
    bright = pieces == sizes.argmax()
  for k in range(bright.shape[2]):
    bright[..., k] = ndimage.binary_fill_holes(bright[..., k])
  return bright


def normalise_dwi(image: np.ndarray) -> np.ndarray:
  """Clips at the 99.5th percentile inside the head, sets what is outside to 0, scales to [0, 1].

  Args:
    image: Intensities of any scale, finite, shape (X, Y, Z).

  Returns:
    float32 in [0, 1].

  Raises:
    InputError: The image is 0 everywhere.
  """
  head = head_mask(image)
  top = np.percentile(image[head], CLIP_PERCENTILE)
  return np.where(head, np.clip(image / top, 0, 1), 0).astype(np.float32)
