"""Tests of bootstrap: against SciPy where one source of variation is alone, by simulation otherwise."""

import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from stroke_eval.statistics import bootstrap


def _simulated(
  rng: np.random.Generator,
  shape: tuple[int, int, int],
  seed_sd: float,
  residual_sd: float,
  skewed: bool,
) -> np.ndarray:
  """Differences [studies, seeds, cases] whose true mean is 0; case effects of sd 1."""
  n, n_seeds, n_cases = shape
  of_cases = rng.exponential(1, (n, 1, n_cases)) - 1 if skewed else rng.normal(0, 1, (n, 1, n_cases))
  of_seeds = rng.normal(0, seed_sd, (n, n_seeds, 1))
  return of_cases + of_seeds + rng.normal(0, residual_sd, shape)


def _coverage(values: np.ndarray, batches: int = 4) -> float:
  """Share of the studies whose interval holds 0."""
  inside = []
  for i, batch in enumerate(np.split(values, batches)):
    _, low, high = bootstrap.bounds(batch, n_resamples=1000, seed=i)
    inside.append((low <= 0) & (high >= 0))
  return float(np.mean(inside))


def _crossed_percentile_coverage(values: np.ndarray, n_resamples: int = 1000) -> float:
  """The same of a plain bootstrap that resamples seeds and cases."""
  n_seeds, n_cases = values.shape[1:]
  rng = np.random.default_rng(0)
  cases = rng.multinomial(n_cases, np.full(n_cases, 1 / n_cases), n_resamples) / n_cases
  seeds = rng.multinomial(n_seeds, np.full(n_seeds, 1 / n_seeds), n_resamples) / n_seeds
  means = np.einsum('rs,nsc,rc->nr', seeds, values, cases, optimize=True)
  low, high = np.quantile(means, [0.025, 0.975], axis=1)
  return float(np.mean((low <= 0) & (high >= 0)))


