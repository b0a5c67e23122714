"""Tests of power: known variances by hand, t tests by scipy, and a simulation."""

import numpy as np
import tensorflow as tf
from absl.testing import parameterized
from scipy import stats

from stroke_eval.statistics import power
from stroke_eval.statistics.power import Components


class ComponentsTest(tf.test.TestCase, parameterized.TestCase):
  def test_by_hand(self):
    # Two seeds, two cases: means of cases 2 and 5, of seeds 3 and 4, of all 3.5; what is left +-.5.
    found = power.components([np.array([[2.0, 4.0], [2.0, 6.0]])])
    # rest 4 * .25 / 1 = 1; cases 4.5 - 1 / 2; seeds .5 - 1 / 2.
    self.assertAllClose((found.case, found.seed, found.rest), (4, 0, 1))

  def test_mean_of_several_and_never_below_0(self):
    one, other = np.array([[2.0, 4.0], [2.0, 6.0]]), np.array([[1.0, 1.0], [1.0, 1.0]])
    found = power.components([one, other])
    self.assertAllClose((found.case, found.seed, found.rest), (2, 0, 0.5))

  def test_simulated(self):
    rng = np.random.default_rng(0)
    shape = 60, 4, 100
    values = rng.normal(0, 3, (60, 1, 100)) + rng.normal(0, 1, (60, 4, 1)) + rng.normal(0, 2, shape)
    found = power.components(list(values))
    self.assertAllClose((found.case, found.seed, found.rest), (9, 1, 4), rtol=0.12)

  def test_variance_and_degrees_by_hand(self):
    parts = Components(case=8.0, seed=1.0, rest=4.0)
    self.assertAllClose(parts.variance(2, 4), 8 / 4 + 1 / 2 + 4 / 8)
    # Of cases 2.5 with 3 degrees, of seeds .5 with 1: 9 / (6.25 / 3 + .25).
    self.assertAllClose(parts.degrees(2, 4), 9 / (6.25 / 3 + 0.25))

  def test_one_seed_tells_nothing_of_seeds(self):
    with self.assertRaisesRegex(ValueError, 'two seeds or more'):
      power.components([np.ones((1, 5))])


class PowerTest(tf.test.TestCase, parameterized.TestCase):
  def test_with_one_seed_it_is_that_of_a_paired_t_test(self):
    from statsmodels.stats.power import TTestPower

    parts = Components(case=1.0, seed=0.0, rest=0.0)
    known = TTestPower().power(0.5, nobs=30, alpha=0.05)
    # The one here shifts Student's t, that one has the noncentral t.
    self.assertAllClose(power.power_of(0.5, parts, 1, 30), known, atol=0.02)

  def test_smallest_effect_with_many_cases_is_2_8_errors(self):
    parts = Components(case=1.0, seed=0.0, rest=0.0)
    known = (stats.norm.ppf(0.975) + stats.norm.ppf(0.8)) / 1000
    self.assertAllClose(power.smallest_effect(parts, 1, 1_000_000), known, rtol=1e-3)
    many = (stats.norm.ppf(1 - 0.025 / 20) + stats.norm.ppf(0.8)) / 1000
    self.assertAllClose(power.smallest_effect(parts, 1, 1_000_000, 20), many, rtol=1e-3)

  def test_smallest_effect_has_that_power(self):
    parts = Components(case=0.02, seed=0.0004, rest=0.01)
    effect = power.smallest_effect(parts, 10, 400)
    self.assertAllClose(power.power_of(effect, parts, 10, 400), 0.8)
    self.assertLess(effect, power.smallest_effect(parts, 3, 37))

  def test_no_effect_is_found_in_five_percent(self):
    self.assertAllClose(power.power_of(0, Components(1, 0.1, 1), 3, 37), 0.05)

  def test_no_variance(self):
    none = Components(0, 0, 0)
    self.assertEqual(power.smallest_effect(none, 3, 37), 0)
    self.assertEqual((power.power_of(0.1, none, 3, 37), power.power_of(0.0, none, 3, 37)), (1, 0))

  @parameterized.parameters((0, 37, 1), (3, 1, 1), (3, 37, 0))
  def test_refused(self, n_seeds, n_cases, n_comparisons):
    with self.assertRaises(ValueError):
      power.power_of(0.1, Components(1, 1, 1), n_seeds, n_cases, n_comparisons)


if __name__ == '__main__':
  tf.test.main()
