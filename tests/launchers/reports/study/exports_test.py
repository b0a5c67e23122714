"""Numbers of the tables for other programs."""

import csv
import io

import numpy as np
import tensorflow as tf

from launchers.reports.study import exports
from stroke_eval.statistics.bootstrap import Interval
from tests.launchers.study import fake_study, rows


def read(text):
  return list(csv.DictReader(io.StringIO(text)))


class ArmsTest(tf.test.TestCase):
  def test_numbers(self):
    tuned = rows.row(rows.TUNED, to_reference=Interval(0.19, 0.16, 0.2212345678))
    first, second = read(exports.arms_csv(rows.analysis(rows.row(rows.CLINICAL), tuned)))
    self.assertEqual(first['arm'], 'clinical')
    self.assertEqual(
      [first[name] for name in ('minus_clinical', 'p_holm', 'worth_cases', 'minus_reference_low')],
      [''] * 4,
    )
    self.assertEqual(float(first['dice_mean']), 0.673)
    self.assertAllClose([float(first['published_mean']), float(first['published_sd'])], [0.687, 0.023])
    self.assertEqual(second['minus_reference_high'], '0.221235')
    self.assertEqual(second['worth_cases_high'], '>120.0')
    self.assertEqual((second['learns_from'], second['start']), ('10 clinical', 'SPADE'))
    self.assertEqual(float(second['lesion_f1']), 0.5)

  def test_a_difference_of_zero_is_a_number(self):
    row = rows.row(rows.SPADE, to_clinical=Interval(0.0, 0.0, 0.0), p_value=0.0)
    found = read(exports.arms_csv(rows.analysis(rows.row(rows.CLINICAL), row)))[1]
    self.assertEqual([found[n] for n in ('minus_clinical', 'minus_clinical_low', 'p_holm')], ['0'] * 3)


class CasesTest(tf.test.TestCase):
  def test_means_over_the_window(self):
    arms = fake_study.mini_arms()[:3]
    study = fake_study.make(n_seeds=2, arms=arms, missing={(arms[2].name, 1)})
    found = read(exports.cases_csv(study))
    n = len(study.cases.subject_id)
    self.assertLen(found, 2 * 2 * n)  # The third arm is not finished.
    row = found[3 * n + 5]
    self.assertEqual((row['arm'], row['seed']), (arms[1].name, '1'))
    self.assertEqual(row['subject_id'], study.cases.subject_id[5])
    self.assertEqual(row['territory'], study.cases.territory[5])
    for metric in ('dice', 'hausdorff95_mm'):
      values = study.results[arms[1].name, 1].metrics[metric][:, 5]
      self.assertAllClose(float(row[metric]), np.mean(values), rtol=1e-5)
    self.assertAllClose(float(row['lesion_ml']), study.cases.lesion_volume_ml[5], rtol=1e-5)


if __name__ == '__main__':
  tf.test.main()
