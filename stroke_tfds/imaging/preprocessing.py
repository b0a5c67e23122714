"""From recorded to stored intensities: the same steps for phantom and real scans."""

import numpy as np
from scipy import ndimage

from stroke_tfds.errors import InputError

CLIP_PERCENTILE = 99.5
ADC_TOP = 3.5  # 1e-3 mm2/s; fluid has about 3.
_ADC_MEDIAN = (0.3, 3.0)  # Inside a head, 1e-3 mm2/s.
_ADC_UNITS = (1.0, 1e-3, 1e3)  # From 1e-3 mm2/s, um2/s and mm2/s to 1e-3 mm2/s.
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
  return scale_by_percentile(image, head_mask(image))


def scale_by_percentile(image: np.ndarray, head: np.ndarray) -> np.ndarray:
  """The same inside a given head, bool (X, Y, Z): for images without a unit."""
  top = np.percentile(image[head], CLIP_PERCENTILE)
  if top <= 0:
    raise InputError('nothing above 0 inside the head, expected an image of the same head')
  return np.where(head, np.clip(image / top, 0, 1), 0).astype(np.float32)


def scale_adc(adc: np.ndarray, head: np.ndarray) -> np.ndarray:
  """Apparent diffusion coefficients, 0 to 3.5e-3 mm2/s as [0, 1]: a value means the same in all cases.

  Args:
    adc: In 1e-3 mm2/s, um2/s or mm2/s, told apart by the median inside the head; shape (X, Y, Z).
    head: Outside it the result is 0; bool of the same shape.

  Returns:
    float32 in [0, 1].

  Raises:
    InputError: The median fits none of the units.
  """
  median = float(np.median(adc[head]))
  low, high = _ADC_MEDIAN
  factor = next((unit for unit in _ADC_UNITS if low <= median * unit <= high), None)
  if factor is None:
    raise InputError(
      f'the median inside the head is {median:g}, expected about 0.9 (1e-3 mm2/s), 900 (um2/s) or '
      '0.0009 (mm2/s)'
    )
  return np.where(head, np.clip(adc * (factor / ADC_TOP), 0, 1), 0).astype(np.float32)
