"""Kolmogorov-Smirnov distance: the widest gap of two cumulative distributions, from 0 to 1."""

import numpy as np
from scipy import stats


def ks_of_samples(ours: np.ndarray, theirs: np.ndarray) -> float:
  """Of two samples [n] and [m]; NaN where one is empty."""
  if not np.size(ours) or not np.size(theirs):
    return float('nan')
  return float(stats.ks_2samp(ours, theirs).statistic)


def ks_of_histograms(ours: np.ndarray, theirs: np.ndarray) -> float:
  """Of two histograms [bins] over the same bins of equal width; NaN where one is empty.

  Counts or densities, of any sum.
  """
  if not np.any(ours) or not np.any(theirs):
    return float('nan')
  return float(np.abs(np.cumsum(ours / np.sum(ours) - theirs / np.sum(theirs))).max())
