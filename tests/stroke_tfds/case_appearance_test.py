"""Appearance of volumes whose numbers are planted."""

import numpy as np
import tensorflow as tf

from stroke_tfds import case_appearance
from stroke_tfds.errors import InputError
from stroke_tfds.sources import open_sources
from tests import tiny

_SCHEME = {
  'names': ['background', 'left cerebral white matter', 'left cerebral cortex', 'left putamen'],
  'lesion_id': 4,
  'parenchyma_ids': [1, 2, 3],
}


def _volume():
  """White matter of 1 (16 x 16 x 4), cortex of 1.2, a lesion of 1.5 and 1.9 in the white matter."""
  labels = np.zeros((24, 16, 4), np.uint8)
  labels[:16], labels[16:20] = 1, 2
  image = np.where(labels == 2, 1.2, 1.0)
  lesion = np.zeros_like(labels)
  lesion[4:6, 4:8, 1] = 1
  image[4, 4:8, 1], image[5, 4:8, 1] = 1.5, 1.9
  return image, labels, lesion


class MeasureTest(tf.test.TestCase):
  def measure(self, image, labels, lesion):
    return case_appearance.measure(image[..., np.newaxis], labels, lesion, ['DWI'], _SCHEME)

  def test_planted(self):
    found = self.measure(*_volume())
    self.assertAllClose(found['DWI.lesion_to_parenchyma'], 1.7)
    self.assertAllClose(found['DWI.lesion_spread'], 0.2 / 1.7)
    self.assertAllClose(found['DWI.bright_tissue'], 1.2)
    self.assertAllClose(found['DWI.cortex_to_white'], 1.2)
    self.assertAllClose(found['DWI.white_spread'], 0)
    self.assertAllClose(found['DWI.noise'], 0)

  def test_scale_changes_nothing(self):
    image, labels, lesion = _volume()
    self.assertAllClose(self.measure(image, labels, lesion), self.measure(0.3 * image, labels, lesion))

  def test_noise_is_its_deviation(self):
    image, labels, lesion = _volume()
    draws = np.random.default_rng(0).normal(0, 0.05, (20, *image.shape))
    found = [self.measure(image + noise, labels, lesion)['DWI.noise'] for noise in draws]
    self.assertAllClose(np.mean(found), 0.05, rtol=0.04)

  def test_a_healthy_brain_lacks_a_lesion(self):
    image, labels, lesion = _volume()
    found = self.measure(image, labels, np.zeros_like(lesion))
    lacking = [name for name, value in found.items() if np.isnan(value)]
    self.assertEqual(lacking, ['DWI.lesion_to_parenchyma', 'DWI.lesion_spread'])

  def test_each_contrast_has_its_own(self):
    image, labels, lesion = _volume()
    both = np.stack([image, 2 - image], axis=-1)
    found = case_appearance.measure(both, labels, lesion, ['DWI', 'ADC'], _SCHEME)
    self.assertLen(found, 12)
    self.assertAllClose(found['ADC.lesion_to_parenchyma'], 0.3)


class SetsTest(tiny.CohortTestCase):
  def test_every_case_in_order(self):
    (source,) = open_sources([f'{self.cohort}:train'], self.data_dir)
    made = case_appearance.measure_sets([source, source], ['noise', 'lesion_to_parenchyma'])
    self.assertEqual(list(made), ['DWI.noise', 'DWI.lesion_to_parenchyma'])
    scheme, cases = source.metadata['label_scheme'], list(source.examples().as_numpy_iterator())
    ratios = []
    for case in cases:
      image, lesion = case['image'][..., 0].astype(np.float64), case['lesion'] > 0
      healthy = np.isin(case['labels'], scheme['parenchyma_ids']) & ~lesion
      ratios.append(image[lesion].mean() / np.median(image[healthy]))
    self.assertAllClose(made['DWI.lesion_to_parenchyma'], 2 * ratios)

  def test_unknown(self):
    healthy = open_sources([f'{self.cohort}:healthy'], self.data_dir)
    with self.assertRaisesRegex(InputError, 'appearance loudness is unknown, expected lesion_to_paren'):
      case_appearance.measure_sets(healthy, ['loudness'])


if __name__ == '__main__':
  tf.test.main()
