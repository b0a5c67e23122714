"""Tests of simultaneous intervals: against scipy where an answer is known, by hand elsewhere."""

import numpy as np
import tensorflow as tf
from absl.testing import parameterized
from scipy import stats

from stroke_eval.statistics import bootstrap
from stroke_eval.statistics.simultaneous import Family

_RESAMPLES = 4000


def _cases(n_comparisons: int, n_cases: int = 200, seed: int = 0) -> np.ndarray:
  """Independent comparisons of one seed."""
  return np.random.default_rng(seed).normal(0, 1, (n_comparisons, 1, n_cases))


def _seeds(*by_seed: list[float], n_cases: int = 4) -> np.ndarray:
  """Comparisons whose cases are all alike."""
  return np.repeat(np.array(by_seed)[..., np.newaxis], n_cases, axis=-1)


class FamilyTest(tf.test.TestCase, parameterized.TestCase):
  @parameterized.parameters(1, 3)
  def test_one_comparison_is_the_interval_of_its_own(self, n_seeds):
    values = np.random.default_rng(1).normal(0.1, 1, (1, n_seeds, 30))
    (found,) = Family(values, ['a'], _RESAMPLES).intervals()
    self.assertEqual(found, bootstrap.mean_interval(values[0], _RESAMPLES))

  def test_independent_comparisons_need_the_level_of_sidak(self):
    self.assertAllClose(Family(_cases(10), ['a'] * 10).alpha, 1 - 0.95**0.1, rtol=0.15)

  def test_comparisons_that_go_together_cost_nothing(self):
    values = np.repeat(_cases(1), 8, axis=0) * np.arange(1, 9)[:, np.newaxis, np.newaxis]
    self.assertAllClose(Family(values, ['a'] * 8).alpha, 0.05, rtol=0.1)

  def test_never_beyond_bonferroni(self):
    self.assertAllClose(Family(np.zeros((4, 1, 5)), ['a'] * 4).alpha, 0.05 / 4)

  def test_wider_than_alone_by_the_quantiles_of_student(self):
    values = _cases(10)
    together = Family(values, ['a'] * 10, 20_000)
    width = np.array([i.high - i.low for i in together.intervals()])
    # By the t interval of each at that level, without any resample.
    sd = values[:, 0].std(axis=-1, ddof=1)
    known = 2 * stats.t.ppf(1 - together.alpha / 2, 199) * sd / np.sqrt(200)
    self.assertAllClose(width, known, rtol=0.06)

  def test_seeds_are_pooled_over_the_comparisons_with_one_name(self):
    # Variances between seeds 4 and 0, of mean 2; the first keeps its own, the second has the pooled.
    family = Family(_seeds([1.0, 3, 5], [2.0, 2, 2]), ['a', 'a'])
    self.assertAllClose(family.alpha, 0.025)
    degrees = 2 * 2 / 1.25
    student = stats.t.ppf(1 - 0.025 / 2, degrees)
    for found, mean, variance in zip(family.intervals(), (3, 2), (4, 2)):
      self.assertAllClose(found.mean, mean)
      self.assertAllClose(found.high - mean, student * np.sqrt(variance / 3))
      self.assertAllClose(mean - found.low, student * np.sqrt(variance / 3))

  def test_other_names_have_seeds_of_their_own(self):
    first, second = Family(_seeds([1.0, 3, 5], [2.0, 2, 2]), ['a', 'b']).intervals()
    self.assertAllClose(first.high - 3, stats.t.ppf(1 - 0.025 / 2, 2) * np.sqrt(4 / 3))
    self.assertAllClose((second.low, second.high), (2, 2))

  def test_equivalence_of_one_is_two_one_sided_tests(self):
    values = np.random.default_rng(2).normal(0.4, 1, (1, 1, 60))
    mean, error = values.mean(), stats.sem(values[0, 0])
    family = Family(values, ['a'], 50_000)
    for margin in np.linspace(0.3, 1.2, 10):
      lower = stats.t.sf((mean + margin) / error, 59)
      upper = stats.t.cdf((mean - margin) / error, 59)
      self.assertEqual(family.equivalent(margin), (bool(max(lower, upper) < 0.05),), margin)

  def test_equivalence_of_many_is_stricter(self):
    # All cases alike, sd of seeds 1, 9 seeds: half-width t / 3 at a level of .05 or .05 / 2.
    by_seed = np.tile([-np.sqrt(4 / 3), 0, np.sqrt(4 / 3)], 3).tolist()
    alone = stats.t.ppf(0.95, 8) / 3
    both = stats.t.ppf(1 - 0.025, 8 * 2 / 1.25) / 3
    self.assertGreater(both, alone)
    self.assertEqual(Family(_seeds(by_seed), ['a']).equivalent(alone + 0.01), (True,))
    pair = Family(_seeds(by_seed, by_seed), ['a', 'a'])
    self.assertEqual(pair.equivalent(both - 0.01), (False, False))
    self.assertEqual(pair.equivalent(both + 0.01), (True, True))

  @parameterized.parameters(0, -0.1, float('nan'))
  def test_margin(self, margin):
    with self.assertRaisesRegex(ValueError, f'^margin is {margin}, expected a number > 0$'):
      Family(_cases(1), ['a']).equivalent(margin)

  def test_refused(self):
    for values, pools in ((_cases(2), ['a']), (_cases(1)[0], ['a']), (np.zeros((0, 1, 5)), [])):
      with self.assertRaises(ValueError):
        Family(values, pools)


if __name__ == '__main__':
  tf.test.main()
