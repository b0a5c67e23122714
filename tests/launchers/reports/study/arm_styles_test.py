"""Styles of arms are told apart, and the same wherever an arm is shown."""

import tensorflow as tf

from launchers.reports.study.arm_styles import arm_styles
from launchers.study.arms import Arm
from tests.launchers.study import rows


class ArmStylesTest(tf.test.TestCase):
  def test_styles_differ_without_colour(self):
    arms = [Arm(name, {name: 1}, 8, 4, system=name) for name in ('', 'a', 'b', 'c', 'd')]
    styles = arm_styles(arms)
    found = [styles.of(arm) for arm in arms]
    for marks in (
      [one.series.marker for one in found],
      [one.series.dash for one in found],
      [one.hatch for one in found],
    ):
      self.assertLen(set(map(str, marks)), 5)

  def test_arms_of_a_translator_share_its_style(self):
    styles = arm_styles(rows.ARMS)
    self.assertEqual(styles.systems, ('SPADE',))
    self.assertIs(styles.of(rows.SPADE), styles.of(rows.TUNED))
    self.assertIs(styles.series(rows.FUSION), styles.series(rows.CLINICAL))
    self.assertIsNot(styles.of(rows.SPADE), styles.of(rows.CLINICAL))

  def test_names_and_order(self):
    styles = arm_styles(rows.ARMS)
    self.assertEqual(styles.arms, rows.ARMS)
    self.assertEqual(list(styles.labels), [arm.name for arm in rows.ARMS])
    self.assertEqual(styles.labels['clinical + SPADE'], 'SPADE')


if __name__ == '__main__':
  tf.test.main()
