"""Curves show means and ranges over seeds."""

import numpy as np
import tensorflow as tf

from launchers.reports.study.arm_styles import arm_styles
from launchers.reports.study.figures import learning_curves
from tests.launchers.study import fake_study, rows


class LearningCurvesTest(tf.test.TestCase):
  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    cls.study = fake_study.make(arms=rows.ARMS)
    cls.arms = (rows.FUSION, rows.MIX, rows.SPADE)
    cls.figure = learning_curves.draw(cls.study, 'group', cls.arms, arm_styles(rows.ARMS))

  def test_mean_and_range_over_the_seeds(self):
    axes = self.figure.axes[0]
    curves = [self.study.results['clinical + mix', seed].curve['dice'] for seed in range(3)]
    self.assertAllClose(axes.lines[1].get_ydata(), 100 * np.mean(curves, axis=0))
    band = axes.collections[1].get_paths()[0].vertices[:, 1]
    self.assertAllClose([band.min(), band.max()], [100 * np.min(curves), 100 * np.max(curves)])

  def test_epochs_without_a_value_are_left_out(self):
    line = self.figure.axes[1].lines[0]
    test_dice = self.study.results['clinical + fusion', 0].curve['test_dice']
    self.assertAllClose(line.get_xdata(), 1 + np.flatnonzero(np.isfinite(test_dice)))
    self.assertTrue(np.isfinite(line.get_ydata()).all())

  def test_lines_differ_without_colour(self):
    lines = self.figure.axes[0].lines
    self.assertLen({line.get_marker() for line in lines}, 3)
    self.assertLen({str(line._dash_pattern) for line in lines}, 3)
    names = [text.get_text() for text in self.figure.legends[0].get_texts()]
    self.assertEqual(names, ['fusion', 'mix', 'SPADE'])

  def test_four_translators_and_two_baselines_of_one_group_differ(self):
    study = fake_study.make(arms=fake_study.mini_arms((*fake_study.TRANSLATORS, 'in scan')))
    arms = [arm for arm in study.arms if arm.group == 'clinical + synthetic']
    figure = learning_curves.draw(study, 'clinical + synthetic', arms, arm_styles(study.arms))
    lines = figure.axes[0].lines
    self.assertLen({line.get_marker() for line in lines}, 6)
    self.assertLen({str(line._dash_pattern) for line in lines}, 6)
    self.assertLen({line.get_color() for line in lines}, 6)

  def test_the_evaluated_epochs_are_shaded(self):
    box = self.figure.axes[0].patches[0].get_extents()
    x = self.figure.axes[0].transData.inverted().transform(box.get_points())[:, 0]
    self.assertAllClose(x, [4.5, 8.5])


if __name__ == '__main__':
  tf.test.main()
