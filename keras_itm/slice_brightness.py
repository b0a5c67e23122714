"""One brightness for all slices of a translated volume.

A translator sees one slice at a time. Where intensities are scaled by a percentile, which a large
lesion raises, a volume with one is dark elsewhere; so it paints slices through a lesion darker than the
slices beside them, which no scan shows and segmenters take for lesions.
"""

from collections.abc import Sequence

import numpy as np

from keras_itm.intensity_scaling import PERCENTILE, scale

_LEAST_VOXELS = 50  # A slice with less parenchyma, or a black one, takes its neighbours' gain.
_ROUNDS = 50


def equalize_slice_brightness(
  image: np.ndarray,
  labels: np.ndarray,
  lesion: np.ndarray,
  parenchyma_ids: Sequence[int],
  intensity_scaling: str = PERCENTILE,
  tissue: np.ndarray | None = None,
) -> np.ndarray:
  """Divides every slice by its gain, then scales the volume as a real scan is scaled.

  Args:
    image: Translated volume in [0, 1], float [X, Y, Z, C]; each contrast is levelled by itself.
    labels: Label map, uint8 [X, Y, Z].
    lesion: 0 or 1 [X, Y, Z]; gains are measured outside.
    parenchyma_ids: Labels of the tissue that gains are measured in.
    intensity_scaling: `percentile` or `parenchyma_median`, see `keras_itm.intensity_scaling`.
    tissue: Where the median is measured, bool [X, Y, Z]; the map's parenchyma when None.

  Returns:
    float32 [X, Y, Z, C] in [0, 1]; the image itself where no slice holds enough parenchyma.
  """
  parenchyma = np.isin(labels, parenchyma_ids)
  healthy = parenchyma & (lesion == 0)
  tissue = parenchyma if tissue is None else tissue
  levelled = np.empty(image.shape, np.float32)
  for c in range(image.shape[-1]):
    gains = slice_gains(image[..., c], labels, healthy)
    if gains is None:
      levelled[..., c] = image[..., c]
      continue
    levelled[..., c] = scale(image[..., c] / gains, labels > 0, tissue, intensity_scaling)
  return levelled


def slice_gains(image: np.ndarray, labels: np.ndarray, inside: np.ndarray) -> np.ndarray | None:
  """How much brighter each axial slice is than its tissue lets expect.

  Fits image = gain of the slice x mean of the label by turns, so that slices of other tissue, such as
  those through the cerebellum, keep their own brightness.

  Args:
    image: [X, Y, Z].
    labels: uint8 [X, Y, Z].
    inside: Voxels to measure in, bool [X, Y, Z].

  Returns:
    float64 [Z]; None where no slice holds enough to measure.
  """
  n_slices = image.shape[2]
  cell = np.ravel_multi_index((np.nonzero(inside)[2], labels[inside]), (n_slices, 256))
  tally = lambda values=None: np.bincount(cell, values, n_slices * 256).reshape(n_slices, 256)
  # Of each slice and label.
  n_voxels, sums = tally(), tally(image[inside].astype(np.float64))
  is_known = (n_voxels.sum(axis=1) >= _LEAST_VOXELS) & (sums.sum(axis=1) > 0)
  if not is_known.any():
    return None
  # Slices whose gain is not measured say nothing of the tissue either.
  n_voxels, sums = n_voxels[is_known], sums[is_known]
  gains = np.ones(len(sums))
  for _ in range(_ROUNDS):
    means = (sums / gains[:, np.newaxis]).sum(axis=0) / np.maximum(n_voxels.sum(axis=0), 1)
    gains = sums.sum(axis=1) / (n_voxels @ means)
  return np.interp(np.arange(n_slices), np.flatnonzero(is_known), gains)
