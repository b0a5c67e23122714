"""Intervals of several comparisons that hold all at once: what a study may claim.

Of many arms without effect some have a 95 % interval of their own without 0. Here all intervals of a
family hold their true differences together in 95 % of studies (single-step max-t: Westfall and Young
1993). The largest of the standardised differences is bootstrapped over the cases, all arms of a case
together, so that arms that rise and fall together cost little; its 95 % quantile says at which level
alpha each comparison is tested, .05 for one and .05 / m at the least for m of them.

At such levels the few seeds of one comparison say too little of how trainings vary (t with two degrees
of freedom is 15 at .0045). They are pooled over the comparisons that a caller names alike, such as
those of arms with one control, to it and to one another: each has the larger of the pooled variance and
its own. Differences to one control correlate by a half, so that m of them count for
m / (1 + (m - 1) / 4) in the degrees of freedom. experiments/simultaneous_coverage.py measures how often
all of a study's intervals hold.
"""

from collections.abc import Hashable, Sequence

import numpy as np
from scipy import stats

from stroke_eval.statistics import bootstrap
from stroke_eval.statistics.bootstrap import LEVEL, N_RESAMPLES, Interval

_OF_CORRELATED = 0.25  # Squared correlation of two differences to one control.


class Family:
  """Comparisons about which claims are made together.

  Args:
    differences: Arm minus control [comparisons, seeds, n cases].
    pools: Names, one for each; seeds are pooled over comparisons with the same one.
    n_resamples: Resamples of the cases.
    seed: Of the resamples.

  Attributes:
    alpha: Two-sided level of each comparison, at which all of them together have .05.

  Raises:
    ValueError: No comparison, another number of names, or what `bootstrap.bounds` refuses.
  """

  def __init__(
    self,
    differences: np.ndarray,
    pools: Sequence[Hashable],
    n_resamples: int = N_RESAMPLES,
    seed: int = 0,
  ):
    self._values = bootstrap.checked(differences)
    if self._values.ndim != 3 or len(self._values) != len(pools) or not len(pools):
      raise ValueError(
        f'differences are {self._values.shape} with {len(pools)} pools, expected [comparisons, '
        'seeds, cases] and a name for each'
      )
    self._deviations = bootstrap.case_deviations(self._values.mean(axis=1), n_resamples, seed)
    self._seed_variance, self._degrees = _pooled(self._values, pools)
    self.alpha = _level_of_each(self._deviations)

  def intervals(self) -> tuple[Interval, ...]:
    """One for each comparison; all hold their true differences in 95 % of studies."""
    low, high = self._bounds(self.alpha)
    means = self._values.mean(axis=(1, 2))
    return tuple(Interval(*map(float, ends)) for ends in zip(means, low, high))

  def equivalent(self, margin: float) -> tuple[bool, ...]:
    """Whether each difference is shown to lie within +- margin.

    Two one-sided tests (TOST: Schuirmann 1987) at the level of each comparison: the interval of level
    1 - 2 alpha lies within the margin, that of 90 % where there is one comparison.

    Raises:
      ValueError: A margin that is not above 0.
    """
    if not margin > 0:
      raise ValueError(f'margin is {margin}, expected a number > 0')
    low, high = self._bounds(2 * self.alpha)
    return tuple(bool(inside) for inside in (low > -margin) & (high < margin))

  def _bounds(self, alpha: float) -> tuple[np.ndarray, np.ndarray]:
    """Ends of intervals of level 1 - alpha, each [comparisons]."""
    n_seeds, n_cases = self._values.shape[1:]
    below, above = bootstrap.case_widths(self._deviations, n_cases, 1 - alpha)
    of_seeds = np.zeros(len(self._values))
    if n_seeds > 1:
      of_seeds = stats.t.ppf(1 - alpha / 2, self._degrees) * np.sqrt(self._seed_variance / n_seeds)
    mean = self._values.mean(axis=(1, 2))
    return mean - np.hypot(below, of_seeds), mean + np.hypot(above, of_seeds)


def _level_of_each(deviations: np.ndarray) -> float:
  """Alpha of a comparison at which the largest of all exceeds its quantile in 5 % of resamples."""
  sd = deviations.std(axis=-1, keepdims=True)
  varies = sd[:, 0] > 0
  if len(sd) == 1 or not varies.any():
    return (1 - LEVEL) / len(sd)
  largest = np.abs(deviations[varies] / sd[varies]).max(axis=0)
  alpha = 2 * float(stats.norm.sf(np.quantile(largest, LEVEL)))
  # No dependence asks for less than Bonferroni, and none allows more than a single comparison has.
  return float(np.clip(alpha, (1 - LEVEL) / len(sd), 1 - LEVEL))


def _pooled(values: np.ndarray, pools: Sequence[Hashable]) -> tuple[np.ndarray, np.ndarray]:
  """Variance between seeds and its degrees of freedom, each [comparisons]."""
  variance, degrees = np.zeros(len(values)), np.ones(len(values))
  n_seeds = values.shape[1]
  if n_seeds == 1:
    return variance, degrees
  own = bootstrap.seed_variance(values)
  for pool in set(pools):
    together = np.array([other == pool for other in pools])
    m = int(together.sum())
    variance[together] = np.maximum(own[together], max(float(own[together].mean()), 0.0))
    degrees[together] = pooled_degrees(n_seeds, m)
  return variance, degrees


def pooled_degrees(n_seeds: int, n_comparisons: int) -> float:
  """Degrees of freedom of the variance between seeds, pooled over comparisons."""
  return (n_seeds - 1) * n_comparisons / (1 + (n_comparisons - 1) * _OF_CORRELATED)
