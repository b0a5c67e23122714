"""Tests of equivalents: on learning curves whose inverse is known."""

import numpy as np
import pytest
import tensorflow as tf

from stroke_eval.statistics import bootstrap, equivalents
from stroke_eval.statistics.equivalents import Equivalent

COUNTS = (5, 10, 20, 50, 120)


def _true_curve(n: np.ndarray | float) -> np.ndarray:
  return 0.1 + 0.12 * np.log(n)


def _study(
  rng: np.random.Generator, arm_dice: float, noise: float, shape: tuple[int, int] = (3, 37)
) -> tuple[np.ndarray, np.ndarray]:
  """Dice of an arm [seeds, cases] and of the curve [points, seeds, cases]; cases are shared."""
  cases = rng.normal(0, 0.15, shape[1])
  draw = lambda mean: (
    mean
    + cases
    + noise * (rng.normal(0, 0.2, (shape[0], 1)) + rng.normal(0, 1, shape[1]) + rng.normal(0, 1, shape))
  )
  return draw(arm_dice), np.stack([draw(_true_curve(n)) for n in COUNTS])


def _equivalent(rng: np.random.Generator, arm_dice: float, noise: float) -> Equivalent:
  arm, curve = _study(rng, arm_dice, noise)
  return equivalents.equivalent(arm, COUNTS, curve, 500)


class EquivalentsTest(tf.test.TestCase):
  def test_inverse_without_noise(self):
    rng = np.random.default_rng(0)
    for n in (5.5, 10.0, 33.0, 100.0):
      arm, curve = _study(rng, _true_curve(n), noise=0)
      result = equivalents.equivalent(arm, COUNTS, curve, 200)
      self.assertAllClose([result.n, result.low, result.high], [n] * 3, rtol=1e-4)
      self.assertEqual((result.n_beyond, result.low_beyond, result.high_beyond), ('', '', ''))

  def test_linear_in_log_n_between_points(self):
    curve = np.array([0.2, 0.4, 0.5])[:, np.newaxis, np.newaxis] * np.ones((3, 1, 4))
    result = equivalents.equivalent(np.full((1, 4), 0.45), (4, 16, 64), curve, 200)
    # Half way from 16 to 64 by their logarithms.
    self.assertAllClose(result.n, 32, rtol=1e-4)

  def test_beyond_the_curve(self):
    rng = np.random.default_rng(1)
    below = _equivalent(rng, 0.1, 0.01)
    self.assertEqual(below, Equivalent(5, 5, 5, '<', '<', '<'))
    above = _equivalent(rng, 0.9, 0.01)
    self.assertEqual(above, Equivalent(120, 120, 120, '>', '>', '>'))
    partly = _equivalent(rng, _true_curve(100), 0.1)
    self.assertEqual((partly.low_beyond, partly.high_beyond, partly.high), ('', '>', 120))

  def test_an_arm_clearly_above_all_points_is_worth_more_than_all(self):
    # By .05 above the last point in every case; the first points vary so much that they show nothing.
    wide = np.random.default_rng(6).normal(0, 0.5, (2, 3, 37))
    wide -= wide.mean(axis=(1, 2), keepdims=True)
    last = np.zeros((1, 3, 37)) + 0.5
    curve = np.concatenate([0.45 + wide[:1], 0.46 + wide[1:], last])
    self.assertLess(bootstrap.paired_difference(last[0] + 0.05, curve[0], 500).low, 0)
    result = equivalents.equivalent(last[0] + 0.05, (5, 10, 20), curve, 500)
    self.assertEqual(result, Equivalent(20, 20, 20, '>', '>', '>'))
    below = equivalents.equivalent(
      last[0] - 0.05, (5, 10, 20), np.concatenate([last, curve[:2] + 0.2]), 500
    )
    self.assertEqual(below, Equivalent(5, 5, 5, '<', '<', '<'))

  def test_an_arm_of_the_curve_is_worth_its_own_cases(self):
    _, curve = _study(np.random.default_rng(2), 0.3, 0.05)
    result = equivalents.equivalent(curve[2], COUNTS, curve, 500)
    self.assertAllClose(result.n, 20, rtol=1e-3)
    self.assertTrue(result.low < 20.001 and result.high > 19.999)

  def test_ends_are_where_the_paired_interval_meets_zero(self):
    arm, curve = _study(np.random.default_rng(3), _true_curve(25), 0.05)
    self.assertAllClose(equivalents.monotone(curve), curve)
    result = equivalents.equivalent(arm, COUNTS, curve, 2000, seed=4)
    for end, field in ((result.low, 'low'), (result.high, 'high')):
      i = np.searchsorted(COUNTS, end)
      share = np.log(end / COUNTS[i - 1]) / np.log(COUNTS[i] / COUNTS[i - 1])
      there = (1 - share) * curve[i - 1] + share * curve[i]
      interval = bootstrap.paired_difference(arm, there, 2000, seed=4)
      self.assertAllClose(getattr(interval, field), 0, atol=2e-3)
    self.assertTrue(result.low < result.n < result.high)

  def test_curve_is_made_monotone(self):
    means = np.array([0.2, 0.5, 0.3, 0.6, 0.55])
    curve = means[:, np.newaxis, np.newaxis] + np.array([[-0.1, 0, 0.1]])
    expected = np.array([0.2, 0.4, 0.4, 0.575, 0.575])
    self.assertAllClose(equivalents.monotone(curve).mean(axis=(1, 2)), expected)
    self.assertAllClose(equivalents.monotone(curve)[1, 0], [0.3, 0.4, 0.5])

  def test_a_curve_that_falls_is_read_pooled(self):
    curve = np.array([0.2, 0.5, 0.3, 0.6])[:, np.newaxis, np.newaxis] * np.ones((4, 2, 3))
    result = equivalents.equivalent(np.full((2, 3), 0.45), (5, 10, 20, 80), curve, 100)
    # A quarter of the way from 0.4 at 20 to 0.6 at 80, by their logarithms.
    self.assertAllClose(result.n, 20 * np.sqrt(2), rtol=1e-4)

  def test_refuses_counts_that_are_no_curve(self):
    arm, curve = _study(np.random.default_rng(4), 0.3, 0.1)
    for counts in ((5, 10, 20, 20, 120), (0, 10, 20, 50, 120), (5, 10)):
      with self.assertRaisesRegex(ValueError, 'counts are'):
        equivalents.equivalent(arm, counts, curve, 100)
    with self.assertRaisesRegex(ValueError, 'counts are'):
      equivalents.equivalent(arm, (5,), curve[:1], 100)

  @pytest.mark.slow
  def test_coverage(self):
    rng, inside = np.random.default_rng(5), []
    for _ in range(600):
      arm, curve = _study(rng, _true_curve(30), 0.1)
      result = equivalents.equivalent(arm, COUNTS, curve, 500, seed=int(rng.integers(1e6)))
      is_low, is_high = result.low_beyond != '>', result.high_beyond != '<'
      inside.append(is_low and is_high and result.low <= 30 <= result.high)
    # Two standard errors of 600 studies are 0.018.
    self.assertBetween(np.mean(inside), 0.93, 0.985)


if __name__ == '__main__':
  tf.test.main()
