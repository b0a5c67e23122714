"""Boxes show the numbers that they were given."""

from unittest import mock

import numpy as np
import tensorflow as tf

from launchers.reports import style
from launchers.reports.study.arm_styles import arm_styles
from launchers.reports.study.figures import test_dice
from tests.launchers.study import fake_study, rows


class BoxesTest(tf.test.TestCase):
  def test_values_and_published(self):
    arms = (rows.CLINICAL, rows.SPADE, rows.ALONE)
    values = {arm.name: np.array([[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]]) for arm in arms}
    axes = test_dice.draw(arms, values, arm_styles(rows.ARMS)).axes[0]
    stars = [
      (line.get_xdata()[0], line.get_ydata()[0]) for line in axes.lines if line.get_marker() == '*'
    ]
    self.assertAllClose([x for x, _ in stars], [68.7, 78.1])
    medians = [line for line in axes.lines if np.allclose(line.get_xdata(), 35)]
    self.assertLen(medians, 3)
    boxes = [patch.get_path().get_extents() for patch in axes.patches]
    self.assertAllClose([(box.x0, box.x1) for box in boxes], [(22.5, 47.5)] * 3)
    self.assertEqual([bool(patch.get_hatch()) for patch in axes.patches], [False, True, True])

  def test_tuned_arms_stand_apart_with_what_they_are_compared_with(self):
    arms = (rows.CLINICAL, rows.TEN, rows.ALONE, rows.TUNED)
    study, styles = fake_study.make(arms=arms), arm_styles(arms)
    shown = []
    with self._keeping(shown), style.style():
      sections = [
        draw(study, styles, [])
        for draw in (test_dice.dice_by_training_data, test_dice.dice_after_tuning)
      ]
    self.assertEqual([section.number for section in sections], [5, 7])
    self.assertEqual(shown, [['clinical', 'SPADE'], ['10 clinical', 'SPADE, then 10 clinical']])

  def _keeping(self, shown):
    draw = test_dice.draw
    keep = lambda arms, *rest: shown.append([arm.name for arm in arms]) or draw(arms, *rest)
    return mock.patch.object(test_dice, 'draw', keep)

  def test_without_tuned_arms(self):
    study = fake_study.make(arms=(rows.CLINICAL, rows.TEN))
    self.assertIsNone(test_dice.dice_after_tuning(study, arm_styles(study.arms), []))


if __name__ == '__main__':
  tf.test.main()
