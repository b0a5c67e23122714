"""From recorded to stored intensities: the same steps for phantom and real scans.

An image without a unit gets one by its scaling, which sets that are used together share:

| scaling | 1 is |
|---|---|
| `percentile` | the 99.5th percentile inside the head (Platscher et al. 2020, section 2.1) |
| `parenchyma_median` | 2.5 medians of the brain tissue inside the head |

A large lesion raises the percentile, is cut at it and darkens all else; by the median, tissue is about
0.4 whatever the lesion. Brain tissue is what the MNI152 template has for it on the image's own grid
(`mni152.brain_tissue`), lesion included, so that phantoms, scans and what is put together from them are
scaled alike, with labels or without.
"""

import numpy as np
from scipy import ndimage

from stroke_tfds.errors import InputError
from stroke_tfds.imaging.grid import Grid
from stroke_tfds.imaging.mni152 import brain_tissue

# The same as keras_itm.intensity_scaling, which data sets do not import; a test holds the two equal.
PERCENTILE, PARENCHYMA_MEDIAN = SCALINGS = ('percentile', 'parenchyma_median')
CLIP_PERCENTILE = 99.5
CLIP_MEDIANS = 2.5
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


def check_scaling(scaling: str, name: str = 'intensity_scaling') -> None:
  """Refuses what is no scaling.

  Args:
    scaling: What is given for one.
    name: What an error calls it.

  Raises:
    InputError: It is unknown.
  """
  if scaling not in SCALINGS:
    raise InputError(f'{name} is {scaling!r}, expected one of {list(SCALINGS)}')


def scale(image: np.ndarray, head: np.ndarray, grid: Grid, scaling: str) -> np.ndarray:
  """Scales an image without a unit to [0, 1], cut above 1, 0 outside the head.

  Args:
    image: Intensities of any scale, finite, shape (X, Y, Z).
    head: bool of the same shape.
    grid: Where the voxels are, in MNI space.
    scaling: `percentile` or `parenchyma_median`, see above.

  Returns:
    float32 in [0, 1].

  Raises:
    InputError: Nothing to measure the unit by, or an unknown scaling.
  """
  check_scaling(scaling)
  if scaling == PERCENTILE:
    return scale_by_percentile(image, head)
  inside = image[head & brain_tissue(grid)]
  median = np.median(inside) if inside.size else 0
  if median <= 0:
    raise InputError(
      f'the median of {inside.size} voxels where MNI152 has brain tissue is {median:g}, expected one '
      'above 0: an image of a brain in MNI space'
    )
  return _scaled(image, head, CLIP_MEDIANS * median)


def scale_by_percentile(image: np.ndarray, head: np.ndarray) -> np.ndarray:
  """As `scale` does by `percentile`, for images on any grid."""
  top = np.percentile(image[head], CLIP_PERCENTILE)
  if top <= 0:
    raise InputError('nothing above 0 inside the head, expected an image of the same head')
  return _scaled(image, head, top)


def _scaled(image: np.ndarray, head: np.ndarray, top: float) -> np.ndarray:
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
