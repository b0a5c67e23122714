"""How often the study's 95 % interval holds the true difference, in simulated studies.

Command: python -m experiments.interval_coverage
Hardware: 1 CPU core.
Time: 15 seconds.
Expected: 94 to 97 % with 3 seeds and 37 cases; a plain bootstrap of seeds and cases far less.

Differences have case effects of sd 1 (normal or exponential), seed effects and interactions. `width` is
the interval's mean width beside that of an interval which knows all variances.
"""

import itertools

import numpy as np
from scipy import stats

from experiments._common import write_table
from stroke_eval.statistics import bootstrap

N_STUDIES, BATCH, N_RESAMPLES = 2000, 250, 1000
DESIGNS = ((1, 37), (2, 37), (3, 37), (3, 12), (3, 5), (5, 37))
SEED_SDS, RESIDUAL_SDS = (0.0, 0.2, 0.5, 1.0, 2.0), (0.5, 1.0)
# The study's design, with seeds that differ twice as much as cases do.
PLAIN = {'n_seeds': 3, 'n_cases': 37, 'seed_sd': 2.0, 'residual_sd': 0.5, 'skewed': False}


def main() -> None:
  rows = []
  for n_seeds, n_cases in DESIGNS:
    found = [
      _measure(n_seeds, n_cases, seed_sd, residual_sd, skewed)
      for seed_sd, residual_sd, skewed in itertools.product(SEED_SDS, RESIDUAL_SDS, (False, True))
      if n_seeds > 1 or seed_sd == 0  # One seed tells nothing of others.
    ]
    coverage, width = np.array(found).T
    rows.append(_row('of the study', n_seeds, n_cases, coverage, width))
  plain = _plain_coverage(_simulate(np.random.default_rng(1), **PLAIN))
  rows.append(_row('plain bootstrap', PLAIN['n_seeds'], PLAIN['n_cases'], np.array([plain]), None))
  write_table(__file__, rows)


def _row(interval: str, n_seeds: int, n_cases: int, coverage: np.ndarray, width) -> dict:
  return {
    'interval': interval,
    'seeds': n_seeds,
    'cases': n_cases,
    'coverage_least': float(coverage.min()),
    'coverage_most': float(coverage.max()),
    'width_least': '' if width is None else float(width.min()),
    'width_most': '' if width is None else float(width.max()),
  }


def _simulate(rng, *, n_seeds, n_cases, seed_sd, residual_sd, skewed) -> np.ndarray:
  """Differences [studies, seeds, cases] whose true mean is 0."""
  shape = N_STUDIES, 1, n_cases
  of_cases = rng.exponential(1, shape) - 1 if skewed else rng.normal(0, 1, shape)
  of_seeds = rng.normal(0, seed_sd, (N_STUDIES, n_seeds, 1))
  return of_cases + of_seeds + rng.normal(0, residual_sd, (N_STUDIES, n_seeds, n_cases))


def _measure(n_seeds, n_cases, seed_sd, residual_sd, skewed) -> tuple[float, float]:
  """Coverage, and width beside that of known variances."""
  design = {'n_seeds': n_seeds, 'n_cases': n_cases, 'seed_sd': seed_sd, 'residual_sd': residual_sd}
  values = _simulate(np.random.default_rng(0), **design, skewed=skewed)
  inside, widths = [], []
  for i, batch in enumerate(np.split(values, N_STUDIES // BATCH)):
    _, low, high = bootstrap.bounds(batch, N_RESAMPLES, seed=i)
    inside.append((low <= 0) & (high >= 0))
    widths.append(high - low)
  variance = 1 / n_cases + seed_sd**2 / n_seeds + residual_sd**2 / (n_seeds * n_cases)
  known = 2 * stats.norm.ppf(0.975) * np.sqrt(variance)
  return float(np.mean(inside)), float(np.mean(widths) / known)


def _plain_coverage(values: np.ndarray) -> float:
  """Of the percentile interval of a bootstrap that resamples seeds and cases."""
  rng = np.random.default_rng(0)
  draw = lambda n: rng.multinomial(n, np.full(n, 1 / n), N_RESAMPLES) / n
  seeds, cases = (draw(n) for n in values.shape[1:])
  low, high = [], []
  for batch in np.split(values, N_STUDIES // BATCH):
    means = np.einsum('rs,nsc,rc->nr', seeds, batch, cases, optimize=True)
    ends = np.quantile(means, [0.025, 0.975], axis=1)
    low.append(ends[0])
    high.append(ends[1])
  return float(np.mean((np.concatenate(low) <= 0) & (np.concatenate(high) >= 0)))


if __name__ == '__main__':
  main()
