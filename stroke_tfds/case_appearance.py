"""Numbers of a case that its label map does not tell, for translators that learn with them.

| name | what it is |
|---|---|
| `lesion_to_parenchyma` | mean of the lesion |
| `lesion_spread` | deviation within the lesion, relative to its mean |
| `bright_tissue` | 99th percentile of parenchyma |
| `cortex_to_white` | median of cerebral cortex over that of cerebral white matter |
| `white_spread` | deviation within cerebral white matter, relative to its mean |
| `noise` | of white matter, from its second differences along x |

Each is measured for every contrast, `DWI.noise` and so on, without the lesion where it is not of it, in
medians of parenchyma. A number that a case lacks is NaN.
"""

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from stroke_tfds.errors import InputError
from stroke_tfds.sources import Source

_Regions = dict[str, np.ndarray]


class Scores(Protocol):
  """What a network is told in the place of a case's numbers; `keras_itm.appearance` has one."""

  names: tuple[str, ...]

  def scores(self, values: Mapping[str, float]) -> np.ndarray:
    """float32 [k]."""


def measure(
  image: np.ndarray,
  labels: np.ndarray,
  lesion: np.ndarray,
  contrasts: Sequence[str],
  scheme: Mapping[str, Any],
) -> dict[str, float]:
  """All numbers of a case.

  Args:
    image: Intensities of any scale, (X, Y, Z, C).
    labels: Label map without the lesion, (X, Y, Z).
    lesion: 0 or 1, (X, Y, Z).
    contrasts: Names of the C contrasts.
    scheme: `label_scheme` of the data set's metadata.
  """
  lesion = lesion > 0
  of = lambda ids: np.isin(labels, ids) & ~lesion
  named = lambda end: [i for i, name in enumerate(scheme['names']) if name.endswith(end)]
  regions = {
    'lesion': lesion,
    'parenchyma': of(scheme['parenchyma_ids']),
    'cortex': of(named('cerebral cortex')),
    'white': of(named('cerebral white matter')),
  }
  return {
    f'{contrast}.{name}': value
    for contrast, channel in zip(contrasts, np.moveaxis(image, -1, 0))
    for name, value in _of_contrast(np.asarray(channel, np.float64), regions).items()
  }


def measure_sets(sources: Sequence[Source], names: Sequence[str]) -> dict[str, list[float]]:
  """Numbers of all cases of some sets.

  Args:
    sources: Data sets of the same contrasts.
    names: Which numbers, without the contrast; all contrasts get them.

  Returns:
    `CONTRAST.NAME` -> the value of each case.

  Raises:
    InputError: An unknown number.
  """
  unknown = sorted(set(names) - set(_MEASURES))
  if unknown:
    raise InputError(f'appearance {", ".join(unknown)} is unknown, expected {", ".join(_MEASURES)}')
  contrasts, scheme = (sources[0].metadata[key] for key in ('contrasts', 'label_scheme'))
  rows = [
    measure(case['image'], case['labels'], case['lesion'], contrasts, scheme)
    for source in sources
    for case in source.examples(['image', 'labels', 'lesion']).as_numpy_iterator()
  ]
  kept = [f'{contrast}.{name}' for contrast in contrasts for name in names]
  return {name: [row[name] for row in rows] for name in kept}


def scorer(appearances: Scores, metadata: Mapping[str, Any]) -> Callable[..., np.ndarray]:
  """(image, labels, lesion) of a case of a data set -> its scores, float32 [k]."""
  of_case = functools.partial(measure, contrasts=metadata['contrasts'], scheme=metadata['label_scheme'])
  return lambda image, labels, lesion: appearances.scores(of_case(image, labels, lesion))


def _of_contrast(image: np.ndarray, regions: _Regions) -> dict[str, float]:
  unit = _median(image[regions['parenchyma']])
  return {name: of(image / unit, regions) for name, of in _MEASURES.items()}


def _noise(image: np.ndarray, regions: _Regions) -> float:
  """By the median, which edges do not move; of white noise of deviation s it is s."""
  white = regions['white']
  inside = white[2:] & white[1:-1] & white[:-2]
  return _median(np.abs(np.diff(image, 2, axis=0)[inside])) * 1.4826 / math.sqrt(6)


def _relative_spread(values: np.ndarray) -> float:
  return float(np.std(values) / np.mean(values)) if values.size > 1 else math.nan


def _mean(values: np.ndarray) -> float:
  return float(np.mean(values)) if values.size else math.nan


def _median(values: np.ndarray) -> float:
  return _quantile(values, 0.5)


def _quantile(values: np.ndarray, share: float) -> float:
  return float(np.quantile(values, share)) if values.size else math.nan


_MEASURES: dict[str, Callable[[np.ndarray, _Regions], float]] = {
  'lesion_to_parenchyma': lambda image, of: _mean(image[of['lesion']]),
  'lesion_spread': lambda image, of: _relative_spread(image[of['lesion']]),
  'bright_tissue': lambda image, of: _quantile(image[of['parenchyma']], 0.99),
  'cortex_to_white': lambda image, of: _median(image[of['cortex']]) / _median(image[of['white']]),
  'white_spread': lambda image, of: _relative_spread(image[of['white']]),
  'noise': _noise,
}
