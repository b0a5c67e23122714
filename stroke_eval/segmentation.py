"""How well a predicted lesion mask, or map of its classes, fits the true one, case by case in NumPy.

A lesion is a component of a mask, 26-connected. A true lesion is found when the prediction holds any of
its voxels; a predicted one is false when it holds no voxel of the truth. Precision, recall and F1 count
both as the ISLES challenge does: found / (found + false), found / true, and their harmonic mean.

Masks without a voxel:

| true mask | predicted mask | Dice, precision, recall, F1 | Hausdorff distance |
|---|---|---|---|
| empty | empty | 1 | 0 |
| empty | some voxels | 0 | the grid's diagonal |
| some voxels | empty | 0 | the grid's diagonal |

No distance inside the grid exceeds its diagonal, so that predicting nothing never looks good.
Differences of volume and of count need no rule.
"""

import math
from collections.abc import Mapping, Sequence

import cc3d
import numpy as np
import surface_distance

_PERCENT = 95


def measure(truth: np.ndarray, prediction: np.ndarray, spacing_mm: Sequence[float]) -> dict[str, float]:
  """Measures one case.

  Args:
    truth: True mask, bool or uint8 [X, Y, Z], 0 outside the lesion.
    prediction: Predicted mask, the same.
    spacing_mm: Edges of a voxel along X, Y and Z.

  Returns:
    lesion_volume_ml, lesion_voxels: Of the true mask.
    predicted_volume_ml: Of the predicted mask.
    dice: Of the voxels, in [0, 1].
    lesion_precision, lesion_recall, lesion_f1: Of whole lesions, in [0, 1].
    volume_difference_ml, count_difference: Of the masks' volumes and numbers of lesions, without sign.
    hausdorff95_mm: The larger of the two 95th percentiles of distance from one mask's surface to the
      other's, weighted by area.

  Raises:
    ValueError: Masks that are not bool or uint8 of one shape [X, Y, Z], or a spacing that is not three
      numbers > 0.
  """
  truth, prediction = _check_mask('truth', truth), _check_mask('prediction', prediction)
  if truth.shape != prediction.shape:
    raise ValueError(f'prediction is {prediction.shape}, expected the shape of truth: {truth.shape}')
  if len(spacing_mm) != 3 or not all(0 < edge < math.inf for edge in spacing_mm):
    raise ValueError(f'spacing_mm is {spacing_mm}, expected three numbers > 0')
  voxel_ml = math.prod(spacing_mm) / 1000
  true_voxels, predicted_voxels = int(truth.sum()), int(prediction.sum())
  return {
    'lesion_volume_ml': true_voxels * voxel_ml,
    'lesion_voxels': float(true_voxels),
    'predicted_volume_ml': predicted_voxels * voxel_ml,
    'dice': _ratio(2 * int((truth & prediction).sum()), true_voxels + predicted_voxels, 1.0),
    **_lesion_scores(truth, prediction),
    'volume_difference_ml': abs(true_voxels - predicted_voxels) * voxel_ml,
    'hausdorff95_mm': _hausdorff95(truth, prediction, spacing_mm),
  }


def region_column(region: str, measure: str = 'dice') -> str:
  """What a measure of a region of the lesion is called in tables, such as `dice_tumour_core`."""
  return f'{measure}_{region.replace(" ", "_")}'


def region_dice(
  truth: np.ndarray, prediction: np.ndarray, regions: Mapping[str, Sequence[int]]
) -> dict[str, float]:
  """Dice of each region of a lesion that has several classes.

  Args:
    truth: Class of each voxel, 0 outside the lesion; whole numbers, any shape.
    prediction: The same.
    regions: Classes that make each region; one for a class by itself, several for a union, such as
      `stroke_tfds.label_schemes.TUMOUR_REGIONS`.

  Returns:
    Dice in [0, 1] by region; 1 where neither map has it and 0 where one alone has.

  Raises:
    ValueError: Maps that are not of whole numbers and one shape, or a region without a class or with
      the class 0.
  """
  for name, classes in (('truth', truth), ('prediction', prediction)):
    if classes.dtype.kind not in 'iu' or classes.shape != truth.shape:
      raise ValueError(
        f'{name} is {classes.dtype} {classes.shape}, expected whole numbers of shape {truth.shape}'
      )
  found = {}
  for name, members in regions.items():
    if not members or min(members) < 1:
      raise ValueError(f'region {name!r} has the classes {list(members)}, expected some from 1')
    true, predicted = np.isin(truth, members), np.isin(prediction, members)
    shared, total = int((true & predicted).sum()), int(true.sum()) + int(predicted.sum())
    found[name] = _ratio(2 * shared, total, 1.0)
  return found


def _check_mask(name: str, mask: np.ndarray) -> np.ndarray:
  if mask.ndim != 3 or mask.dtype not in (np.uint8, np.bool_):
    raise ValueError(f'{name} is {mask.dtype} {mask.shape}, expected bool or uint8 [X, Y, Z]')
  return mask.astype(bool)


def _lesion_scores(truth: np.ndarray, prediction: np.ndarray) -> dict[str, float]:
  true_labels, n_true = _components(truth)
  predicted_labels, n_predicted = _components(prediction)
  found = np.unique(true_labels[truth & prediction]).size
  false = n_predicted - np.unique(predicted_labels[truth & prediction]).size
  nothing = float(n_true == n_predicted == 0)
  return {
    'lesion_precision': _ratio(found, found + false, nothing),
    'lesion_recall': _ratio(found, n_true, nothing),
    'lesion_f1': _ratio(2 * found, found + false + n_true, nothing),
    'count_difference': float(abs(n_true - n_predicted)),
  }


def _components(mask: np.ndarray) -> tuple[np.ndarray, int]:
  return cc3d.connected_components(mask, connectivity=26, return_N=True)


def _hausdorff95(truth: np.ndarray, prediction: np.ndarray, spacing_mm: Sequence[float]) -> float:
  if not truth.any() and not prediction.any():
    return 0.0
  if not truth.any() or not prediction.any():
    return math.hypot(*(n * edge for n, edge in zip(truth.shape, spacing_mm)))
  # The library crops the masks to the box that holds both.
  distances = surface_distance.compute_surface_distances(truth, prediction, spacing_mm)
  return float(surface_distance.compute_robust_hausdorff(distances, _PERCENT))


def _ratio(part: int, whole: int, of_nothing: float) -> float:
  return part / whole if whole else of_nothing
