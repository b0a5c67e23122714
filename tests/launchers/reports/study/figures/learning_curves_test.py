"""Curves show means and ranges over seeds; equivalents stand where they belong."""

import numpy as np
import tensorflow as tf

from launchers.reports.study.figures import learning_curves
from launchers.study.summary import DiceSummary
from stroke_eval.statistics.bootstrap import Interval
from stroke_eval.statistics.equivalents import Equivalent
from tests.launchers.study import fake_study, rows


class LearningCurvesTest(tf.test.TestCase):
  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    cls.study = fake_study.make(arms=rows.ARMS)
    cls.arms = (rows.FUSION, rows.MIX, rows.SPADE)
    cls.figure = learning_curves.learning_curves(cls.study, 'group', cls.arms)

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
    lines = learning_curves.learning_curves(study, 'clinical + synthetic', arms).figure.axes[0].lines
    self.assertLen({line.get_marker() for line in lines}, 6)
    self.assertLen({str(line._dash_pattern) for line in lines}, 6)
    self.assertLen({line.get_color() for line in lines}, 6)

  def test_the_evaluated_epochs_are_shaded(self):
    box = self.figure.axes[0].patches[0].get_extents()
    x = self.figure.axes[0].transData.inverted().transform(box.get_points())[:, 0]
    self.assertAllClose(x, [4.5, 8.5])


class EquivalentsTest(tf.test.TestCase):
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
    axes = learning_curves.equivalents([], falling, rows.ARMS).axes[0]
    line = next(line for line in axes.lines if line.get_linestyle() == '-')
    self.assertAllClose(line.get_ydata(), [30, 45, 45])
    squares = next(line for line in axes.lines if line.get_marker() == 's')
    self.assertAllClose(squares.get_ydata(), [30, 50, 40])

  def points(self, axes, marker):
    return [
      (line.get_xdata()[0], line.get_ydata()[0]) for line in axes.lines if line.get_marker() == marker
    ]

  def test_on_the_curve(self):
    axes = learning_curves.equivalents(self.rows(), self.curve, rows.ARMS).axes[0]
    self.assertAllClose(axes.lines[0].get_xydata(), [[5, 30], [20, 50], [120, 70]])
    self.assertAllClose(self.points(axes, 'o'), [(31, 55)])  # The other one is beyond it.

  def test_worth(self):
    axes = learning_curves.worth(self.rows(), self.curve, rows.ARMS).axes[0]
    self.assertAllClose(self.points(axes, '|'), [(10, 1), (120, 3.35)])  # What they learnt from.
    self.assertAllClose(self.points(axes, 'o'), [(31, 1)])
    beyond = self.points(axes, '>')
    self.assertAllClose([y for _, y in beyond], [1, 3.35, 3.35])
    self.assertTrue(all(x > 120 for x, _ in beyond))
    self.assertLess(max(x for x, _ in beyond), axes.get_xlim()[1])


if __name__ == '__main__':
  tf.test.main()
