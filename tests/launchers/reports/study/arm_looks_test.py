"""Names, order and looks of arms."""

import dataclasses

import tensorflow as tf

from launchers.reports.study import arm_looks
from launchers.study.arms import Arm
from tests.launchers.study import rows


class LooksTest(tf.test.TestCase):
  def test_labels_tell_arms_of_a_group_apart(self):
    self.assertEqual(
      list(arm_looks.labels(rows.ARMS).values()),
      ['clinical', 'strong', '10 clinical', 'fusion', 'mix', 'SPADE', 'SPADE', 'SPADE'],
    )

  def test_arms_that_differ_in_number_alone_keep_their_names(self):
    more = dataclasses.replace(rows.ALONE, name='400 SPADE')
    self.assertEqual(
      arm_looks.labels((rows.SPADE, rows.ALONE, more)),
      {'clinical + SPADE': 'SPADE', 'SPADE': 'SPADE', '400 SPADE': '400 SPADE'},
    )

  def test_what_a_study_is_about(self):
    found = [arm.name for arm in rows.ARMS if not arm_looks.is_asked(arm)]
    self.assertEqual(found, ['10 clinical'])

  def test_uses_synthetic(self):
    found = [arm.name for arm in rows.ARMS if arm_looks.uses_synthetic(arm)]
    self.assertEqual(
      found, [a.name for a in (rows.FUSION, rows.MIX, rows.SPADE, rows.ALONE, rows.TUNED)]
    )

  def test_groups_come_in_order_of_their_first_arm(self):
    arms = (rows.CLINICAL, rows.TEN, rows.STRONG)
    self.assertEqual(
      arm_looks.groups(arms),
      {'clinical': [rows.CLINICAL, rows.STRONG], 'few clinical cases': [rows.TEN]},
    )

  def test_lines_stand_below_the_names_of_their_groups(self):
    plain = Arm('plain', {'clinical': 'all'}, 8, 4)
    lines = arm_looks.lines((rows.FUSION, rows.SPADE, plain, rows.TEN))
    self.assertAllClose([height for _, height in lines.headings], [0, 4.7])
    self.assertEqual(
      [name for name, _ in lines.headings], ['clinical + synthetic', 'few clinical cases']
    )
    self.assertAllClose(list(lines.at.values()), [1, 2, 3.35, 5.7])
    self.assertAllClose(lines.depth, 5.7)

  def test_looks_differ_without_colour(self):
    arms = [Arm(name, {name: 1}, 8, 4, system=name) for name in ('', 'a', 'b', 'c', 'd')]
    found = arm_looks.looks(arms).values()
    for marks in (
      [look.series.marker for look in found],
      [look.series.dash for look in found],
      [look.hatch for look in found],
    ):
      self.assertLen(set(map(str, marks)), 5)


if __name__ == '__main__':
  tf.test.main()
