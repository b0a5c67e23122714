"""Pictures and curves of lesions show the numbers that they were given."""

import numpy as np
import tensorflow as tf

from launchers.reports.study.figures import generated_lesions
from tests.launchers import fake_runs


class GeneratedLesionsTest(tf.test.TestCase):
  def setUp(self):
    super().setUp()
    self.grid = fake_runs.GRID
    _, self.labels, self.lesion = fake_runs.make_volume(np.random.default_rng(5))

  def shown(self, axes):
    return np.asarray(axes.images[0].get_array())

  def test_gallery_gives_volumes(self):
    brain = (self.labels > 0).astype(float)
    figure = generated_lesions.draw_gallery(self.lesion[np.newaxis], brain, self.grid)
    volume_ml = self.lesion.sum() * 6 * 6 * 12 / 1000
    self.assertEqual(figure.axes[0].get_xlabel(), f'{volume_ml:.1f} ml')
    self.assertEqual([ax.get_visible() for ax in figure.axes], [True, False, False, False])
    self.assertAllClose(self.shown(figure.axes[0]).max(), 12 * self.lesion.sum(2).max())

  def test_frequency_uses_one_scale(self):
    brain = (self.labels > 0).astype(float)
    shares = {'generated': 0.5 * self.lesion, 'real': 0.2 * self.lesion}
    figure = generated_lesions.draw_frequency(shares, brain, self.grid)
    self.assertEqual([ax.images[0].get_clim() for ax in figure.axes[:2]], [(0, 0.5), (0, 0.5)])

  def test_volume_distribution(self):
    axes = generated_lesions.draw_volumes({'real': np.array([1.0, 10.0])}, 0.5).axes[0]
    self.assertAllClose(axes.lines[0].get_ydata(), [0, 0.5, 1])
    self.assertEqual(axes.get_legend().get_texts()[0].get_text(), 'real (n = 2)')
    self.assertAllClose(axes.lines[1].get_xdata(), [0.5, 0.5])

  def test_what_audits_rejected(self):
    rejected = {'cut lesion': 1, 'faint lesion': 2}
    audits = {'a': {'rejected': rejected}, 'b': {'rejected': {}}, 'c': None}
    text = generated_lesions.audit_text(audits)
    self.assertEndsWith(text, ': a 3 (1 cut lesion, 2 faint lesion); b none; c was not audited.')


if __name__ == '__main__':
  tf.test.main()
