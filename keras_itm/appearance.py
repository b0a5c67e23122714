"""Numbers of a case that its label map does not tell, such as how bright its lesion is.

A translator that learnt with them beside the label map can be asked for them. Those not asked for are
drawn as its training cases had them, and as they go together in these.
"""

import dataclasses
import itertools
import math
import numbers
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy import special

_LEVELS = np.linspace(0, 1, 21)
_MOST_NAMES = 64
# Scores stop at the first and the last percent: what lies beyond was hardly seen.
_LARGEST_SCORE = float(special.ndtri(0.99))
_DIGITS = 6
_OF_LESION = 'lesion_'
_FEWEST_BOTH = 3  # Cases that tell whether two numbers go together; fewer leave them apart.


@dataclasses.dataclass(frozen=True)
class Appearances:
  """How a training set's cases have some numbers: each by its quantiles, joined by a normal copula.

  A network is given normal scores: 0 where a number is the median of the training cases, 1 where 84 %
  of them have less.

      appearances = Appearances.fit(['DWI.noise'], [[0.02], [0.03], [0.05]])
      appearances.scores({'DWI.noise': 0.03})  # [0.0]

  Attributes:
    names: Of the numbers.
    quantiles: For each, the 0th, 5th, ..., 100th percentile over the training cases.
    correlation: Of their normal scores, [k][k].

  Raises:
    ValueError: Numbers that no training set has.
  """

  names: tuple[str, ...]
  quantiles: tuple[tuple[float, ...], ...]
  correlation: tuple[tuple[float, ...], ...]

  def __post_init__(self):
    for field in ('quantiles', 'correlation'):
      rows = getattr(self, field)
      object.__setattr__(self, field, tuple(map(tuple, rows)))  # JSON knows lists alone.
    object.__setattr__(self, 'names', tuple(self.names))
    n = len(self.names)
    if not 0 < n <= _MOST_NAMES or not all(isinstance(name, str) for name in self.names):
      raise ValueError(f'appearance has the names {self.names!r}, expected 1 to {_MOST_NAMES} names')
    _check_table(self.quantiles, 'quantiles', (n, len(_LEVELS)))
    _check_table(self.correlation, 'correlation', (n, n))
    if (np.diff(self.quantiles, axis=1) < 0).any():
      raise ValueError(
        'appearance has quantiles that fall, expected each at least as large as the last'
      )
    correlation = np.array(self.correlation)
    if not np.allclose(correlation, correlation.T) or np.linalg.eigvalsh(correlation)[0] < 0:
      raise ValueError('appearance has a correlation that is none, expected a symmetric positive one')

  @classmethod
  def from_json(cls, value: Any) -> 'Appearances':
    """From the fields of `to_json`.

    Raises:
      ValueError: Something else.
    """
    fields = {field.name for field in dataclasses.fields(cls)}
    if not isinstance(value, Mapping) or set(value) != fields:
      raise ValueError(f'appearance is {str(value)[:80]!r}, expected {sorted(fields)}')
    return cls(**value)

  @classmethod
  def fit(cls, names: Sequence[str], values: Sequence[Sequence[float]]) -> 'Appearances':
    """The distribution of a training set.

    Args:
      names: Of k numbers.
      values: Of each case, [n, k]; NaN where a case lacks one, as healthy ones lack a lesion.

    Raises:
      ValueError: A number that no case has.
    """
    table = np.asarray(values, np.float64)
    lacking = [name for name, column in zip(names, table.T) if not np.isfinite(column).any()]
    if lacking or table.ndim != 2:
      told = ', '.join(lacking or names)
      raise ValueError(f'no case has {told}: expected training cases with a lesion')
    quantiles = np.nanquantile(table, _LEVELS, axis=0).T.round(_DIGITS)
    scores = np.stack([_scores(column, q) for column, q in zip(table.T, quantiles)], axis=1)
    correlation = _correlation(np.where(np.isfinite(table), scores, np.nan))
    return cls(tuple(names), quantiles.tolist(), correlation.round(_DIGITS).tolist())

  def to_json(self) -> dict[str, Any]:
    return dataclasses.asdict(self)

  def scores(self, values: Mapping[str, float]) -> np.ndarray:
    """Normal scores of a case's numbers, float32 [k]; 0 for one that it lacks."""
    return np.array(
      [
        _scores(np.array([values.get(name, math.nan)]), q)[0]
        for name, q in zip(self.names, self.quantiles)
      ],
      np.float32,
    )

  def draw(
    self, rng: np.random.Generator, asked: Mapping[str, float] | None = None
  ) -> dict[str, float]:
    """The numbers of a case that might be one of the training set.

    Args:
      rng: Draws what is not asked for.
      asked: Numbers by name, within what the training cases have; the others are such as go with them.

    Raises:
      ValueError: An unknown name, or a number that no training case reaches.
    """
    asked = dict(asked or {})
    for name, value in asked.items():
      self._check_asked(name, value)
    correlation = np.array(self.correlation)
    scores = np.linalg.cholesky(correlation) @ rng.standard_normal(len(self.names))
    if given := [self.names.index(name) for name in asked]:
      # What is asked for moves the others as far as it tells of them.
      moved = [_scores(np.array([asked[self.names[i]]]), self.quantiles[i])[0] for i in given]
      told = np.linalg.solve(correlation[np.ix_(given, given)], moved - scores[given])
      scores = scores + correlation[:, given] @ told
    shares = special.ndtr(np.clip(scores, -_LARGEST_SCORE, _LARGEST_SCORE))
    drawn = {
      name: round(float(np.interp(share, _LEVELS, quantiles)), _DIGITS)
      for name, share, quantiles in zip(self.names, shares, self.quantiles)
    }
    return {**drawn, **{name: float(value) for name, value in asked.items()}}

  def _check_asked(self, name: str, value: float) -> None:
    if name not in self.names:
      raise ValueError(f'appearance {name!r} is unknown, expected one of {", ".join(self.names)}')
    quantiles = self.quantiles[self.names.index(name)]
    if (
      isinstance(value, bool)
      or not isinstance(value, numbers.Real)
      or not quantiles[0] <= value <= quantiles[-1]
    ):
      raise ValueError(
        f'appearance {name} is {value!r}, expected {quantiles[0]:g} to {quantiles[-1]:g}, as the '
        'training cases have it'
      )


