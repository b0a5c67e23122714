"""Equivalents stand where they belong."""

import tensorflow as tf

from launchers.reports.study.arm_styles import arm_styles
from launchers.reports.study.figures import worth
from launchers.study.summary import DiceSummary
from stroke_eval.statistics.bootstrap import Interval
from stroke_eval.statistics.equivalents import Equivalent
from tests.launchers.study import rows

STYLES = arm_styles(rows.ARMS)


class WorthTest(tf.test.TestCase):
  curve = ((5, Interval(0.3, 0.2, 0.4)), (20, Interval(0.5, 0.4, 0.6)), (120, Interval(0.7, 0.6, 0.8)))

  def rows(self):
    dice = DiceSummary(0.55, 0.01, 0.56)
    return [
      rows.row(rows.TUNED, dice=dice, equivalent=Equivalent(31.0, 22.0, 120.0, '', '', '>')),
      rows.row(rows.SPADE, equivalent=Equivalent(120.0, 120.0, 120.0, '>', '>', '>')),
    ]

  def test_the_line_averages_neighbours_that_fall_as_worth_does(self):
    falling = (
      (5, Interval(0.3, 0.2, 0.4)),
      (20, Interval(0.5, 0.4, 0.6)),
      (120, Interval(0.4, 0.3, 0.5)),
    )
    axes = worth.draw_curve([], falling, STYLES).axes[0]
    line = next(line for line in axes.lines if line.get_linestyle() == '-')
    self.assertAllClose(line.get_ydata(), [30, 45, 45])
    squares = next(line for line in axes.lines if line.get_marker() == 's')
    self.assertAllClose(squares.get_ydata(), [30, 50, 40])

  def points(self, axes, marker):
    return [
      (line.get_xdata()[0], line.get_ydata()[0]) for line in axes.lines if line.get_marker() == marker
    ]

  def test_on_the_curve(self):
    axes = worth.draw_curve(self.rows(), self.curve, STYLES).axes[0]
    self.assertAllClose(axes.lines[0].get_xydata(), [[5, 30], [20, 50], [120, 70]])
    self.assertAllClose(self.points(axes, 'o'), [(31, 55)])  # The other one is beyond it.

  def test_worth(self):
    axes = worth.draw_worth(self.rows(), self.curve, STYLES).axes[0]
    self.assertAllClose(self.points(axes, '|'), [(10, 1), (120, 3.35)])  # What they learnt from.
    self.assertAllClose(self.points(axes, 'o'), [(31, 1)])
    beyond = self.points(axes, '>')
    self.assertAllClose([y for _, y in beyond], [1, 3.35, 3.35])
    self.assertTrue(all(x > 120 for x, _ in beyond))
    self.assertLess(max(x for x, _ in beyond), axes.get_xlim()[1])

  def test_without_a_curve(self):
    found = rows.analysis(*self.rows(), learning_curve=self.curve[:1])
    self.assertIsNone(worth.worth(found, STYLES, [], ''))


if __name__ == '__main__':
  tf.test.main()
