"""Tests of tests_of_significance: against numbers worked out by hand and by counting."""

import itertools

import numpy as np
import tensorflow as tf
from scipy import stats

from stroke_eval.statistics import significance


def _exact_wilcoxon(differences: np.ndarray) -> float:
  """Two-sided p by going through all signs."""
  ranks = stats.rankdata(np.abs(differences))
  observed = abs(np.sum(ranks * np.sign(differences)))
  signs = itertools.product((-1, 1), repeat=len(ranks))
  return float(np.mean([abs(np.dot(ranks, sign)) >= observed - 1e-9 for sign in signs]))


class TestsOfSignificanceTest(tf.test.TestCase):
  def test_wilcoxon_agrees_with_all_signs_and_holm_by_hand(self):
    rng = np.random.default_rng(0)
    differences = rng.normal([[0.05], [0.3], [0.15]], 0.2, (3, 10))
    p = [_exact_wilcoxon(row) for row in differences]
    order = np.argsort(p)
    # Holm: the smallest times 3, the next times 2, the last as it is; none below the one before.
    corrected = np.maximum.accumulate(np.array([3, 2, 1]) * np.array(p)[order])
    expected = np.empty(3)
    expected[order] = np.minimum(corrected, 1)
    self.assertAllClose(significance.wilcoxon_holm(differences), expected)
    self.assertFalse(np.allclose(expected, p))

  def test_an_arm_that_differs_nowhere(self):
    differences = np.stack([np.zeros(12), np.arange(1, 13) / 10])
    # All twelve signs alike: 2 of 4,096 outcomes, times two arms.
    self.assertAllClose(significance.wilcoxon_holm(differences), [1, 4 / 4096])
    self.assertEmpty(significance.wilcoxon_holm(np.zeros((0, 5))))

  def test_friedman_by_hand(self):
    # Ranks of the three arms (1 the highest): 1 2 3, 1 2 3, 2 1 3, 1 2 3; sums 5, 7, 12.
    values = np.array([[9, 8, 1], [7, 5, 4], [5, 6, 2], [3, 2, 1]], float)
    statistic = 12 / (4 * 3 * 4) * (5**2 + 7**2 + 12**2) - 3 * 4 * 4
    result = significance.friedman(values)
    self.assertAllClose(result.statistic, statistic)
    # Chi-squared with two degrees of freedom.
    self.assertAllClose(result.p_value, np.exp(-statistic / 2))
    self.assertEqual((result.n_cases, result.n_arms), (4, 3))
    self.assertAllClose(significance.mean_ranks(values), [5 / 4, 7 / 4, 12 / 4])

  def test_friedman_without_a_comparison(self):
    self.assertIsNone(significance.friedman(np.random.rand(9, 2)))
    self.assertIsNone(significance.friedman(np.random.rand(1, 5)))
    alike = significance.friedman(np.repeat(np.random.rand(9, 1), 4, axis=1))
    self.assertEqual((alike.statistic, alike.p_value), (0.0, 1.0))

  def test_critical_difference_of_demsar(self):
    # Demsar 2006, table 5: q at 0.05 is 2.343 for three arms, 2.569 for four and 3.164 for ten.
    for n_arms, q in ((3, 2.343), (4, 2.569), (10, 3.164)):
      expected = q * np.sqrt(n_arms * (n_arms + 1) / (6 * 30))
      result = significance.critical_difference(n_arms, 30)
      self.assertAllClose(result, expected, rtol=5e-4)

  def test_critical_difference_to_a_control_of_demsar(self):
    # Demsar 2006, table 5: q of Bonferroni-Dunn at 0.05 is 2.241, 2.394 and 2.773.
    for n_arms, q in ((3, 2.241), (4, 2.394), (10, 2.773)):
      expected = q * np.sqrt(n_arms * (n_arms + 1) / (6 * 30))
      result = significance.critical_difference_to_control(n_arms, 30)
      self.assertAllClose(result, expected, rtol=5e-4)

  def test_nemenyi_is_0_05_at_the_critical_difference(self):
    values = np.random.default_rng(2).normal([0, 0.4, 0.8, 2], 1, (25, 4))
    ranks = significance.mean_ranks(values)
    p = significance.nemenyi(values)
    critical = significance.critical_difference(4, 25)
    apart = np.abs(ranks[:, np.newaxis] - ranks)
    self.assertAllEqual(p < 0.05, apart > critical)
    self.assertTrue(np.any(p < 0.05) and np.any(apart[~np.eye(4, dtype=bool)] < critical))
    self.assertAllClose(p, p.T)
    # The range of four standard normal values, from its distribution function.
    x = np.linspace(-8, 8, 4001)
    q = apart[0, 3] / np.sqrt(4 * 5 / (6 * 25)) * np.sqrt(2)
    density = stats.norm.pdf(x) * (stats.norm.cdf(x) - stats.norm.cdf(x - q)) ** 3
    below = 4 * density.sum() * (x[1] - x[0])
    self.assertAllClose(p[0, 3], 1 - below, atol=1e-6)


if __name__ == '__main__':
  tf.test.main()
