"""Parts of the scored test cases in which arms are compared: by lesion size and by territory.

Masks are bool over the scored cases [n scored]. A part of one case has no interval and is left out.
"""

import numpy as np

from launchers.study.results import TestSet

_SIZES = ('small', 'medium', 'large')
# Of fewer, an interval can be wider than Dice itself.
MIN_IN_TERRITORY = 5
_MIN_CASES = 2


def tertiles(cases: TestSet) -> dict[str, np.ndarray]:
  """Label such as `small, 1.4 to 5.3 ml` -> mask; thirds by lesion volume, ascending.

  Of equal volumes at a border those that come first among the cases are in the smaller third.
  """
  volume = cases.lesion_volume_ml[cases.is_scored]
  rank = np.argsort(np.argsort(volume, kind='stable'))
  third = 3 * rank // len(volume)
  parts = {}
  for i, size in enumerate(_SIZES):
    inside = third == i
    if inside.sum() >= _MIN_CASES:
      parts[f'{size}, {volume[inside].min():.3g} to {volume[inside].max():.3g} ml'] = inside
  return parts


def territories(cases: TestSet) -> dict[str, np.ndarray]:
  """Territory -> mask, the most frequent first; last `other`, those with fewer than 5 cases."""
  territory = cases.territory[cases.is_scored]
  names, counts = np.unique(territory, return_counts=True)
  order = np.argsort(-counts, kind='stable')
  parts = {str(names[i]): territory == names[i] for i in order if counts[i] >= MIN_IN_TERRITORY}
  rest = ~np.isin(territory, list(parts))
  if rest.sum() >= _MIN_CASES:
    parts['other'] = rest
  return parts
