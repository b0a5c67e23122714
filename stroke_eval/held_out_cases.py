"""A segmenter on its held-out cases, one by one."""

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from keras_itm.lesions import classify
from stroke_eval import segmentation
from stroke_tfds.class_maps import ClassMap
from stroke_tfds.errors import InputError
from stroke_tfds.imaging.grid import Grid
from stroke_tfds.label_schemes import lesion_regions
from stroke_tfds.phantom.territories import main_territory

# Scan [X, Y, Z, C], as stored -> probability of a lesion [X, Y, Z], or of each class of lesions, none
# the first, [X, Y, Z, K].
Predict = Callable[[np.ndarray], np.ndarray]
# True mask [X, Y, Z] and probability [X, Y, Z] -> named losses of the case.
Losses = Callable[[np.ndarray, np.ndarray], Mapping[str, float]]
Row = dict[str, str | float]


@dataclasses.dataclass(frozen=True)
class Results:
  """What a segmenter did on the held-out cases.

  Attributes:
    rows: One per case: subject_id, territory (that which holds most of the lesion) and what
      `segmentation.measure` says; where lesions have classes and a segmenter tells them apart, also
      Dice of each class and union, as `dice_necrotic_core`.
    masks: Subject -> predicted mask, uint8 [X, Y, Z].
    losses: Means over the scored cases; empty where no losses were asked for.
  """

  rows: list[Row]
  masks: dict[str, np.ndarray]
  losses: dict[str, float]


class HeldOutCases:
  """Cases in memory, in the order in which they come; measures any function of one scan:

    cases = HeldOutCases(tfds.as_numpy(dataset), grid, min_voxels=20)
    results = cases.measure(lambda image: model.predict(image[np.newaxis])[0])

  Args:
    examples: With subject_id (bytes), image [X, Y, Z, C] and lesion [X, Y, Z]; kept as they are.
    grid: Where the voxels are.
    min_voxels: Cases with a smaller lesion are left out of means, not of the rows.
    name: Of the cases, for the error.
    label_scheme: JSON fields of that of the examples' labels, for classes of lesions; none when None.

  Raises:
    InputError: No case has a lesion as large as that.
  """

  def __init__(
    self,
    examples: Iterable[Mapping[str, Any]],
    grid: Grid,
    min_voxels: int,
    name: str = 'held-out set',
    label_scheme: Mapping[str, Any] | None = None,
  ):
    examples = list(examples)
    self._subjects = [example['subject_id'].decode() for example in examples]
    self._images = [example['image'] for example in examples]
    self._lesions = [example['lesion'] for example in examples]
    self._is_scored = np.array([lesion.sum() >= max(min_voxels, 1) for lesion in self._lesions])
    if not self._is_scored.any():
      raise InputError(
        f'{name} has no lesion of {max(min_voxels, 1)} voxels or more, expected some to measure Dice on'
      )
    self._grid = grid
    # Empty without lesion.
    self._territories = [main_territory(mask, grid) if mask.any() else '' for mask in self._lesions]
    self._regions = lesion_regions(label_scheme or {})
    self._classes = []
    if label_scheme and self._regions:
      classes = ClassMap.from_scheme(label_scheme, groups={})
      self._classes = [classes.classes(example).numpy() for example in examples]

  def mean_losses(self, predict: Predict, losses: Losses) -> dict[str, float]:
    """Means over the scored cases, for learning curves."""
    scored = np.flatnonzero(self._is_scored)
    return _means([losses(self._lesions[i], _any_lesion(predict(self._images[i]))) for i in scored])

  def measure(self, predict: Predict, losses: Losses | None = None) -> Results:
    """Segments and measures every case; with `losses` it also has what mean_losses gives."""
    rows, masks, of_scored = [], {}, []
    for i, (subject, truth) in enumerate(zip(self._subjects, self._lesions)):
      probability = predict(self._images[i])
      if losses and self._is_scored[i]:
        of_scored.append(losses(truth, _any_lesion(probability)))
      found = classify(probability).numpy()
      masks[subject] = (found > 0).astype(np.uint8)
      numbers = segmentation.measure(truth, masks[subject], self._grid.spacing_mm)
      if self._regions and probability.ndim > found.ndim:
        dice = segmentation.region_dice(self._classes[i], found, self._regions)
        numbers |= {segmentation.region_column(region): value for region, value in dice.items()}
      numbers = {name: round(value, 6) for name, value in numbers.items()}
      rows.append({'subject_id': subject, 'territory': self._territories[i], **numbers})
    return Results(rows, masks, _means(of_scored))

  def mean_dice(self, rows: list[Row]) -> float:
    """Over the scored cases."""
    scored = [float(row['dice']) for row, is_scored in zip(rows, self._is_scored) if is_scored]
    return float(np.mean(scored))


def _any_lesion(probability: np.ndarray) -> np.ndarray:
  """Of classes, of which the first is none, the sum of the others; [X, Y, Z]."""
  return probability if probability.ndim == 3 else probability[..., 1:].sum(axis=-1)


def _means(losses: list[Mapping[str, float]]) -> dict[str, float]:
  return {name: float(np.mean([one[name] for one in losses])) for name in (losses or [{}])[0]}
