import numpy as np
import tensorflow as tf

from stroke_eval.statistics.kolmogorov_smirnov import ks_of_histograms, ks_of_samples


class SamplesTest(tf.test.TestCase):
  def test_by_hand(self):
    self.assertAllClose(ks_of_samples([1, 2, 3], [1, 2, 3]), 0.0)
    self.assertAllClose(ks_of_samples([1, 2], [3, 4]), 1.0)
    self.assertAllClose(ks_of_samples([1, 2, 3, 4], [3, 4, 5]), 0.5)  # At 2: 2 of 4 against none.
    self.assertAllClose(ks_of_samples([1, 1, 1, 9], [1, 9]), 0.25)  # Ties count on both sides.

  def test_nan_of_nothing(self):
    self.assertTrue(np.isnan(ks_of_samples(np.array([]), np.array([1.0]))))


class HistogramsTest(tf.test.TestCase):
  def test_is_the_largest_gap_of_cumulative_curves(self):
    # After the third bin all against 1/4; sums do not matter.
    one, other = np.array([2, 1, 1, 0]), np.array([0.0, 0.25, 0.0, 0.75])
    self.assertAllClose(ks_of_histograms(one, other), 0.75)
    self.assertAllClose(ks_of_histograms(10 * one, other), 0.75)
    self.assertEqual(ks_of_histograms(one, one), 0)

  def test_equals_the_distance_of_samples_one_to_a_bin(self):
    rng = np.random.default_rng(0)
    ours, theirs = rng.integers(0, 9, 40), rng.integers(2, 9, 30)
    histograms = (np.bincount(sample, minlength=9) for sample in (ours, theirs))
    self.assertAllClose(ks_of_histograms(*histograms), ks_of_samples(ours, theirs))

  def test_nan_of_nothing(self):
    self.assertTrue(np.isnan(ks_of_histograms(np.ones(3), np.zeros(3))))


if __name__ == '__main__':
  tf.test.main()
