"""Quality figures as texts, their order, and what is suspicious."""

import base64

import numpy as np
import tensorflow as tf

from launchers.reports.quality import numbers as figures

GOOD = {'brain_dice': 0.95, 'template_correlation': 0.5, 'signal_correlation': 0.4}


class WrittenTest(tf.test.TestCase):
  def test_order_names_and_numbers(self):
    quality = {'lesion_contrast_adc': 0.614, 'lesion_contrast_dwi': 1.5, 'lesion_ml': 5.586, **GOOD}
    found = figures.written(quality, {}, ('dwi', 'adc'))
    self.assertEqual(
      [(f.label, f.text) for f in found],
      [
        ('brain Dice', '0.950'),
        ('template correlation', '0.50'),
        ('signal correlation', '0.40'),
        ('lesion in MNI space', '5.59 ml'),
        ('lesion to brain in DWI', '1.50'),
        ('lesion to brain in ADC', '0.61'),
      ],
    )

  def test_a_suspicion_goes_to_its_figure_alone(self):
    quality = {**GOOD, 'lesion_contrast_dwi': 0.9, 'lesion_contrast_adc': 0.6}
    suspicions = {'lesion_contrast_dwi': 'expected at least 1'}
    found = figures.written(quality, suspicions, ('dwi', 'adc'))
    self.assertEqual(
      {f.label: f.expected for f in found if f.expected},
      {'lesion to brain in DWI': 'expected at least 1'},
    )


class BadnessTest(tf.test.TestCase):
  def test_is_what_overlap_and_correlations_lack(self):
    self.assertAllClose(figures.badness(GOOD), 3 - 0.95 - 0.5 - 0.4)

  def test_a_missing_figure_counts_as_zero(self):
    rest = {name: value for name, value in GOOD.items() if name != 'brain_dice'}
    self.assertAllClose(figures.badness(rest), 3 - 0.5 - 0.4)


class HistogramTest(tf.test.TestCase):
  def test_one_for_each_figure_with_two_values(self):
    cases = [{**GOOD, 'brain_dice': value} for value in (0.9, 0.95, 0.7)]
    cases[0]['lesion_ml'] = 3.0
    found = figures.histograms(cases, [False, False, True], ('dwi',))
    self.assertLen(found, 3)
    self.assertEqual(found[0].median, '0.900')
    self.assertEqual(found[0].alt, 'brain Dice: median 0.900, 0.700 to 0.950, n = 3')
    self.assertEqual(found[2].label, 'signal correlation')

  def test_suspicious_cases_are_hatched(self):
    cases = [{'brain_dice': value} for value in np.linspace(0.5, 1, 9)]
    svg = lambda flags: base64.b64decode(figures.histograms(cases, flags, ())[0].uri.split(',')[1])
    self.assertIn(b'pattern', svg([True] * 2 + [False] * 7))
    self.assertEqual(svg([False] * 9), svg([False] * 9))
    self.assertNotEqual(svg([True] + [False] * 8), svg([False] * 9))

  def test_equal_values_are_drawn(self):
    self.assertLen(figures.histograms([{'coverage': 1.0}] * 4, [False] * 4, ()), 1)


if __name__ == '__main__':
  tf.test.main()
