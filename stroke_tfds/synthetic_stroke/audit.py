"""Rejects synthetic cases that copy a training case, or whose image and mask do not agree.

| reason | a case is rejected where |
|---|---|
| `no image` | it is not finite, or healthy parenchyma is all of one value in some contrast |
| `copied lesion` | its lesion overlaps a training lesion far more than those of two people do |
| `copied image` | so does its image, whole |
| `copied surroundings` | so does its image around the lesion |
| `cut lesion` | more of the lesion fell outside parenchyma than of real ones put into other brains |
| `faint lesion` | on a DWI, the lesion stands out less from what is around it than real ones |
| `bright tissue` | a larger bright part lies outside the mask than in real scans |

Limits come from the training cases themselves, each held against all others: no two of them are copies.
Copies lie at less than half of the distance at which the nearest of real people come, by default those
of one in twenty (`nearest_quantile`); the other limits are quantiles as they are (`fidelity_quantile`).
"""

import collections
import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from keras_itm.case import Case
from keras_itm.synthesis import is_image
from stroke_tfds.errors import InputError
from stroke_tfds.imaging.grid import Grid
from stroke_tfds.sources import MIN_VOXELS
from stroke_tfds.synthetic_stroke import fidelity
from stroke_tfds.synthetic_stroke.nearest_image import NearestImage
from stroke_tfds.synthetic_stroke.nearest_lesion import NearestLesion
from stroke_tfds.synthetic_stroke.training_cases import Key, RealCase

DWI = 'DWI'  # The contrast on which an acute lesion is bright.
_COPY = 0.5  # Of the distance between people.
_MOST_COMPARED = 100  # Images with one another; all else is measured of all cases.
_NO_IMAGE = 'no image'
# Measure -> what a case with too little of it is rejected for; with too much in the case of _UPPER.
_REASONS = {
  'lesion_distance': 'copied lesion',
  'image_distance': 'copied image',
  'surroundings_distance': 'copied surroundings',
  'kept_share': 'cut lesion',
  'lesion_to_ring': 'faint lesion',
  'bright_voxels': 'bright tissue',
}
# Of a scan that is kept a case has these as the scan has them.
_OF_THE_SCAN = ('image_distance', 'surroundings_distance', 'bright_voxels')
_UPPER, _DISTANCES = ('bright_voxels',), tuple(name for name in _REASONS if 'distance' in name)


@dataclasses.dataclass(frozen=True)
class _Judged:
  """What is measured of a case.

  Attributes:
    image: float32 [X, Y, Z, C]; None where there is none.
    labels: uint8 [X, Y, Z].
    lesion: 0 or 1 [X, Y, Z].
    generated: The lesion before its part outside parenchyma was cut away.
    same_anatomy: The training case that the image is not compared with.
    same_lesion: The training case that the lesion is not compared with.
  """

  image: np.ndarray | None
  labels: np.ndarray
  lesion: np.ndarray
  generated: np.ndarray
  same_anatomy: Key
  same_lesion: Key | None = None


