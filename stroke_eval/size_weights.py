"""Which sizes of lesions a segmenter should see more of: those where it fails."""

from collections.abc import Sequence

import numpy as np

FROM_ML = (0.0, 5.0, 20.0, 60.0)
_FEWEST = 3  # Cases that tell something of a size.
_LEAST = 0.05  # No size is left out.


def size_weights(
  volumes_ml: Sequence[float], dice: Sequence[float], from_ml: Sequence[float] = FROM_ML
) -> list[list[float]]:
  """Weights for `size_weights` of a `synthetic_stroke` set: 1 less the mean Dice of each size.

  Take cases that no result is told of: validation cases, never the test cases of a study.

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
  weights = []
  for i, start in enumerate(from_ml):
    own = scores[size == i]
    mean = own.mean() if len(own) >= _FEWEST else scores.mean()
    weights.append([start, round(max(1 - float(mean), _LEAST), 4)])
  return weights
