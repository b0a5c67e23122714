"""Real-case equivalents: how many clinical cases alone give an arm's Dice.

The learning curve is Dice after training on n clinical cases alone, made monotone (neighbours that fall
are pooled) and linear in log n between its points. The interval is from the first to the last n whose
difference of Dice to the arm has a 95 % interval with 0 in it, on the same cases, seeds and resamples;
an arm that is clearly above the curve's last point is worth more than that, whatever lies before it.
"""

import dataclasses
import itertools
from collections.abc import Sequence

import numpy as np
from scipy import optimize

from stroke_eval.statistics import bootstrap

_BELOW, _ABOVE = '<', '>'
_GRID_POINTS = 101


@dataclasses.dataclass(frozen=True)
class Equivalent:
  """A number of clinical cases with its 95 % interval.

  Attributes:
    n: Cases with the same Dice on the learning curve.
    low: Lower end of the interval.
    high: Upper end.
    n_beyond: `<` or `>` where the true n lies below the curve's first point or above its last one, and
      n is that point; else empty.
    low_beyond: The same of low.
    high_beyond: The same of high.
  """

  n: float
  low: float
  high: float
  n_beyond: str = ''
  low_beyond: str = ''
  high_beyond: str = ''


def equivalent(
  arm: np.ndarray,
  counts: Sequence[int],
  curve: np.ndarray,
  n_resamples: int = bootstrap.N_RESAMPLES,
  seed: int = 0,
) -> Equivalent:
  """Reads an arm's Dice off the learning curve.

  Args:
    arm: Dice of the arm [seeds, n cases].
    counts: Numbers of clinical cases [points], at least two, ascending.
    curve: Dice after training on so many [points, seeds, n cases].
    n_resamples: Resamples of the cases.
    seed: Of the resamples.

  Raises:
    ValueError: Fewer than two points, or counts that do not ascend from 1.
  """
  at = np.asarray(counts, float)
  if len(at) < 2 or at[0] < 1 or np.any(np.diff(at) <= 0) or len(at) != len(curve):
    raise ValueError(f'counts are {at}, expected two or more, ascending from 1, one for each of curve')
  log_n = np.linspace(np.log(at[0]), np.log(at[-1]), _GRID_POINTS)
  log_n = np.union1d(log_n, np.log(at))
  on_grid = _interpolation(log_n, np.log(at)) @ monotone(curve).reshape(len(at), -1)
  mean, low, high = bootstrap.bounds(arm - on_grid.reshape(-1, *arm.shape), n_resamples, seed)
  # With n the curve rises and the mean difference falls; its ends need not, their width varies.
  if low[-1] > 0:
    return _beyond(float(at[-1]), _ABOVE)
  if high[0] < 0:
    return _beyond(float(at[0]), _BELOW)
  n, n_beyond = _first_below_zero(log_n, mean)
  lower, low_beyond = _first_below_zero(log_n, low)
  upper, high_beyond = _last_above_zero(log_n, high)
  n, lower, upper = (round(value, 6) for value in (n, lower, upper))
  return Equivalent(n, lower, upper, n_beyond, low_beyond, high_beyond)


def _beyond(n: float, where: str) -> Equivalent:
  return Equivalent(n, n, n, where, where, where)


def monotone(curve: np.ndarray) -> np.ndarray:
  """The curve [points, seeds, n cases], neighbours whose means fall replaced by their average."""
  blocks = optimize.isotonic_regression(curve.mean(axis=(1, 2))).blocks
  pooled = [curve[i:j].mean(axis=0, keepdims=True) for i, j in itertools.pairwise(blocks)]
  return np.repeat(np.concatenate(pooled), np.diff(blocks), axis=0)


def _interpolation(x: np.ndarray, points: np.ndarray) -> np.ndarray:
  """Weights [len(x), points] of linear interpolation."""
  return np.stack([np.interp(x, points, unit) for unit in np.eye(len(points))], axis=1)


def _first_below_zero(log_n: np.ndarray, difference: np.ndarray) -> tuple[float, str]:
  """Smallest n at which the difference is not above 0, and whether it is beyond the curve."""
  if difference[0] < 0:
    return float(np.exp(log_n[0])), _BELOW
  if np.all(difference > 0):
    return float(np.exp(log_n[-1])), _ABOVE
  i = int(np.argmax(difference <= 0))
  return _crossing(log_n, difference, max(i, 1)), ''


def _last_above_zero(log_n: np.ndarray, difference: np.ndarray) -> tuple[float, str]:
  """Largest n at which the difference is not below 0, and whether it is beyond the curve."""
  n, beyond = _first_below_zero(-log_n[::-1], -difference[::-1])
  return 1 / n, {_BELOW: _ABOVE, _ABOVE: _BELOW, '': ''}[beyond]


def _crossing(log_n: np.ndarray, difference: np.ndarray, i: int) -> float:
  """Where the difference is 0 between the points i - 1 and i."""
  before, after = difference[i - 1], difference[i]
  share = before / (before - after) if before != after else 0.0
  return float(np.exp(log_n[i - 1] + share * (log_n[i] - log_n[i - 1])))
