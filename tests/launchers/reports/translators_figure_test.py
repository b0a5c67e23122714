"""The figure shows the slices and the numbers that it was given."""

import math

import numpy as np
import tensorflow as tf

from launchers.reports import axial_view
from launchers.reports.translators_figure import ShownCase, comparison_figure
from stroke_eval.translation import Scores
from tests.launchers import fake_runs

NAMES = ['background', 'left cerebral cortex', 'right cerebral cortex'] + ['other'] * 25


class ComparisonFigureTest(tf.test.TestCase):
  def setUp(self):
    super().setUp()
    self.cases = [self.make_case(seed) for seed in (5, 6)]
    self.scores = {
      'first': Scores(0.0312, 0.95, 0.41, 1.05, 0.7, math.nan),
      'second': Scores(0.04, 0.9, -0.03, 1.11, 0.6, 0.012),
    }
    self.figure = comparison_figure(
      self.cases, self.scores, {'second': 0.975}, 0.5, fake_runs.GRID, NAMES, 'A note.'
    )
    self.axes = np.reshape(self.figure.axes, (3, 4))

  def make_case(self, seed: int) -> ShownCase:
    image, labels, lesion = fake_runs.make_volume(np.random.default_rng(seed))
    real = image[..., 0].astype(np.float32)
    return ShownCase(labels, lesion, real, {'second': real / 2, 'first': real / 4})

  def texts(self, column: int) -> list[str]:
    return [text.get_text() for text in self.axes[2, column].texts]

  def test_slices_hold_the_largest_area_and_stand_under_their_translator(self):
    box = axial_view.brain_box(np.maximum(self.cases[0].labels, self.cases[1].labels))
    titles = [ax.get_title() for ax in self.axes[0]]
    self.assertEqual(titles, ['labels with lesion', 'real', 'first', 'second'])
    for case, row in zip(self.cases, self.axes):
      z = int(case.lesion.sum((0, 1)).argmax())
      crop = lambda volume, z=z: axial_view.to_display(volume[(*box, z)])
      shown = [np.asarray(ax.images[0].get_array()) for ax in row]
      self.assertAllEqual(shown[0], crop(np.where(case.lesion > 0, 28, case.labels)))
      for picture, volume in zip(
        shown[1:], (case.real, case.translated['first'], case.translated['second'])
      ):
        self.assertAllClose(picture, crop(volume))
      volume_ml = case.lesion.sum() * fake_runs.GRID.voxel_volume_ml
      self.assertStartsWith(row[0].get_ylabel(), f'{volume_ml:.1f} ml, z = ')

  def test_outline_leaves_the_border_of_the_lesion_free(self):
    case, ax = self.cases[0], self.axes[0, 1]
    edges = np.concatenate(ax.collections[0].get_segments())
    z = int(case.lesion.sum((0, 1)).argmax())
    rows = np.flatnonzero(case.lesion[:, :, z].any(axis=0))
    cells = rows.max() - rows.min() + 1
    # One voxel of 6 mm on either side.
    self.assertAllClose(np.ptp(edges[:, 1]), 6.0 * (cells + 2))

  def test_numbers_stand_under_their_translator(self):
    names = self.texts(0)
    self.assertEqual(names[0], 'L1 in the brain')
    none = '\N{EN DASH}'
    self.assertEqual(self.texts(1), ['0.000', '1.000', '0.50', '1.00', '1.00', none, none])
    self.assertEqual(self.texts(2), ['0.031', '0.950', '0.41', '1.05', '0.70', none, none])
    last = ['0.040', '0.900', '\N{MINUS SIGN}0.03', '1.11*', '0.60', '0.012', '0.97']
    self.assertEqual(self.texts(3), last)
    self.assertStartsWith(self.figure.texts[0].get_text(), 'A note.')

  def test_a_score_that_nobody_has_takes_no_line(self):
    scores = {'first': self.scores['first']}
    figure = comparison_figure(self.cases, scores, {}, 0.5, fake_runs.GRID, NAMES, '')
    names = [text.get_text() for text in np.reshape(figure.axes, (3, 3))[2, 0].texts]
    self.assertLen(names, 5)
    self.assertNotIn('diversity', names)


if __name__ == '__main__':
  tf.test.main()
