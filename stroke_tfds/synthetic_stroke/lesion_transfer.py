"""A lesion in a real scan: of a translation, only what the lesion changes in it.

Translators that are trained on the mean draw an average of many scans, others one that is a little
too smooth. What a scan has by chance, such as bright tissue beside air, is missing in both, so that a
segmenter which learns from translations alone takes it for lesions.
"""

from collections.abc import Sequence

import numpy as np
from scipy import ndimage

from stroke_tfds.imaging.brightness import with_neighbours

_SIGMA_MM, _STEEPNESS = 3.0, 4.0  # The change fades out beside the lesion, over about 6 mm.
_MOST = 4.0  # Times brighter or darker.
_DARK = 0.02  # Keeps quotients of black voxels near 1.
_LEAST_VOXELS = 50  # A slice with less parenchyma is taken as it is.


def transfer(
  scan: np.ndarray,
  labels: np.ndarray,
  lesion: np.ndarray,
  with_lesion: np.ndarray,
  without: np.ndarray,
  *,
  parenchyma_ids: Sequence[int],
  spacing_mm: Sequence[float],
) -> np.ndarray:
  """Multiplies the scan by the quotient of two translations, in the lesion and just beside it.

  The whole change is put into the lesion and the voxels that touch it, which in thick slices alone are
  near it; farther away it fades out, and outside the brain there is none.

  Args:
    scan: Of the healthy subject, in [0, 1], float [X, Y, Z, C].
    labels: Its label map, uint8 [X, Y, Z].
    lesion: 0 or 1 [X, Y, Z].
    with_lesion: Translation of the label map with the lesion, in [0, 1], float [X, Y, Z, C].
    without: Translation of the label map as it is, by the same latent.
    parenchyma_ids: Labels of the tissue in which slices of the two are compared.
    spacing_mm: Voxel size.

  Returns:
    float32 [X, Y, Z, C], at least 0; above 1 where a lesion is brighter than all in the scan.
  """
  is_lesion = lesion[..., np.newaxis] > 0
  healthy = np.isin(labels, parenchyma_ids)[..., np.newaxis] & ~is_lesion
  total = lambda image: np.where(healthy, image, 0).sum(axis=(0, 1), dtype=np.float64)
  before, after = total(without), total(with_lesion)
  # Translators paint slices with a lesion darker, see keras_itm.slice_brightness.
  is_known = (healthy.sum(axis=(0, 1)) >= _LEAST_VOXELS) & (before > 0) & (after > 0)
  gain = np.divide(after, before, out=np.ones_like(before), where=is_known)
  change = np.clip((with_lesion + _DARK) / (gain * without + _DARK), 1 / _MOST, _MOST)
  sigma = _SIGMA_MM / np.asarray(spacing_mm)
  fading = _STEEPNESS * ndimage.gaussian_filter((lesion > 0).astype(np.float32), sigma)
  share = np.where(with_neighbours(lesion), 1, np.minimum(fading, 1)) * (labels > 0)
  return (scan * (1 + share[..., np.newaxis] * (change - 1))).astype(np.float32)
