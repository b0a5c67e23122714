"""What a study can see: the power of a paired comparison over crossed seeds and cases.

A difference of two arms at a seed and a case is the true one plus three independent parts: of the
case (which every seed repeats), of the seed (between trainings), and the rest. Its mean over S seeds
and n cases has the variance case / n + seed / S + rest / (S n). More test cases cost no training, more
seeds do.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np
from scipy import optimize, stats

from stroke_eval.statistics import bootstrap
from stroke_eval.statistics.simultaneous import pooled_degrees

POWER, LEVEL = 0.8, bootstrap.LEVEL
_DRAWS = 200  # Of a variance's estimate.


@dataclasses.dataclass(frozen=True)
class Components:
  """Variances of a difference of two arms.

  Attributes:
    case: Between cases, the same in every seed.
    seed: Between seeds, the same in every case.
    rest: What is left of a case in a seed.
  """

  case: float
  seed: float
  rest: float

  def variance(self, n_seeds: int, n_cases: int) -> float:
    """Of the mean over so many."""
    return self.case / n_cases + self.seed / n_seeds + self.rest / (n_seeds * n_cases)


def components(differences: Sequence[np.ndarray]) -> Components:
  """Estimated from differences of arms, each [2 seeds or more, n cases], as means over them.

  By the mean squares of a two-way layout; what comes out below 0 is 0.

  Raises:
    ValueError: No difference, fewer than two seeds or cases, values that are not finite.
  """
  if not len(differences) or any(np.shape(values)[0] < 2 for values in differences):
    raise ValueError('expected differences of arms, each of two seeds or more')
  found = np.array([_of_one(bootstrap.checked(values)) for values in differences]).mean(axis=0)
  return Components(*(max(float(part), 0.0) for part in found))


def _of_one(values: np.ndarray) -> tuple[float, float, float]:
  n_seeds, n_cases = values.shape
  by_case, by_seed = values.mean(axis=0), values.mean(axis=1, keepdims=True)
  squares = ((values - by_seed - by_case + values.mean()) ** 2).sum()
  rest = squares / ((n_seeds - 1) * (n_cases - 1))
  return by_case.var(ddof=1) - rest / n_seeds, float(bootstrap.seed_variance(values)), rest


def power_of(
  effect: float,
  parts: Components,
  n_seeds: int,
  n_cases: int,
  n_comparisons: int = 1,
  n_pooled: int = 1,
) -> float:
  """Chance that a true difference is told from 0, in either direction.

  Args:
    effect: The true difference.
    parts: Its variances.
    n_seeds: Trainings of each arm; with one, of a difference between these trainings alone, since the
      interval does not know how others would come out.
    n_cases: Test cases.
    n_comparisons: Claims that hold together at 5 % (Bonferroni, a little more than a study asks for).
    n_pooled: Comparisons with the same control, over which seeds are pooled.

  Raises:
    ValueError: Fewer than one seed or comparison, or than two cases.
  """
  if n_seeds < 1 or n_cases < 2 or n_comparisons < 1:
    raise ValueError(
      f'{n_seeds} seeds, {n_cases} cases and {n_comparisons} comparisons, expected at least 1, 2 and 1'
    )
  error = _error(parts, n_seeds, n_cases)
  if not error:
    return float(effect != 0)
  bounds = _half_widths(parts, n_seeds, n_cases, (1 - LEVEL) / (2 * n_comparisons), n_pooled)
  outside = stats.norm.sf((bounds - effect) / error) + stats.norm.cdf((-bounds - effect) / error)
  return float(outside.mean())


def _error(parts: Components, n_seeds: int, n_cases: int) -> float:
  """Standard error of the mean; of one seed, of the mean of all cases in these trainings."""
  of_seeds = parts.seed if n_seeds > 1 else 0.0
  return float(np.sqrt(dataclasses.replace(parts, seed=of_seeds).variance(n_seeds, n_cases)))


def _half_widths(
  parts: Components, n_seeds: int, n_cases: int, tail: float, n_pooled: int
) -> np.ndarray:
  """Of intervals as `bootstrap` and `simultaneous` have them, equally likely ones [draws].

  Few seeds say little of their own variance, so that intervals are narrow in some studies and wide in
  others; that of many cases is taken as known.
  """
  of_cases = parts.case / n_cases + parts.rest / (n_seeds * n_cases)
  cases = stats.t.ppf(1 - tail, n_cases - 1) * np.sqrt(of_cases)
  if n_seeds == 1:
    return np.array([cases])
  by_chance = parts.rest / n_cases  # Between seeds; the interval takes off what it expects of it.
  found = lambda degrees: (parts.seed + by_chance) * _mean_squares(degrees) - by_chance
  variance, degrees = found(n_seeds - 1), n_seeds - 1.0
  if n_pooled > 1:
    degrees = pooled_degrees(n_seeds, n_pooled)
    variance = np.maximum(variance[:, np.newaxis], found(degrees)).ravel()
  seeds = stats.t.ppf(1 - tail, degrees) * np.sqrt(np.maximum(variance, 0) / n_seeds)
  return np.hypot(cases, seeds)


def _mean_squares(degrees: float) -> np.ndarray:
  """Equally likely values of a variance's estimate, of 1 [draws]."""
  return stats.chi2.ppf((np.arange(_DRAWS) + 0.5) / _DRAWS, degrees) / degrees


def smallest_effect(
  parts: Components,
  n_seeds: int,
  n_cases: int,
  n_comparisons: int = 1,
  n_pooled: int = 1,
  power: float = POWER,
) -> float:
  """The smallest true difference that is told from 0 with this power; arguments of power_of."""
  error = _error(parts, n_seeds, n_cases)
  missing = lambda effect: power_of(effect, parts, n_seeds, n_cases, n_comparisons, n_pooled) - power
  if not error:
    return 0.0
  highest = error
  while missing(highest) < 0:
    highest *= 2
  return float(optimize.brentq(missing, 0.0, highest))
