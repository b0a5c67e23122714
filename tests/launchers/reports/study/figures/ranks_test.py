"""Ranks stand where their numbers are; bars join what does not differ."""

import numpy as np
import tensorflow as tf

from launchers.reports.study.arm_styles import arm_styles
from launchers.reports.study.figures import ranks
from launchers.study.arms import Arm
from tests.launchers.study import rows


class RanksTest(tf.test.TestCase):
  def test_joined_by_hand(self):
    # 1.0 and 2.4 are apart by 1.4, so are 2.4 and 3.9; 1.9 to 3.0 hold 2.4.
    found = ranks.joined(np.array([1.0, 1.9, 2.4, 3.0, 3.9, 9.0]), 1.2)
    self.assertEqual(found, [(0, 1), (1, 3), (3, 4)])

  def test_joined_at_the_ends(self):
    self.assertEqual(ranks.joined(np.array([1.0, 2.0, 3.0]), 5.0), [(0, 2)])
    self.assertEqual(ranks.joined(np.array([1.0, 2.0, 3.0]), 0.5), [])

  def test_best_on_top(self):
    arms = [Arm(name, {'clinical': 1}, 8, 4) for name in 'abc']
    axes = ranks.draw(arms, {'a': 2.5, 'b': 1.1, 'c': 2.4}, 0.5, arm_styles(arms)).axes[0]
    self.assertEqual([t.get_text() for t in axes.get_yticklabels()], ['b', 'c', 'a'])
    points = [line.get_xydata()[0] for line in axes.lines if line.get_marker() == 's']
    self.assertAllClose(points, [[1.1, 0], [2.4, 1], [2.5, 2]])
    bars = [line.get_xydata() for line in axes.lines if line.get_linewidth() == 2.2]
    self.assertAllClose(bars[0][:, 1], [0.7, 2.3])  # Joins c and a.
    self.assertAllClose(np.ptp(bars[1][:, 0]), 0.5)  # The critical difference itself.
    self.assertGreater(axes.get_ylim()[0], axes.get_ylim()[1])

  def test_two_arms_have_no_ranks(self):
    analysis = rows.analysis(rows.row(rows.CLINICAL), rows.row(rows.SPADE))
    self.assertIsNone(ranks.ranks(analysis, arm_styles(rows.ARMS), []))


if __name__ == '__main__':
  tf.test.main()
