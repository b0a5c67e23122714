"""Plots show the numbers that they were given."""

import numpy as np
import tensorflow as tf

from launchers.arm_statistics import Case
from launchers.reports import plots
from stroke_eval.survey import N_BINS


def make_arms():
  case = lambda name, ml, dice: Case(name, ml, ml, dice)
  return {
    'a': [case('p', 1.0, 0.2), case('q', 30.0, 0.6), case('n', 0.0, 1.0)],
    'b': [case('q', 30.0, 0.5), case('n', 0.0, 0.0), case('p', 1.0, 0.4)],
  }


def points(collection):
  return np.asarray(collection.get_offsets())


class ReportFiguresTest(tf.test.TestCase):
  def test_curves_differ_without_colour(self):
    steps = np.array([10, 20, 30])
    figure = plots.curve_panel(
      'Loss', 'loss', {'a': (steps, steps / 10), 'b': (steps, steps / 5)}, (2.0, 'target')
    )
    first, second, reference = figure.axes[0].lines
    self.assertAllClose(first.get_xydata(), [[10, 1], [20, 2], [30, 3]])
    self.assertAllClose(second.get_ydata(), [2, 4, 6])
    self.assertAllClose(reference.get_ydata(), [2, 2])
    self.assertNotEqual(first.get_linestyle(), second.get_linestyle())
    self.assertNotEqual(first.get_marker(), second.get_marker())

  def test_dice_by_arm_joins_the_same_case(self):
    axes = plots.dice_by_arm(make_arms()).axes[0]
    joined = [line.get_ydata() for line in axes.lines[:2]]
    self.assertAllClose(joined, [[0.2, 0.4], [0.6, 0.5]])
    self.assertAllClose([points(c)[:, 1] for c in axes.collections], [[0.2, 0.6], [0.4, 0.5]])
    means = [line.get_ydata()[0] for line in axes.lines if line.get_marker() == 'D']
    self.assertAllClose(means, [0.4, 0.45])

  def test_dice_by_volume_leaves_negatives_out(self):
    axes = plots.dice_by_volume(make_arms()).axes[0]
    self.assertAllClose(points(axes.collections[0]), [[1, 0.2], [30, 0.6]])
    self.assertAllClose(points(axes.collections[1]), [[30, 0.5], [1, 0.4]])
    self.assertEqual(axes.get_xscale(), 'log')

  def test_gain_is_the_paired_difference(self):
    axes = plots.gain_by_volume(make_arms()).axes[0]
    self.assertAllClose(points(axes.collections[0]), [[1, 0.2], [30, -0.1]])
    low, high = axes.get_ylim()
    self.assertAllClose(-low, high)

  def test_histogram_names_what_was_clipped(self):
    counts = np.ones(N_BINS, int)
    counts[-1] = N_BINS - 1  # Half of all voxels.
    axes = plots.intensity_histogram('Brain', {'clinical': counts}).axes[0]
    values, edges, _ = axes.patches[0].get_data()
    self.assertAllClose(values.mean(), 1.0)
    self.assertAllClose([edges[0], edges[-1]], [0, 1])
    self.assertEqual(axes.get_legend().get_texts()[0].get_text(), 'clinical (50 %)')
    self.assertLess(axes.get_ylim()[1], values[-1])

  def test_volume_distribution(self):
    axes = plots.volume_distribution({'real': np.array([1.0, 10.0])}, 0.5).axes[0]
    self.assertAllClose(axes.lines[0].get_ydata(), [0, 0.5, 1])
    self.assertEqual(axes.get_legend().get_texts()[0].get_text(), 'real (n = 2)')
    self.assertAllClose(axes.lines[1].get_xdata(), [0.5, 0.5])


if __name__ == '__main__':
  tf.test.main()
