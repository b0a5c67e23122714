"""Names, order and looks of arms."""

import tensorflow as tf

from launchers.reports.study import arm_looks
from launchers.study.arms import Arm
from tests.launchers.study import rows


class LooksTest(tf.test.TestCase):
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
