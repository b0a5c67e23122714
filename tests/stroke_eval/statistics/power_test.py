"""Tests of power: known variances by hand, t tests by scipy, and a simulation."""

import numpy as np
import tensorflow as tf
from absl.testing import parameterized
from scipy import stats

from stroke_eval.statistics import bootstrap, power
from stroke_eval.statistics.power import Components
from stroke_eval.statistics.simultaneous import Family


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

  def test_variance_by_hand(self):
    parts = Components(case=8.0, seed=1.0, rest=4.0)
    self.assertAllClose(parts.variance(2, 4), 8 / 4 + 1 / 2 + 4 / 8)

  def test_one_seed_tells_nothing_of_seeds(self):
    with self.assertRaisesRegex(ValueError, 'two seeds or more'):
      power.components([np.ones((1, 5))])


class PowerTest(tf.test.TestCase, parameterized.TestCase):
  def test_with_one_seed_it_is_that_of_a_paired_t_test(self):
    from statsmodels.stats.power import TTestPower

    parts = Components(case=1.0, seed=0.0, rest=0.0)
    known = TTestPower().power(0.5, nobs=30, alpha=0.05)
    # The one here takes the variance of cases as known, that one has the noncentral t.
    self.assertAllClose(power.power_of(0.5, parts, 1, 30), known, atol=0.01)

  def test_smallest_effect_with_many_cases_is_2_8_errors(self):
    parts = Components(case=1.0, seed=0.0, rest=0.0)
    known = (stats.norm.ppf(0.975) + stats.norm.ppf(0.8)) / 1000
    self.assertAllClose(power.smallest_effect(parts, 1, 1_000_000), known, rtol=1e-3)
    many = (stats.norm.ppf(1 - 0.025 / 20) + stats.norm.ppf(0.8)) / 1000
    self.assertAllClose(power.smallest_effect(parts, 1, 1_000_000, 20), many, rtol=1e-3)

  @parameterized.parameters((3, 37), (3, 320), (10, 400))
  def test_smallest_effect_is_told_from_0_in_four_of_five_simulated_studies(self, n_seeds, n_cases):
    parts = Components(case=0.0065, seed=0.0005, rest=0.015)
    effect = power.smallest_effect(parts, n_seeds, n_cases)
    self.assertAllClose(power.power_of(effect, parts, n_seeds, n_cases), 0.8)
    self.assertAllClose(self.told_from_0(effect, parts, n_seeds, n_cases), 0.8, atol=0.05)
    no_effect = self.told_from_0(0, parts, n_seeds, n_cases)
    self.assertAllClose(power.power_of(0, parts, n_seeds, n_cases), no_effect, atol=0.03)

  def told_from_0(self, effect, parts, n_seeds, n_cases):
    """Share of 600 studies; three standard errors of .8 are .05, of .05 are .03."""
    draw = np.random.default_rng(0).normal
    differences = (
      effect
      + draw(0, np.sqrt(parts.case), (600, 1, n_cases))
      + draw(0, np.sqrt(parts.seed), (600, n_seeds, 1))
      + draw(0, np.sqrt(parts.rest), (600, n_seeds, n_cases))
    )
    _, low, high = bootstrap.bounds(differences, n_resamples=400)
    return np.mean((low > 0) | (high < 0))

  def test_one_seed_speaks_of_its_trainings_alone(self):
    parts, alone = Components(0.0065, 0.0005, 0.015), Components(0.0065, 0.0, 0.015)
    for n_cases in (37, 3000):
      effects = [power.smallest_effect(one, 1, n_cases) for one in (parts, alone)]
      self.assertEqual(*effects)
      self.assertAllClose(power.power_of(0, parts, 1, n_cases), 0.05, atol=0.01)
    self.assertEqual(power.smallest_effect(Components(0, 0.0005, 0), 1, 37), 0)

  def test_one_of_a_family_in_simulated_studies(self):
    """Six comparisons with one control; Bonferroni asks for a little more than the family does."""
    parts = Components(case=0.0065, seed=0.0005, rest=0.015)
    effect = power.smallest_effect(parts, 3, 37, n_comparisons=6, n_pooled=6)
    rng, told = np.random.default_rng(0), []
    for _ in range(150):
      arms = [self.draw_arm(rng, parts, 3, 37) for _ in range(7)]
      differences = np.stack([arm - arms[0] for arm in arms[1:]])
      differences[0] += effect
      told.append(Family(differences, ['control'] * 6, n_resamples=300).intervals()[0].low > 0)
    self.assertBetween(np.mean(told), 0.75, 0.95)
    self.assertLess(power.smallest_effect(parts, 3, 37), effect)

  def draw_arm(self, rng, parts, n_seeds, n_cases):
    """Differences of two such have these variances."""
    half = lambda variance, *shape: rng.normal(0, np.sqrt(variance / 2), shape)
    return (
      half(parts.case, 1, n_cases) + half(parts.seed, n_seeds, 1) + half(parts.rest, n_seeds, n_cases)
    )

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