class BootstrapTest(tf.test.TestCase):
  def test_seeds_alone_are_students_interval(self):
    of_seeds = np.array([0.1, 0.16, 0.13])
    values = np.repeat(of_seeds[:, np.newaxis], 10, axis=1)
    expected = stats.ttest_1samp(of_seeds, 0).confidence_interval(0.95)
    result = bootstrap.mean_interval(values)
    self.assertAllClose([result.mean, result.low, result.high], [0.13, *expected])

  def test_cases_alone_are_close_to_students_interval(self):
    for n_cases in (8, 40):
      values = stats.norm.ppf((np.arange(n_cases) + 0.5) / n_cases)[np.newaxis] + 5
      expected = stats.ttest_1samp(values[0], 0).confidence_interval(0.95)
      result = bootstrap.mean_interval(values)
      width = expected.high - expected.low
      self.assertAllClose([result.low, result.high], list(expected), rtol=0, atol=0.04 * width)

  def test_skewed_cases_by_resampling_one_at_a_time(self):
    values = np.exp(1.5 * stats.norm.ppf((np.arange(20) + 0.5) / 20))
    rng = np.random.default_rng(1)
    means = [values[rng.integers(0, 20, 20)].mean() for _ in range(20_000)]
    low, high = np.percentile(means, [2.5, 97.5]) - values.mean()
    widening = np.sqrt(20 / 19) * stats.t.ppf(0.975, 19) / 1.959964
    result = bootstrap.mean_interval(values[np.newaxis])
    self.assertAllClose(result.low - result.mean, low * widening, rtol=0.03)
    self.assertAllClose(result.high - result.mean, high * widening, rtol=0.03)
    self.assertGreater(high, -1.2 * low)

  def test_seeds_that_agree_add_nothing_and_stay_with_their_case(self):
    once = np.random.default_rng(0).normal(0.1, 0.2, (1, 30))
    thrice = bootstrap.bounds(np.repeat(once, 3, axis=0))
    self.assertAllClose(thrice, bootstrap.bounds(once), rtol=1e-9)

  def test_variance_between_seeds_is_free_of_what_cases_explain(self):
    rng = np.random.default_rng(3)
    values = rng.normal(0, 1, (3, 20)) + np.array([[0.5], [0.0], [-0.7]])
    # Two-way analysis of variance by its textbook sums of squares.
    mean, by_seed, by_case = values.mean(), values.mean(axis=1), values.mean(axis=0)
    of_seeds = 20 * sum((m - mean) ** 2 for m in by_seed) / 2
    rest = sum(
      (values[s, c] - by_seed[s] - by_case[c] + mean) ** 2 for s in range(3) for c in range(20)
    )
    share = (of_seeds - rest / 38) / 20 / 3
    seeds = stats.t.ppf(0.975, 2) * np.sqrt(share)
    cases = bootstrap.mean_interval(by_case[np.newaxis])
    result = bootstrap.mean_interval(values)
    self.assertAllClose(result.mean - result.low, np.hypot(cases.mean - cases.low, seeds))
    self.assertAllClose(result.high - result.mean, np.hypot(cases.high - cases.mean, seeds))

  def test_pairs_cancel_what_arms_share(self):
    rng = np.random.default_rng(1)
    shared = rng.normal(0, 10, (3, 25))
    gain = rng.normal(0.05, 0.01, (3, 25))
    paired = bootstrap.paired_difference(shared + gain, shared)
    self.assertAllClose(paired.mean, gain.mean())
    self.assertLess(paired.high - paired.low, 0.03)
    self.assertEqual(bootstrap.paired_difference(shared, shared), bootstrap.Interval(0, 0, 0))

  def test_swapped_arms_mirror_the_interval(self):
    a, b = np.random.default_rng(2).exponential(1, (2, 3, 25))
    there, back = bootstrap.paired_difference(a, b), bootstrap.paired_difference(b, a)
    self.assertAllClose([there.mean, there.low, there.high], [-back.mean, -back.high, -back.low])

  def test_stacked_values_share_their_resamples(self):
    values = np.random.default_rng(4).normal(0, 1, (2, 5, 3, 15))
    mean, low, high = bootstrap.bounds(values, 500, seed=3)
    self.assertEqual(mean.shape, (2, 5))
    one = bootstrap.mean_interval(values[1, 2], 500, seed=3)
    self.assertAllClose([mean[1, 2], low[1, 2], high[1, 2]], [one.mean, one.low, one.high])
    self.assertNotEqual(one, bootstrap.mean_interval(values[1, 2], 500, seed=4))

  def test_refuses_values_without_an_interval(self):
    with self.assertRaisesRegex(ValueError, r'a is \(3, 4\) and b \(2, 4\)'):
      bootstrap.paired_difference(np.zeros((3, 4)), np.zeros((2, 4)))
    with self.assertRaisesRegex(ValueError, 'expected .* 2 cases or more'):
      bootstrap.mean_interval(np.zeros((3, 1)))
    with self.assertRaisesRegex(ValueError, 'NaN'):
      bootstrap.mean_interval(np.array([[0.1, np.nan]]))

  def test_coverage(self):
    rng = np.random.default_rng(5)
    for seed_sd, residual_sd in ((0.0, 1.0), (0.2, 0.5), (1.0, 0.5)):
      values = _simulated(rng, (1200, 3, 37), seed_sd, residual_sd, skewed=False)
      self.assertBetween(_coverage(values), 0.93, 0.98)

  def test_the_simulation_tells_a_plain_bootstrap(self):
    values = _simulated(np.random.default_rng(6), (600, 3, 37), 1.0, 0.5, skewed=False)
    self.assertLess(_crossed_percentile_coverage(values), 0.85)

  @pytest.mark.slow
  def test_coverage_as_stated(self):
    rng = np.random.default_rng(7)
    stated = {(3, 37): (0.942, 0.968), (3, 12): (0.936, 0.97), (5, 37): (0.936, 0.965)}
    for (n_seeds, n_cases), (low, high) in stated.items():
      for seed_sd in (0, 0.1, 0.2, 0.5, 1, 2):
        for residual_sd in (0.5, 1):
          for skewed in (False, True):
            values = _simulated(rng, (4000, n_seeds, n_cases), seed_sd, residual_sd, skewed)
            # Three standard errors of 4,000 studies are 0.01.
            self.assertBetween(_coverage(values, batches=10), low - 0.01, high + 0.01)


if __name__ == '__main__':
  tf.test.main()
