"""Numbers of scans whose intensities are known."""

import math

import numpy as np
import tensorflow as tf

from stroke_eval import tissue_contrast
from stroke_eval.tissue_contrast import TissueContrast
from stroke_tfds.errors import InputError
from stroke_tfds.imaging.grid import Grid
from stroke_tfds.label_schemes import ASEG28

GRID = Grid('g', (40, 40, 10), (3.0, 3.0, 8.0), (-60.0, -60.0, -40.0))
SCHEME = {'names': list(ASEG28.names), 'parenchyma_ids': list(ASEG28.parenchyma_ids)}
SIGNAL = {
  'cerebral white matter': 100.0,
  'cerebral cortex': 120.0,
  'putamen': 95.0,
  'pallidum': 60.0,
  'cerebellar cortex': 130.0,
  'lateral ventricle': 40.0,
}


def _head() -> tuple[np.ndarray, np.ndarray]:
  """A block of white matter with other structures in it and cortex around it; noiseless."""
  labels = np.zeros(GRID.shape, np.uint8)
  blocks = (
    ('cerebral cortex', np.s_[5:35, 5:35, 1:9]),
    ('cerebral white matter', np.s_[8:32, 8:32, 1:9]),
    ('putamen', np.s_[10:13, 10:13, 2:5]),
    ('pallidum', np.s_[14:17, 10:13, 2:5]),
    ('cerebellar cortex', np.s_[10:13, 26:30, 1:4]),
    ('lateral ventricle', np.s_[14:20, 18:24, 3:7]),
  )
  image = np.zeros(GRID.shape, np.float32)
  for name, where in blocks:
    labels[where] = ASEG28.id_of(f'left {name}')
    image[where] = SIGNAL[name]
  return image, labels


class MeasureTest(tf.test.TestCase):
  def setUp(self):
    super().setUp()
    self.image, self.labels = _head()
    self.lesion = np.zeros(GRID.shape, np.uint8)

  def measure(self, image=None):
    image = self.image if image is None else image
    return tissue_contrast.measure(image, self.labels, self.lesion, GRID, SCHEME)

  def test_contrasts_are_ratios_to_white_matter_at_any_scale(self):
    for scale in (1, 0.004):
      found = self.measure(self.image * scale).contrast
      self.assertAllClose(
        (found.grey, found.deep_grey, found.pallidum, found.cerebellum, found.fluid),
        (1.2, 0.95, 0.6, 1.3, 0.4),
        rtol=1e-5,
      )
      self.assertAllClose(found.noise, 0, atol=1e-6)
      self.assertTrue(math.isnan(found.lesion_to_parenchyma) and math.isnan(found.lesion_spread))

  def test_noise_is_the_deviation_that_was_added(self):
    rng = np.random.default_rng(0)
    image = self.image + 4 * rng.standard_normal(GRID.shape, np.float32)
    self.assertAllClose(self.measure(image).contrast.noise, 0.04, rtol=0.15)

  def test_lesion_beside_parenchyma(self):
    where = np.s_[22:28, 10:16, 2:8]  # 216 voxels of 0.072 ml, in white matter.
    self.lesion[where] = 1
    self.image[22:25, 10:16, 2:8], self.image[25:28, 10:16, 2:8] = 150, 210
    made = self.measure()
    healthy = np.isin(self.labels, ASEG28.parenchyma_ids) & (self.lesion == 0)
    self.assertAllClose(made.contrast.lesion_to_parenchyma, 180 / self.image[healthy].mean(), rtol=1e-5)
    self.assertAllClose(made.contrast.lesion_spread, 30 / 180, rtol=1e-5)
    self.assertEqual(made.regions['lesion'].sum(), 216)

  def test_a_small_lesion_has_no_spread(self):
    self.lesion[22:24, 10:12, 2:4] = 1  # 0.58 ml.
    self.assertTrue(math.isfinite(self.measure().contrast.lesion_to_parenchyma))
    self.assertTrue(math.isnan(self.measure().contrast.lesion_spread))

  def test_what_lies_around_the_brain_is_cut_away_and_sulci_are_not(self):
    self.image[self.image == 0] = 50  # Fluid and scalp everywhere.
    self.labels[18:20, 5:8, 1:9] = 27  # A sulcus 6 mm wide.
    made = self.measure()
    self.assertEqual(made.image[1, 1, 5], 0)
    self.assertAllClose(made.image[19, 7, 5], 1.2)
    self.assertTrue(made.regions['brain'][19, 7, 5])
    self.assertFalse(made.regions['parenchyma'][19, 7, 5])

  def test_a_head_without_signal_is_refused(self):
    with self.assertRaisesRegex(InputError, 'no signal in deep white matter'):
      self.measure(np.zeros(GRID.shape))


class SummaryTest(tf.test.TestCase):
  def scan(self, values) -> tissue_contrast.Scan:
    image = np.reshape(np.float32(values), (-1, 1, 1))
    whole, none = image > 0, image < 0
    regions = {'brain': whole, 'parenchyma': whole, 'lesion': none}
    return tissue_contrast.Scan(image, regions, TissueContrast(*([1.0] * 8)))

  def test_every_scan_weighs_the_same(self):
    # Bins are 0.04 wide; 1.0 falls into the one from 1.0 and 9.0 into the last.
    made = tissue_contrast.densities([self.scan([1.01] * 30), self.scan([0.5, 9.0])])
    self.assertAllClose(made['brain'].sum() * 0.04, 1)
    self.assertAllClose(made['brain'][[12, 25, 74]] * 0.04, [0.25, 0.5, 0.25])
    self.assertEqual(made['lesion'].max(), 0)

  def test_median_leaves_out_what_was_not_measured(self):
    rows = [
      TissueContrast(*([value] * 7), spread) for value, spread in ((1, math.nan), (2, 0.3), (4, 0.5))
    ]
    made = tissue_contrast.median_contrast(rows)
    self.assertEqual((made.grey, made.lesion_to_parenchyma), (2, 2))
    self.assertAllClose(made.lesion_spread, 0.4)
    self.assertIsNone(tissue_contrast.median_contrast(rows[:1]).to_json()['lesion_spread'])


if __name__ == '__main__':
  tf.test.main()
