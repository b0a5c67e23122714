"""The tables hold each arm where it belongs."""

import dataclasses

import tensorflow as tf

from launchers.reports.study import tables
from launchers.reports.study.arm_styles import arm_styles
from launchers.reports.study.tables import Cell
from launchers.study.summary import DiceSummary
from stroke_eval.statistics.bootstrap import Interval
from stroke_eval.synthesis_checks import Check
from tests.launchers.study import rows

STYLES = arm_styles(rows.ARMS)


class PaperTableTest(tf.test.TestCase):
  def test_layout(self):
    found = tables.paper_table(arm_styles(rows.ARMS), [rows.row(arm) for arm in rows.ARMS])
    ours = '67.3 ± 1.4'
    self.assertEqual(found.head, ('training data', 'baseline', 'SPADE'))
    self.assertEqual(
      found.rows,
      (
        ('clinical', (Cell('', ours, '68.7 ± 2.3'), None)),
        ('strong', (Cell('', ours, ''), None)),
        ('10 clinical', (Cell('', ours, ''), None)),
        ('clinical + synthetic', (Cell('fusion', ours, ''), Cell('', ours, '78.1 ± 1.8'))),
        ('', (Cell('mix', ours, ''), None)),
        ('synthetic', (None, Cell('', ours, ''))),
        ('synthetic, then 10 clinical', (None, Cell('', ours, '67.1 ± 1.5'))),
      ),
    )

  def test_two_arms_of_one_translator_have_their_names(self):
    more = dataclasses.replace(rows.ALONE, name='400 SPADE')
    found = tables.paper_table(arm_styles((rows.CLINICAL, rows.ALONE, more)), [])
    self.assertEqual(
      [(label, cells[1].name) for label, cells in found.rows[1:]],
      [('synthetic', ''), ('', '400 SPADE')],
    )

  def test_an_arm_that_is_not_finished_keeps_its_place(self):
    found = tables.paper_table(arm_styles((rows.CLINICAL, rows.SPADE)), [rows.row(rows.CLINICAL)])
    self.assertEqual(found.rows[1][1][1], Cell('', 'not finished', '78.1 ± 1.8'))

  def test_one_value_has_no_deviation(self):
    one = rows.row(rows.CLINICAL, dice=DiceSummary(0.5, None, 0.5))
    self.assertEqual(
      tables.paper_table(arm_styles((rows.CLINICAL,)), [one]).rows[0][1][0].found, '50.0'
    )


class FullTablesTest(tf.test.TestCase):
  def test_dice_table(self):
    alone, corrected = Interval(0.19, 0.16, 0.22), Interval(0.19, 0.13, 0.25)
    tuned = rows.row(rows.TUNED, to_reference=alone, corrected=corrected, p_value=0.0004)
    found = tables.dice_table(rows.analysis(rows.row(rows.CLINICAL), tuned), STYLES)
    self.assertEqual(found.head[5], 'minus clinical')
    self.assertEqual(
      found.rows,
      [
        ['clinical'],
        ['clinical', '67.3 ± 1.4', '69.0', '1.6', '60.5', '', '', '', '', '', ''],
        ['synthetic, then 10 clinical'],
        [
          *(
            'SPADE',
            '67.3 ± 1.4',
            '69.0',
            '1.6',
            '60.5',
            '+2.0 (\N{MINUS SIGN}1.0 to +5.0)',
          ),
          *('+19.0 (+16.0 to +22.0)', 'to 10 clinical', '+19.0 (+13.0 to +25.0)'),
          *('< 0.001', '43 (31 to > 120)'),
        ],
      ],
    )

  def test_metrics_table(self):
    metrics = {
      'lesion_precision': 0.91,
      'lesion_recall': 0.82,
      'lesion_f1': 0.73,
      'volume_difference_ml': 1.234,
      'count_difference': 0.5,
      'hausdorff95_mm': 12.34,
    }
    found = tables.metrics_table(rows.analysis(rows.row(rows.CLINICAL, metrics=metrics)), STYLES)
    self.assertEqual(
      found.rows[1], ['clinical', '91.0', '82.0', '73.0', '1.23', '0.50', '12.3', '0.25', '30 %']
    )

  def test_classes_of_lesions(self):
    metrics = {**rows.row(rows.CLINICAL).metrics, 'dice_oedema': 0.81, 'dice_tumour_core': 0.62}
    found = tables.metrics_table(rows.analysis(rows.row(rows.CLINICAL, metrics=metrics)), STYLES)
    self.assertEqual(found.head[-2:], ['oedema', 'tumour core'])
    self.assertEqual(found.rows[1][-2:], ['81.0', '62.0'])
    self.assertEqual(found.groups[-1], ('Dice (%)', 2))
    self.assertEqual(sum(span for _, span in found.groups), len(found.head))

  def test_without_negative_cases(self):
    row = rows.row(rows.CLINICAL, false_positive_ml=None, false_positive_share=None)
    self.assertEqual(
      tables.metrics_table(rows.analysis(row), STYLES).rows[1][-2:], ['\N{EN DASH}', '\N{EN DASH}']
    )

  def test_names_above_columns_span_all_of_them(self):
    for found in (tables.dice_table, tables.metrics_table):
      made = found(rows.analysis(rows.row(rows.CLINICAL)), STYLES)
      self.assertEqual(sum(span for _, span in made.groups), len(made.head))
      self.assertLen(made.rows[1], len(made.head))


class ChecksTableTest(tf.test.TestCase):
  def check(self, generated, is_good=None):
    return Check('key', 'what', generated, 0.5, '{:.1f}'.format, 'at most 1', is_good)

  def test_one_set(self):
    checks = [self.check(0.25, True), self.check(2.0, False), self.check(float('nan'))]
    found = tables.checks_table({'a': checks}, 'Note.')
    self.assertEqual(
      found.rows,
      [
        ['what', '0.2', '0.5', 'at most 1', 'pass'],
        ['what', '2.0', '0.5', 'at most 1', 'attention'],
        ['what', '\N{EN DASH}', '0.5', 'at most 1', ''],
      ],
    )
    self.assertEqual(found.note, 'Note.')

  def test_several_sets_stand_below_their_names(self):
    found = tables.checks_table({'a': [self.check(1.0)], 'b': [self.check(2.0)]})
    self.assertEqual([row[0] for row in found.rows], ['a', 'what', 'b', 'what'])


class StageTableTest(tf.test.TestCase):
  def test_seeds_stand_beside_one_another(self):
    found = tables.stage_table({'SPADE, seed 0': 61, 'SPADE, seed 1': 59, 'U-Net, seed 1': 2, 'set': 3})
    self.assertEqual(found.head, ['stage', 'seed 0', 'seed 1', 'time'])
    self.assertEqual(
      found.rows,
      [
        ['SPADE', '1 min 01 s', '59 s', ''],
        ['U-Net', '', '2 s', ''],
        ['set', '', '', '3 s'],
        ['sum', '1 min 01 s', '1 min 01 s', '3 s'],
      ],
    )


if __name__ == '__main__':
  tf.test.main()
