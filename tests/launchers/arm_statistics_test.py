"""Statistics of arms against numbers worked out by hand."""

import numpy as np
import tensorflow as tf

from launchers import arm_statistics
from launchers.arm_statistics import Case
from stroke_tfds.errors import InputError


def make_cases(dice, false_ml=()):
  positive = [Case(f'p{i}', 10.0 + i, 9.0, value) for i, value in enumerate(dice)]
  return positive + [Case(f'n{i}', 0.0, ml, float(ml == 0)) for i, ml in enumerate(false_ml)]


class SummariseTest(tf.test.TestCase):
  def test_negatives_count_apart(self):
    summary = arm_statistics.summarise(make_cases([0.2, 0.4, 0.9], [0.0, 3.0, 0.0, 1.0]))
    self.assertAllClose(summary['dice_mean'], 0.5)
    # Deviations -0.3, -0.1, 0.4: (0.09 + 0.01 + 0.16) / 2.
    self.assertAllClose(summary['dice_sd'], np.sqrt(0.13))
    self.assertAllClose(summary['dice_median'], 0.4)
    self.assertEqual((summary['n_cases'], summary['n_negative']), (3, 4))
    self.assertEqual(summary['n_false_positive'], 2)
    self.assertAllClose(summary['false_positive_ml_mean'], 1.0)
    self.assertAllClose(summary['false_positive_ml_max'], 3.0)

  def test_what_one_case_cannot_give_is_none(self):
    summary = arm_statistics.summarise(make_cases([0.7]))
    self.assertIsNone(summary['dice_sd'])
    self.assertIsNone(summary['false_positive_ml_mean'])


class PairedDifferenceTest(tf.test.TestCase):
  def test_pairs_by_subject_and_not_by_order(self):
    reference = make_cases([0.1, 0.5, 0.6, 0.2], [0.0])
    other = make_cases([0.3, 0.5, 0.9, 0.1], [4.0])[::-1]
    found = arm_statistics.paired_difference(reference, other)
    self.assertEqual((found['n'], found['n_higher'], found['n_lower']), (4, 2, 1))
    # Differences 0.2, 0, 0.3, -0.1: mean 0.1, sd sqrt(0.1 / 3); t(0.975, 3) = 3.18245.
    half = 3.18245 * np.sqrt(0.1 / 3) / 2
    self.assertAllClose(
      [found['mean'], found['low'], found['high']], [0.1, 0.1 - half, 0.1 + half], atol=1e-5
    )

  def test_one_case_has_no_interval(self):
    found = arm_statistics.paired_difference(make_cases([0.1]), make_cases([0.3]))
    self.assertAllClose(found['mean'], 0.2)
    self.assertTrue(np.isnan(found['low']))

  def test_refuses_other_cases(self):
    with self.assertRaisesRegex(InputError, "'a' and 'b': case 'p1'"):
      arm_statistics.check_same_cases({'a': make_cases([0.1, 0.2]), 'b': make_cases([0.1])})

  def test_refuses_another_truth(self):
    changed = [Case('p0', 11.0, 9.0, 0.1)]
    with self.assertRaisesRegex(InputError, 'two lesion volumes'):
      arm_statistics.check_same_cases({'a': make_cases([0.1]), 'b': changed})

  def test_accepts_the_same_cases(self):
    arm_statistics.check_same_cases({'a': make_cases([0.1], [0.0]), 'b': make_cases([0.3], [2.0])})


class ChooseCasesTest(tf.test.TestCase):
  def test_extremes_gain_loss_and_false_positive(self):
    first = make_cases([0.0, 0.5, 0.9, 0.2, 0.8, 0.6], [0.0, 5.0])
    last = make_cases([0.1, 0.5, 0.9, 0.7, 0.4, 0.6], [6.0, 0.0])
    # Means 0.05 0.5 0.9 0.45 0.6 0.6; gains 0.1 0 0 0.5 -0.4 0.
    chosen = arm_statistics.choose_cases({'a': first, 'b': last}, n_extreme=1)
    self.assertEqual(
      chosen,
      [
        ('lowest Dice', 'p0'),
        ('highest Dice', 'p2'),
        ('largest gain', 'p3'),
        ('largest loss', 'p4'),
        ('largest false positive', 'n0'),
      ],
    )

  def test_no_case_twice_and_no_gain_without_second_arm(self):
    chosen = arm_statistics.choose_cases({'a': make_cases([0.3], [0.0])})
    self.assertEqual(chosen, [('lowest Dice', 'p0')])


if __name__ == '__main__':
  tf.test.main()
