"""Numbers of the tables for other programs."""

import csv
import io
import json
import re

import numpy as np
import tensorflow as tf

from launchers.reports.study import exports, tables
from launchers.reports.study.arm_styles import arm_styles
from stroke_eval.statistics.bootstrap import Interval
from stroke_eval.synthesis_checks import Check
from tests.launchers.study import fake_study, rows

STYLES = arm_styles(rows.ARMS)


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


class SummaryTest(tf.test.TestCase):
  def summary(self, study, stages=None, checks=None):
    text = exports.summary_json(study, stages or {}, checks or {})
    return json.loads(text, parse_constant=self.fail)

  def study(self, dice, false_ml):
    """Of one arm, two seeds and two epochs: Dice [2, 2, 2] of the cases with lesion."""
    study = fake_study.make(n_seeds=2, arms=[rows.CLINICAL], n_scored=2, n_small=0, n_negative=2)
    positive = study.cases.is_positive
    for seed in study.seeds:
      metrics = study.results['clinical', seed].metrics
      for name, values, where in (
        ('dice', dice, positive),
        ('predicted_volume_ml', false_ml, ~positive),
      ):
        metrics[name] = metrics[name][:2].copy()
        metrics[name][:, where] = np.asarray(values)[seed]
    return study

  def test_arms(self):
    # Means of the cases: 0.25 and 0.75; of the negative ones 0 and, by one of four predictions, 0.5 ml.
    study = self.study(
      dice=[[[0.1, 0.7], [0.3, 0.8]], [[0.2, 0.9], [0.4, 0.6]]],
      false_ml=[[[0, 0], [0, 2]], [[0, 0], [0, 0]]],
    )
    found = self.summary(study)['arms']['clinical']
    expected = {
      'dice_mean': 0.5,
      'dice_sd': 0.125**0.5,
      'dice_median': 0.5,
      'n_cases': 2,
      'n_negative': 2,
      'n_false_positive': 1,
      'false_positive_ml_mean': 0.25,
      'false_positive_ml_max': 0.5,
    }
    self.assertAllClose(found, expected)
    self.assertEqual(list(found), list(expected))

  def test_what_the_cases_cannot_give(self):
    study = fake_study.make(n_seeds=1, arms=[rows.CLINICAL], n_scored=1, n_small=0, n_negative=0)
    found = self.summary(study)['arms']['clinical']
    self.assertEqual(
      [found[name] for name in ('dice_sd', 'false_positive_ml_mean', 'n_negative')], [None, None, 0]
    )

  def test_times_and_the_checks_of_the_first_set(self):
    check = lambda value: Check('copies', '', value, 0.5, str)
    checks = {'a': [check(float('nan'))], 'b': [check(0.25)]}
    study = fake_study.make(n_seeds=1, arms=[rows.CLINICAL])
    found = self.summary(study, {'x, seed 0': 2.5}, checks)
    self.assertEqual(found['stage_seconds'], {'x, seed 0': 2.5})
    self.assertEqual(found['sanity'], {'copies': None, 'copies_real': 0.5})
    self.assertEqual(self.summary(study)['sanity'], {})


class ChecksTest(tf.test.TestCase):
  def test_a_line_for_each_number_of_each_set(self):
    checks = {
      'flow': [
        Check('told_apart_auc', 'of 80 and 80, 0.8 to 0.9', 0.85, None, str, 'at most 0.80', False),
        Check('copies', 'of volumes', 0.0, 0.25, str, 'at most 0.30', True),
      ],
      'fusion': [Check('told_apart_auc', 'too few', float('nan'), float('nan'), str)],
    }
    text = exports.checks_csv(checks)
    self.assertEqual(
      text.splitlines(),
      [
        'set,check,generated,real,expected,holds,what',
        'flow,told_apart_auc,0.85,,at most 0.80,False,"of 80 and 80, 0.8 to 0.9"',
        'flow,copies,0,0.25,at most 0.30,True,of volumes',
        'fusion,told_apart_auc,,,,,too few',
      ],
    )


class LatexTest(tf.test.TestCase):
  def test_special_characters(self):
    self.assertEqual(exports.escape('5 % & a_b #1 {x} $'), r'5 \% \& a\_b \#1 \{x\} \$')
    self.assertEqual(
      exports.escape('1 ± 2, \N{MINUS SIGN}3, < 5, a\\b'), r'1 $\pm$ 2, $-$3, $<$ 5, a\textbackslash{}b'
    )

  def test_rows(self):
    found = exports.paper_latex(
      tables.paper_table(STYLES, [rows.row(arm) for arm in rows.ARMS]), '5 % & more'
    )
    self.assertIn(r'\caption{5 \% \& more}', found)
    self.assertIn(
      'clinical + synthetic & fusion 67.3 $\\pm$ 1.4 & 67.3 $\\pm$ 1.4 \\\\\n'
      ' &  & {\\scriptsize [78.1 $\\pm$ 1.8]} \\\\\n',
      found,
    )

  def test_every_line_has_every_column(self):
    found = exports.paper_latex(tables.paper_table(STYLES, []), '')
    columns = re.search(r'\\begin\{tabular\}\{(\w+)\}', found)[1]
    self.assertEqual(columns, 'lrr')
    for line in found.splitlines():
      if line.endswith(r'\\'):
        self.assertEqual(line.count('&'), 2, line)


if __name__ == '__main__':
  tf.test.main()