class Audit:
  """Limits of a pair of generators, from the cases that both learnt from.

  Attributes:
    limits: Measure -> the least of it, or the most for bright voxels; NaN where nothing is asked for.
    n_training: Training cases.
  """

  def __init__(
    self,
    training: Iterable[RealCase],
    grid: Grid,
    scheme: Mapping[str, Any],
    contrasts: Sequence[str],
    *,
    nearest_quantile: float,
    fidelity_quantile: float,
  ):
    """Goes over the training cases twice.

    Args:
      training: Can be gone over again.
      grid: Where all voxels are.
      scheme: `label_scheme` of a data set's metadata.
      contrasts: Of the images.
      nearest_quantile: Of the distances of real people.
      fidelity_quantile: Of all else.

    Raises:
      InputError: Too few cases to say how near people come.
    """
    self._grid, self._parenchyma_ids = grid, scheme['parenchyma_ids']
    self._dwi = list(contrasts).index(DWI) if DWI in contrasts else None
    self._lesions = NearestLesion(grid.shape, grid.spacing_mm)
    self._images = NearestImage(grid)
    self.n_training = 0
    for case in training:
      self._learn(case)
    for what, learnt in (('lesion', self._lesions), ('image', self._images)):
      if len(learnt) < 2:
        raise InputError(
          f'the generators learnt from {len(learnt)} {what}(s), expected at least 2 to say how near '
          'people come to one another; or give "audit": false'
        )
    self.limits = self._calibrate(training, nearest_quantile, fidelity_quantile)

  def reason(self, case: Case, parent: Key, scan: np.ndarray | None = None) -> str:
    """What a case is rejected for, '' for none.

    Args:
      case: A synthetic case.
      parent: Data set and subject that gave the anatomy. Their image is meant to be like this one.
      scan: Their image, where the case keeps it, [X, Y, Z, C]: how near that comes to others, and what
        is bright in it, is not the translator's.
    """
    image = case.image.astype(np.float32)
    if not is_image(image, case.labels, case.lesion, self._parenchyma_ids):
      return _NO_IMAGE
    judged = _Judged(image, case.labels, case.lesion, case.generated, parent)
    found = self._measure(judged)
    limits = dict(self.limits)
    if scan is not None:
      own = self._measure(dataclasses.replace(judged, image=scan.astype(np.float32)))
      limits |= {name: _laxer(name, limits[name], own.get(name, np.nan)) for name in _OF_THE_SCAN}
    for name, limit in limits.items():
      value = found.get(name, np.nan)
      if (value > limit) if name in _UPPER else (value < limit):
        return _REASONS[name]
    return ''

  def report(self, rejected: Mapping[str, int]) -> dict[str, Any]:
    """For the metadata of a set: the limits, and how many cases were rejected for what."""
    limits = {name: round(limit, 4) for name, limit in self.limits.items() if np.isfinite(limit)}
    return {'n_training': self.n_training, 'limits': limits, 'rejected': dict(sorted(rejected.items()))}

  def _learn(self, case: RealCase) -> None:
    self.n_training += 1
    if np.count_nonzero(case.lesion) >= MIN_VOXELS:
      self._lesions.add(case.key, case.lesion)
    if case.image is not None:
      self._images.add(case.key, case.image, case.labels)

  def _calibrate(
    self, training: Iterable[RealCase], nearest_quantile: float, fidelity_quantile: float
  ) -> dict[str, float]:
    measured = collections.defaultdict(list)
    every = -(-self.n_training // _MOST_COMPARED)
    other = None
    for i, case in enumerate(training):
      lesion = case.lesion if np.count_nonzero(case.lesion) >= MIN_VOXELS else 0 * case.lesion
      judged = _Judged(case.image, case.labels, lesion, lesion, case.key, case.key)
      found = self._measure(judged, with_images=i % every == 0)
      # As the lesion would be cut in the brain of another.
      cut = lesion * self._parenchyma(case.labels if other is None else other)
      found['kept_share'], other = _kept_share(lesion, cut), case.labels
      for name, value in found.items():
        measured[name].append(value)
    quantiles = dict.fromkeys(_REASONS, fidelity_quantile) | dict.fromkeys(_DISTANCES, nearest_quantile)
    quantiles |= dict.fromkeys(_UPPER, 1 - fidelity_quantile)
    limits = {name: _quantile(measured[name], at) for name, at in quantiles.items()}
    return {name: limit * (_COPY if name in _DISTANCES else 1) for name, limit in limits.items()}

  def _measure(self, case: _Judged, with_images: bool = True) -> dict[str, float]:
    masks = (case.generated, case.lesion)
    found = {
      'kept_share': _kept_share(case.generated, case.lesion),
      'lesion_distance': min(self._lesions.distance(one, case.same_lesion) for one in masks),
    }
    if case.image is not None and with_images:
      whole, around = self._images.distances(case.image, case.lesion, case.same_anatomy)
      found |= {'image_distance': whole, 'surroundings_distance': around}
    if case.image is not None and self._dwi is not None:
      parenchyma, spacing_mm = self._parenchyma(case.labels), self._grid.spacing_mm
      dwi = case.image[..., self._dwi]
      found['lesion_to_ring'] = fidelity.lesion_to_ring(dwi, case.lesion, parenchyma, spacing_mm)
      found['bright_voxels'] = self._bright_voxels(case.image, case.labels, case.lesion)
    return found

  def _bright_voxels(self, image: np.ndarray, labels: np.ndarray, lesion: np.ndarray) -> float:
    dwi = image[..., self._dwi]
    return fidelity.largest_bright_voxels(dwi, lesion, self._parenchyma(labels))

  def _parenchyma(self, labels: np.ndarray) -> np.ndarray:
    return np.isin(labels, self._parenchyma_ids)


def _kept_share(generated: np.ndarray, lesion: np.ndarray) -> float:
  n_generated = np.count_nonzero(generated)
  return np.count_nonzero(lesion) / n_generated if n_generated else np.nan


def _laxer(name: str, limit: float, own: float) -> float:
  """The limit, or what the scan itself has if that lies beyond it; NaN where either is."""
  return float((np.maximum if name in _UPPER else np.minimum)(limit, own))


def _quantile(values: Sequence[float], at: float) -> float:
  known = [value for value in values if np.isfinite(value)]
  return float(np.quantile(known, at)) if len(known) > 1 else np.nan
