"""The figure shows the slices, the curves and the numbers that it was given."""

import math

import numpy as np
import tensorflow as tf

from launchers.reports import axial_view
from launchers.reports.scans_figure import LEVELS_MM, scans_figure
from stroke_eval.tissue_contrast import EDGES, REGIONS, Scan, TissueContrast
from stroke_tfds.imaging.grid import Grid

GRID = Grid('g', (20, 24, 14), (8.0, 8.0, 8.0), (-80.0, -96.0, -48.0))
CONTRASTS = {
  'real': TissueContrast(1.03, 0.93, 0.57, 1.27, 0.48, 0.0124, 1.5, 0.17),
  'simulated': TissueContrast(1.05, 0.96, 0.61, 1.33, 0.42, 0.0223, 1.38, math.nan),
}


def _scan(seed: int) -> Scan:
  image = np.random.default_rng(seed).uniform(0.1, 1.9, GRID.shape).astype(np.float32)
  brain = np.zeros(GRID.shape, bool)
  brain[3:17, 4:20] = True
  return Scan(image * brain, dict.fromkeys(REGIONS, brain), CONTRASTS['real'])


class ScansFigureTest(tf.test.TestCase):
  def setUp(self):
    super().setUp()
    self.shown = {'real': [_scan(0)], 'simulated': [_scan(1), _scan(2)]}
    flat, steep = np.zeros(len(EDGES) - 1), np.zeros(len(EDGES) - 1)
    flat[20:30], steep[25:30] = 2.5, 5.0
    empty = np.zeros(len(EDGES) - 1)
    self.histograms = {
      'real': {'brain': flat, 'parenchyma': flat, 'lesion': flat},
      'simulated': {'brain': steep, 'parenchyma': flat, 'lesion': empty},
    }
    self.figure = scans_figure(self.shown, CONTRASTS, self.histograms, GRID, 'A note.')
    n = 3 * len(LEVELS_MM)
    self.pictures = np.reshape(self.figure.axes[:n], (3, -1))
    self.panels = self.figure.axes[n:]

  def test_slices_stand_at_their_level_real_ones_first(self):
    self.assertEqual([row[0].get_ylabel() for row in self.pictures], ['real', 'simulated', 'simulated'])
    scans = [*self.shown['real'], *self.shown['simulated']]
    z_mm = -48 + 8 * (np.arange(14) + 0.5)
    box = axial_view.brain_box(scans[0].regions['brain'])
    for row, scan in zip(self.pictures, scans):
      for ax, level in zip(row, LEVELS_MM):
        z = int(np.abs(z_mm - level).argmin())
        shown = np.asarray(ax.images[0].get_array())
        self.assertAllClose(shown, axial_view.to_display(scan.image[(*box, z)]))
        self.assertEqual(ax.images[0].get_clim(), (0, 2))
    self.assertEqual(self.pictures[0][0].get_title(), 'z = \N{MINUS SIGN}36 mm')

  def test_titles_say_how_far_the_curves_are_apart(self):
    titles = [ax.get_title(loc='left') or ax.get_title() for ax in self.panels[:3]]
    self.assertEqual(titles, ['brain, KS 0.50', 'parenchyma, KS 0.00', 'lesion, not in both'])
    self.assertLen(self.panels[0].patches, 2)
    self.assertLen(self.panels[2].patches, 1)

  def test_table_holds_the_numbers(self):
    texts = [text.get_text() for text in self.panels[-1].texts]
    for cell in ('1.03', '0.93', '0.57', '1.27', '0.48', '0.012', '1.50', '0.17'):
      self.assertIn(cell, texts)
    for cell in ('1.05', '0.96', '0.61', '1.33', '0.42', '0.022', '1.38', '\N{EN DASH}'):
      self.assertIn(cell, texts)

  def test_caption_says_what_was_measured(self):
    self.assertIn('A note. Slices and histograms', self.figure.texts[0].get_text())


if __name__ == '__main__':
  tf.test.main()
