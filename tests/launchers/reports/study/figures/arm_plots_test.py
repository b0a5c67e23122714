"""Figures of lines show the numbers that they were given."""

import numpy as np
import tensorflow as tf
from matplotlib.colors import to_hex

from launchers.reports import style
from launchers.reports.study.figures import arm_plots
from launchers.study.arms import Arm
from stroke_eval.statistics.bootstrap import Interval
from tests.launchers.study import rows


class DifferencesTest(tf.test.TestCase):
  def draw(self):
    columns = {
      'to a': {'clinical + SPADE': Interval(0.05, 0.01, 0.09), 'SPADE': Interval(-0.02, -0.05, 0.01)},
      'to b': {'SPADE': Interval(-0.03, -0.05, -0.01)},
    }
    with style.style():
      figures = arm_plots.differences(rows.ARMS, columns, 'points', of=rows.ARMS)
    return [figure.axes[0] for figure in figures]

  def marks(self, axes):
    """Of each mark: where it is, and whether it is filled."""
    drawn = [line for line in axes.lines if line.get_marker() not in ('None', '')]
    return [
      (*(float(v[0]) for v in line.get_data()), to_hex(line.get_markerfacecolor()) != '#ffffff')
      for line in drawn
    ]

  def test_points_and_what_is_clear(self):
    first, second = self.draw()
    self.assertAllClose(self.marks(first), [(5, 1, True), (-2, 3.35, False)])
    self.assertAllClose(self.marks(second), [(-3, 1, True)])
    lines = [line.get_xdata() for line in first.lines[1:] if len(line.get_xdata()) == 2]
    self.assertAllClose(lines, [[1, 9], [-5, 1]])

  def test_arms_without_a_difference_have_no_line(self):
    labels = [[text.get_text() for text in axes.get_yticklabels()] for axes in self.draw()]
    self.assertEqual(labels, [['SPADE', 'SPADE'], ['SPADE']])

  def test_columns_have_one_scale(self):
    first, second = self.draw()
    # From -5 to 9, and a twentieth of these 14 points on either side.
    self.assertAllClose([first.get_xlim(), second.get_xlim()], [(-5.7, 9.7)] * 2)
    self.assertEqual([axes.get_title(loc='left') for axes in (first, second)], ['to a', 'to b'])


class BoxesTest(tf.test.TestCase):
  def test_values_and_published(self):
    arms = (rows.CLINICAL, rows.SPADE, rows.ALONE)
    values = {arm.name: np.array([[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]]) for arm in arms}
    axes = arm_plots.boxes(arms, values, of=rows.ARMS).axes[0]
    stars = [
      (line.get_xdata()[0], line.get_ydata()[0]) for line in axes.lines if line.get_marker() == '*'
    ]
    self.assertAllClose([x for x, _ in stars], [68.7, 78.1])
    medians = [line for line in axes.lines if np.allclose(line.get_xdata(), 35)]
    self.assertLen(medians, 3)
    boxes = [patch.get_path().get_extents() for patch in axes.patches]
    self.assertAllClose([(box.x0, box.x1) for box in boxes], [(22.5, 47.5)] * 3)
    self.assertEqual([bool(patch.get_hatch()) for patch in axes.patches], [False, True, True])


class RanksTest(tf.test.TestCase):
  def test_joined_by_hand(self):
    # 1.0 and 2.4 are apart by 1.4, so are 2.4 and 3.9; 1.9 to 3.0 hold 2.4.
    found = arm_plots.joined(np.array([1.0, 1.9, 2.4, 3.0, 3.9, 9.0]), 1.2)
    self.assertEqual(found, [(0, 1), (1, 3), (3, 4)])

  def test_joined_at_the_ends(self):
    self.assertEqual(arm_plots.joined(np.array([1.0, 2.0, 3.0]), 5.0), [(0, 2)])
    self.assertEqual(arm_plots.joined(np.array([1.0, 2.0, 3.0]), 0.5), [])

  def test_best_on_top(self):
    arms = [Arm(name, {'clinical': 1}, 8, 4) for name in 'abc']
    axes = arm_plots.ranks(arms, {'a': 2.5, 'b': 1.1, 'c': 2.4}, 0.5).axes[0]
    self.assertEqual([t.get_text() for t in axes.get_yticklabels()], ['b', 'c', 'a'])
    points = [line.get_xydata()[0] for line in axes.lines if line.get_marker() == 's']
    self.assertAllClose(points, [[1.1, 0], [2.4, 1], [2.5, 2]])
    bars = [line.get_xydata() for line in axes.lines if line.get_linewidth() == 2.2]
    self.assertAllClose(bars[0][:, 1], [0.7, 2.3])  # Joins c and a.
    self.assertAllClose(np.ptp(bars[1][:, 0]), 0.5)  # The critical difference itself.
    self.assertGreater(axes.get_ylim()[0], axes.get_ylim()[1])


if __name__ == '__main__':
  tf.test.main()
