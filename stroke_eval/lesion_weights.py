"""Which lesions a segmenter should see more of: sizes and arterial territories where it fails.

Take cases that no result is told of: validation cases, never the test cases of a study.
"""

from collections.abc import Sequence

import numpy as np

FROM_ML = (0.0, 5.0, 20.0, 60.0)
OTHER = 'other'
_FEWEST = 3  # Cases that tell something of a size or territory.
_LEAST = 0.05  # None is left out.


def size_weights(
  volumes_ml: Sequence[float], dice: Sequence[float], from_ml: Sequence[float] = FROM_ML
) -> list[list[float]]:
  """Weights for `size_weights` of a `synthetic_stroke` set: 1 less the mean Dice of each size.

    >>> size_weights([1, 2, 3, 30, 40, 50], [0.2, 0.1, 0.3, 0.8, 0.7, 0.9], [0, 20])
    [[0, 0.8], [20, 0.2]]

  Args:
    volumes_ml: Of the true lesions, as `lesion_volume_ml` in `test_cases.csv` of a segmenter's run.
    dice: Of these cases.
    from_ml: Where the sizes begin, rising from 0; the last one has no end.

  Returns:
    A pair of ml and weight for each size; sizes of fewer than 3 cases have that of all cases together.

  Raises:
    ValueError: No case with a lesion, not one Dice for each, values that are not finite, or sizes that
      do not rise from 0.
  """
  volumes, scores = np.asarray(volumes_ml, float), np.asarray(dice, float)
  if volumes.shape != scores.shape:
    raise ValueError(f'{len(scores)} values of Dice, expected one for each of {len(volumes)} volumes')
  if not all(np.isfinite(values).all() for values in (volumes, scores, np.asarray(from_ml, float))):
    raise ValueError('volumes, Dice or from_ml have NaN or infinite values, expected finite ones')
  if not len(from_ml) or from_ml[0] != 0 or sorted(set(from_ml)) != list(from_ml):
    raise ValueError(f'from_ml is {list(from_ml)}, expected ml that rise from 0')
  volumes, scores = volumes[volumes > 0], scores[volumes > 0]
  if not len(volumes):
    raise ValueError('no case with a lesion, expected some')
  size = np.digitize(volumes, from_ml) - 1
  return [[start, _weight(scores[size == i], scores)] for i, start in enumerate(from_ml)]


def territory_weights(territories: Sequence[str], dice: Sequence[float]) -> dict[str, float]:
  """Weights for `territory_weights` of a `synthetic_stroke` set: 1 less the mean Dice of each one.

    >>> territory_weights(['ACA'] * 3 + ['basilar'], [0.8, 0.7, 0.9, 0.2])
    {'ACA': 0.2, 'other': 0.35}

  Args:
    territories: Of the true lesions, as `territory` in `test_cases.csv`; empty in cases without.
    dice: Of these cases.

  Returns:
    A weight for each territory of 3 cases or more, and that of all cases together for the others.

  Raises:
    ValueError: No case with a lesion, not one Dice for each, or values that are not finite.
  """
  places, scores = np.asarray(territories, str), np.asarray(dice, float)
  if places.shape != scores.shape:
    raise ValueError(
      f'{len(scores)} values of Dice, expected one for each of {len(places)} territories'
    )
  if not np.isfinite(scores).all():
    raise ValueError('Dice has NaN or infinite values, expected finite ones')
  places, scores = places[places != ''], scores[places != '']
  if not len(places):
    raise ValueError('no case with a lesion, expected some')
  names, counts = np.unique(places, return_counts=True)
  known = [str(name) for name, count in zip(names, counts) if count >= _FEWEST]
  return {
    **{name: _weight(scores[places == name], scores) for name in known},
    OTHER: _weight([], scores),
  }


def _weight(own: Sequence[float], everyone: np.ndarray) -> float:
  """Of those of a kind, or of everyone where they are too few to tell."""
  mean = np.mean(own if len(own) >= _FEWEST else everyone)
  return round(max(1 - float(mean), _LEAST), 4)