def of_healthy(values: Mapping[str, float]) -> dict[str, float]:
  """What a case without lesion has of some numbers: all but a lesion's own, `DWI.lesion_spread`."""
  of_lesion = lambda name: name.rpartition('.')[2].startswith(_OF_LESION)
  return {name: value for name, value in values.items() if not of_lesion(name)}


def _scores(values: np.ndarray, quantiles: Sequence[float]) -> np.ndarray:
  """Normal scores; equal quantiles count half, and NaN is 0."""
  steps = np.asarray(quantiles)
  below, above = (
    np.searchsorted(steps, values, side=side).astype(np.float64) for side in ('left', 'right')
  )
  inside = np.interp(values, steps, _LEVELS)
  is_tied = above - below > 1
  shares = np.where(is_tied, (below + above - 1) / 2 / (len(steps) - 1), inside)
  scores = np.clip(special.ndtri(shares), -_LARGEST_SCORE, _LARGEST_SCORE)
  return np.where(np.isfinite(values), scores, 0.0)


def _correlation(scores: np.ndarray) -> np.ndarray:
  """Of columns [n, k], for each two over the cases that have both (NaN elsewhere), positive."""
  k = scores.shape[1]
  found = np.eye(k)
  for i, j in itertools.combinations(range(k), 2):
    both = scores[np.isfinite(scores[:, [i, j]]).all(axis=1)][:, [i, j]]
    if len(both) >= _FEWEST_BOTH and both.std(axis=0).min() > 0:
      found[i, j] = found[j, i] = np.corrcoef(both.T)[0, 1]
  # Of different cases they may contradict one another a little: the nearest that do not.
  values, vectors = np.linalg.eigh(found)
  found = vectors * np.maximum(values, 0) @ vectors.T
  scale = np.sqrt(np.diag(found))
  # A little of what is independent keeps the matrix positive where two numbers always go together.
  found = 0.99 * found / np.outer(scale, scale)
  np.fill_diagonal(found, 1.0)
  return found


def _check_table(rows: tuple[tuple[float, ...], ...], field: str, shape: tuple[int, int]) -> None:
  is_table = len(rows) == shape[0] and all(
    len(row) == shape[1]
    and all(isinstance(value, (int, float)) and math.isfinite(value) for value in row)
    for row in rows
  )
  if not is_table:
    raise ValueError(f'appearance has {field} of another form, expected {shape[0]} rows of {shape[1]}')
