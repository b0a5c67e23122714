"""A translated volume against the real one of the same labels, in numbers.

Intensities lie in [0, 1]; volumes are [X, Y, Z], masks 0 or 1 of the same shape. A mean over no voxel
is NaN.
"""

import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from scipy import ndimage

from stroke_eval.lesion_contrast import lesion_excess
from stroke_eval.plain_values import plain

# A volume that flickers more, or less, than this beside the real one is no likeness of it.
FLICKER_RANGE = (0.9, 1.1)
# Of Wang et al. 2003, finest scale first.
_MS_SSIM_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
_SSIM_WINDOW = 11


@dataclasses.dataclass(frozen=True)
class Anatomy:
  """Label ids that the scores need.

  Attributes:
    parenchyma_ids: Where a lesion can be.
    white_matter_ids: The tissue whose grain is measured.
  """

  parenchyma_ids: tuple[int, ...]
  white_matter_ids: tuple[int, ...]

  @classmethod
  def of(cls, label_scheme: Mapping[str, Any]) -> 'Anatomy':
    """Reads the ids off a label scheme; white matter is the cerebral one, by its name."""
    names = label_scheme['names']
    white = tuple(i for i, name in enumerate(names) if 'cerebral white matter' in name)
    return cls(tuple(label_scheme['parenchyma_ids']), white)


@dataclasses.dataclass(frozen=True)
class Scores:
  """One translated volume, or the mean over several; NaN for what could not be measured.

  Attributes:
    l1: Mean absolute difference from the real image in the brain, intensities in [0, 1].
    ms_ssim: Multi-scale structural similarity, mean of the slices that hold brain.
    lesion_excess: By how much the lesion is brighter than healthy parenchyma, relative to it.
    flicker: Mean difference of neighbouring slices in the brain, relative to the real volume.
    grain: Deviation of the finest detail in white matter, relative to the real volume.
    diversity: Mean absolute difference in the brain of two draws; NaN for a translator without latent.
  """

  l1: float
  ms_ssim: float
  lesion_excess: float
  flicker: float
  grain: float
  diversity: float

  def to_json(self) -> dict[str, float | None]:
    """Rounded, None for what could not be measured."""
    return plain(dataclasses.asdict(self))


def score(
  example: Mapping[str, np.ndarray],
  translated: np.ndarray,
  redrawn: np.ndarray | None,
  anatomy: Anatomy,
) -> Scores:
  """Scores one case; of several contrasts the first.

  Args:
    example: Of the contract, with a lesion.
    translated: The translation of its labels and lesion, [X, Y, Z, C] in [0, 1].
    redrawn: The same with another latent, or None.
    anatomy: Of its label scheme.
  """
  real, image = first_contrast(example['image']), first_contrast(translated)
  brain, white = example['labels'] > 0, tissue(example, anatomy.white_matter_ids)
  shown = brain.any(axis=(0, 1))
  slices = lambda volume: volume.transpose(2, 0, 1)[shown, ..., np.newaxis]
  ratio = lambda measure, where: _ratio(measure(image, where), measure(real, where))
  return Scores(
    l1=mean_difference(real, image, brain),
    ms_ssim=float(np.mean(ms_ssim(slices(real), slices(image)))),
    lesion_excess=lesion_excess(image, example['lesion'], parenchyma(example, anatomy)),
    flicker=ratio(slice_difference, brain),
    grain=ratio(grain, white),
    diversity=math.nan if redrawn is None else mean_difference(image, first_contrast(redrawn), brain),
  )


def mean_scores(scores: Sequence[Scores]) -> Scores:
  """Mean over cases, each number over the cases in which it could be measured."""
  names = [field.name for field in dataclasses.fields(Scores)]
  return Scores(**{name: finite_mean(getattr(s, name) for s in scores) for name in names})


def finite_mean(values: Iterable[float]) -> float:
  finite = [value for value in values if math.isfinite(value)]
  return float(np.mean(finite)) if finite else math.nan


def tissue(example: Mapping[str, np.ndarray], ids: Sequence[int]) -> np.ndarray:
  """Where the labels are some ids and there is no lesion, bool (X, Y, Z)."""
  return np.isin(example['labels'], ids) & (example['lesion'] == 0)


def parenchyma(example: Mapping[str, np.ndarray], anatomy: Anatomy) -> np.ndarray:
  """Where the labels are parenchyma, with or without the lesion, bool (X, Y, Z)."""
  return np.isin(example['labels'], anatomy.parenchyma_ids)


def first_contrast(image: np.ndarray) -> np.ndarray:
  """[X, Y, Z, C] to its first contrast, float32 [X, Y, Z]."""
  return np.asarray(image[..., 0], np.float32)


def mean_difference(truth: np.ndarray, image: np.ndarray, inside: np.ndarray) -> float:
  """Mean absolute difference of two volumes inside a mask."""
  return _mean(np.abs(image - truth)[inside > 0])


def ms_ssim(truth: np.ndarray, image: np.ndarray) -> np.ndarray:
  """Multi-scale structural similarity of slices, float [n, X, Y, C] -> [n]; 1 for equal slices.

  Each scale halves the slice, and the window of 11 pixels must fit into the last. Small slices have
  fewer scales than the standard five: four at 128 x 128, three at 64 x 64. The standard weights of
  those that are left are divided by their sum, so compare values only at one slice size.

  Raises:
    ValueError: Slices smaller than the window.
  """
  import tensorflow as tf  # The only measure here that needs it.

  smallest = min(truth.shape[1:3])
  if smallest < _SSIM_WINDOW:
    raise ValueError(f'slices are {truth.shape[1:3]}, expected at least {_SSIM_WINDOW} pixels')
  weights = [w for i, w in enumerate(_MS_SSIM_WEIGHTS) if smallest // 2**i >= _SSIM_WINDOW]
  weights = [w / sum(weights) for w in weights]
  slices = (tf.constant(x, tf.float32) for x in (truth, image))
  return tf.image.ssim_multiscale(*slices, 1.0, weights, filter_size=_SSIM_WINDOW).numpy()


def slice_difference(image: np.ndarray, inside: np.ndarray) -> float:
  """Mean absolute difference of neighbouring slices where both are inside a mask.

  Anatomy makes some of it; where it is much higher than in real images, the volume flickers.
  """
  both = (inside[..., 1:] > 0) & (inside[..., :-1] > 0)
  return _mean(np.abs(np.diff(image, axis=-1))[both])


def grain(image: np.ndarray, inside: np.ndarray) -> float:
  """Standard deviation of what a mean over 3 x 3 pixels in plane takes away, in one tissue.

  Counted are the voxels whose whole 3 x 3 neighbourhood is that tissue, so that no border of
  structures is taken for grain. Independent noise of deviation s gives s * sqrt(8 / 9).
  """
  detail = image - ndimage.uniform_filter(np.asarray(image, float), (3, 3, 1))
  pure = ndimage.binary_erosion(inside > 0, np.ones((3, 3, 1)))
  return float(np.std(detail[pure])) if pure.any() else math.nan


def _ratio(part: float, whole: float) -> float:
  return part / whole if whole else math.nan


def _mean(values: np.ndarray) -> float:
  return float(np.mean(values, dtype=float)) if values.size else math.nan
