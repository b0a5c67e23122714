"""What an axial slice with its classes is like, in numbers with names.

| family | names | what it is |
|---|---|---|
| `tissues` | `T1: CSF median`, `T1: CSF spread` | of the intensities in a tissue; median, deviation |
| `texture` | `T1: gradient` | mean length of the gradient in the head, per pixel |
| `layout` | `T1: tile 2, 3` | mean intensity of one of 4 x 4 tiles of the slice |
| `shapes` | `CSF: area` | share of all pixels |
| | `CSF: x`, `CSF: y` | its middle, 0 to 1 |
| | `CSF: edge` | share of its pixels that are at its border; near 1 for salt and pepper |

Each contrast and each tissue has its own; shapes are also of lesions. A tissue of fewer than MIN_PIXELS
pixels has no number but its area (NaN).
"""

import dataclasses
import math

import numpy as np

from stroke_eval.slice_sets import MIN_PIXELS, SliceSet

FAMILIES = ('tissues', 'texture', 'layout', 'shapes')
_N_TILES = 4
_FARTHEST = 5.0  # Deviations, so that no outlier leads.


@dataclasses.dataclass(frozen=True)
class Features:
  """Of n slices.

  Attributes:
    names: p.
    families: Of each name.
    values: [n, p], NaN where there is none.
  """

  names: tuple[str, ...]
  families: tuple[str, ...]
  values: np.ndarray

  def of_family(self, family: str) -> np.ndarray:
    """Columns of a family, bool [p]."""
    return np.array([one == family for one in self.families])


def measure(slices: SliceSet) -> Features:
  """The features of slices, at least one."""
  rows = [_measure(slices, i) for i in range(len(slices))]
  values = np.array([[value for _, _, value in row] for row in rows], float)
  return Features(tuple(name for name, *_ in rows[0]), tuple(one for _, one, _ in rows[0]), values)


def standardised(features: Features, real: Features) -> np.ndarray:
  """Values in deviations of the real ones from their mean, [n, p'].

  A value that a slice lacks is the real median. Features that do not vary among real slices, or that no
  real slice has, are left out; none is farther than 5 deviations from the mean.
  """
  return _standardised(features, real)[:, _varying(real)]


def gaps(features: Features, real: Features) -> dict[str, float]:
  """How far the mean of each feature is from the real one, in real deviations; largest first."""
  varying = _varying(real)
  shift = _standardised(features, real).mean(axis=0) - _standardised(real, real).mean(axis=0)
  order = sorted(np.flatnonzero(varying), key=lambda i: -abs(shift[i]))
  return {real.names[i]: float(shift[i]) for i in order}


def varying_families(real: Features) -> dict[str, np.ndarray]:
  """Family -> its columns among those of `standardised`, bool [p']; without those that have none."""
  varying = _varying(real)
  found = {family: real.of_family(family)[varying] for family in FAMILIES}
  return {family: columns for family, columns in found.items() if columns.any()}


def _standardised(features: Features, real: Features) -> np.ndarray:
  known = np.isfinite(real.values).any(axis=0)
  medians = np.zeros(len(known))
  medians[known] = np.nanmedian(real.values[:, known], axis=0)
  filled = lambda values: np.where(np.isfinite(values), values, medians)
  mean, deviation = filled(real.values).mean(axis=0), filled(real.values).std(axis=0)
  away = (filled(features.values) - mean) / np.where(deviation > 0, deviation, 1)
  return np.clip(away, -_FARTHEST, _FARTHEST)


def _varying(real: Features) -> np.ndarray:
  """Bool [p]."""
  known = np.isfinite(real.values)
  high = np.where(known, real.values, -np.inf).max(axis=0)
  low = np.where(known, real.values, np.inf).min(axis=0)
  return high - low > 1e-6 * np.maximum(np.abs(high), 1e-3)


def _measure(slices: SliceSet, i: int) -> list[tuple[str, str, float]]:
  """Name, family and value of each feature of a slice."""
  ids, found = slices.ids[i], []
  for c, contrast in enumerate(slices.contrasts):
    image = slices.image[i, ..., c].astype(np.float32)
    for number, tissue in slices.classes.tissues.items():
      values = image[ids == number]
      is_there = values.size >= MIN_PIXELS
      for name, of in (('median', np.median), ('spread', np.std)):
        value = float(of(values)) if is_there else math.nan
        found.append((f'{contrast}: {tissue} {name}', 'tissues', value))
    found.append((f'{contrast}: gradient', 'texture', _gradient(image, ids > 0)))
    found += [
      (f'{contrast}: tile {x + 1}, {y + 1}', 'layout', float(tile.mean()))
      for x, column in enumerate(np.array_split(image, _N_TILES, axis=0))
      for y, tile in enumerate(np.array_split(column, _N_TILES, axis=1))
    ]
  for number, name in {**slices.classes.tissues, **slices.classes.lesions}.items():
    of_class = _shape(ids == number)
    found += [(f'{name}: {what}', 'shapes', value) for what, value in of_class.items()]
  return found


def _gradient(image: np.ndarray, head: np.ndarray) -> float:
  return float(np.hypot(*np.gradient(image))[head].mean()) if head.any() else math.nan


def _shape(mask: np.ndarray) -> dict[str, float]:
  n, found = int(mask.sum()), {'area': float(mask.mean())}
  if n < MIN_PIXELS:
    return found | dict.fromkeys(('x', 'y', 'edge'), math.nan)
  x, y = (axis.mean() / size for axis, size in zip(np.nonzero(mask), mask.shape))
  padded = np.pad(mask, 1)
  inner = mask & padded[2:, 1:-1] & padded[:-2, 1:-1] & padded[1:-1, 2:] & padded[1:-1, :-2]
  return found | {'x': float(x), 'y': float(y), 'edge': float(1 - inner.sum() / n)}
