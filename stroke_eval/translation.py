"""A translated volume against the real one of the same labels, in numbers."""

import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from stroke_eval import image_similarity

# A volume that flickers more, or less, than this beside the real one is no likeness of it.
FLICKER_RANGE = (0.9, 1.1)


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
    lesion_contrast: By how much the lesion is brighter than healthy parenchyma, relative to it.
    flicker: Mean difference of neighbouring slices in the brain, relative to the real volume.
    grain: Deviation of the finest detail in white matter, relative to the real volume.
    diversity: Mean absolute difference in the brain of two draws; NaN for a translator without latent.
  """

  l1: float
  ms_ssim: float
  lesion_contrast: float
  flicker: float
  grain: float
  diversity: float

  def to_json(self) -> dict[str, float | None]:
    """Rounded, None for what could not be measured."""
    plain = lambda value: round(value, 6) if math.isfinite(value) else None
    return {name: plain(value) for name, value in dataclasses.asdict(self).items()}


def score(
  example: Mapping[str, np.ndarray],
  made: np.ndarray,
  again: np.ndarray | None,
  anatomy: Anatomy,
) -> Scores:
  """Scores one case; of several contrasts the first.

  Args:
    example: Of the contract, with a lesion.
    made: The translation of its labels and lesion, [X, Y, Z, C] in [0, 1].
    again: The same with another latent, or None.
    anatomy: Of its label scheme.
  """
  real, made = first_contrast(example['image']), first_contrast(made)
  brain, white = example['labels'] > 0, tissue(example, anatomy.white_matter_ids)
  shown = brain.any(axis=(0, 1))
  slices = lambda volume: volume.transpose(2, 0, 1)[shown, ..., np.newaxis]
  ratio = lambda measure, where: measure(made, where) / measure(real, where)
  values = {
    'l1': image_similarity.mean_difference(real, made, brain),
    'ms_ssim': np.mean(image_similarity.ms_ssim(slices(real), slices(made))),
    'lesion_contrast': lesion_contrast(example, made, anatomy),
    'flicker': ratio(image_similarity.slice_difference, brain),
    'grain': ratio(image_similarity.grain, white),
    'diversity': np.nan
    if again is None
    else image_similarity.mean_difference(made, first_contrast(again), brain),
  }
  return Scores(**{name: float(value) for name, value in values.items()})


def lesion_contrast(example: Mapping[str, np.ndarray], image: np.ndarray, anatomy: Anatomy) -> float:
  """Contrast of the example's lesion in an image (X, Y, Z), real or made."""
  parenchyma = np.isin(example['labels'], anatomy.parenchyma_ids)
  return float(image_similarity.lesion_contrast(image, example['lesion'], parenchyma))


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


def first_contrast(image: np.ndarray) -> np.ndarray:
  """[X, Y, Z, C] to its first contrast, float32 [X, Y, Z]."""
  return np.asarray(image[..., 0], np.float32)
