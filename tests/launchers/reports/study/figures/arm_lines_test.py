"""Lines of arms below the names of their groups."""

import tensorflow as tf

from launchers.reports.study.arm_styles import arm_styles
from launchers.reports.study.figures.arm_lines import grouped_lines, lines_figure
from launchers.study.arms import Arm
from tests.launchers.study import rows


class ArmLinesTest(tf.test.TestCase):
  def setUp(self):
    super().setUp()
    arms = (rows.FUSION, rows.SPADE, Arm('plain', {'clinical': 'all'}, 8, 4), rows.TEN)
    self.lines = grouped_lines(arms, arm_styles(arms))

  def test_lines_stand_below_the_names_of_their_groups(self):
    self.assertAllClose([height for _, height in self.lines.headings], [0, 4.7])
    self.assertEqual(
      [name for name, _ in self.lines.headings], ['clinical + synthetic', 'few clinical cases']
    )
    self.assertAllClose(list(self.lines.at.values()), [1, 2, 3.35, 5.7])
    self.assertAllClose(self.lines.depth, 5.7)

  def test_axes_have_a_line_for_each_arm(self):
    _, axes = lines_figure(self.lines, top_lines=2)
    self.assertAllClose(axes.get_yticks(), list(self.lines.at.values()))
    self.assertEqual(
      [text.get_text() for text in axes.get_yticklabels()], ['fusion', 'SPADE', 'plain', '10 clinical']
    )
    self.assertAllClose(axes.get_ylim(), (6.4, -2.6))


if __name__ == '__main__':
  tf.test.main()
