import dataclasses

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from stroke_tfds.imaging.grid import GRIDS
from stroke_tfds.phantom import ages, signal
from stroke_tfds.phantom.fields import Lattice

PROTOCOL = signal.Protocol(te_ms=90, b_value=1000, noise=0.03)
WHITE = signal.Tissues(*np.array([[0.72], [75.0], [0.70]]))  # One place.
INFARCT = ages.Infarct(age_days=2.0, adc=0.42, normal_days=8.0, t2_factor=1.5, bleeds=False)
SCAR = ages.Scar(rim_mm=3.0, t2_factor=1.6, adc_factor=1.2, fluid=(0.9, 800.0, 2.4))


def _tissue(age_days: float, severity: float = 1.0, spots: float = 0.0) -> signal.Tissues:
  infarct = dataclasses.replace(INFARCT, age_days=age_days)
  return infarct.tissues(WHITE, np.array([severity]), np.array([spots]))


def _ratio(age_days: float) -> float:
  made = signal.dwi_signal(_tissue(age_days), PROTOCOL) / signal.dwi_signal(WHITE, PROTOCOL)
  return made.item()


class InfarctTest(parameterized.TestCase, tf.test.TestCase):
  @parameterized.parameters(
    # 0.42 is 0.6 of 0.70. T2 is 75 ms x 1.5 to the power of how far it has risen.
    (0.1, 0.70 * 0.6**0.7, 75 * 1.5**0.1),
    (1.0, 0.42, 75 * 1.5**0.7),
    (3.0, 0.42, 75 * 1.5**0.9),
    (4.5, 0.42, 75 * 1.5**0.93),
    (8.0, 0.70, 75 * 1.5),  # Pseudonormal.
    (19.0, 0.70 * 0.6**-0.3, 75 * 1.5),  # Halfway to 30 days.
  )
  def test_adc_falls_and_returns_and_t2_rises(self, age_days, adc, t2_ms):
    made = _tissue(age_days)
    self.assertAllClose(made.adc, [adc])
    self.assertAllClose(made.t2_ms, [t2_ms])
    self.assertAllEqual(made.density, WHITE.density)

  def test_signal_of_the_stages(self):
    # T2 alone shines through: exp(-90 / 112.5 + 90 / 75).
    self.assertAllClose(_ratio(8.0), np.exp(0.4), rtol=1e-5)
    # ADC alone, nearly: exp(0.70 - 0.70 x 0.6^0.7) and 4 % of T2.
    self.assertAllClose(_ratio(0.1), np.exp(0.7 - 0.7 * 0.6**0.7 + 1.2 - 1.2 / 1.5**0.1), rtol=1e-5)
    self.assertGreater(_ratio(3.0), max(map(_ratio, (0.1, 0.5, 8.0, 14.0))))
    self.assertGreater(min(map(_ratio, (0.1, 0.5, 3.0, 8.0, 14.0, 18.0))), 1.1)

  def test_severity_scales_both_in_logarithms_and_ends_at_a_lowest_adc(self):
    made = _tissue(4.5, severity=0.5)
    self.assertAllClose(made.adc, [0.70 * 0.6**0.5])
    self.assertAllClose(made.t2_ms, [75 * 1.5**0.465])
    self.assertAllEqual(_tissue(4.5, severity=0.0).adc, WHITE.adc)
    self.assertAllClose(_tissue(4.5, severity=9.0).adc, [0.25])

  def test_blood_is_dark(self):
    self.assertAllClose(_tissue(4.5, spots=1.0).t2_ms, 0.45 * _tissue(4.5).t2_ms)

  def test_tissue_whose_adc_is_lower_already_is_not_raised(self):
    made = INFARCT.tissues(dataclasses.replace(WHITE, adc=np.array([0.2])), np.ones(1), np.zeros(1))
    self.assertAllClose(made.adc, [0.2])

  def test_most_are_acute_and_few_are_late(self):
    rng = np.random.default_rng(0)
    drawn = [ages.draw_infarct(rng) for _ in range(4000)]
    days = np.array([infarct.age_days for infarct in drawn])
    self.assertBetween(days.min(), 0.08, 0.1)
    self.assertBetween(days.max(), 15, 18)
    self.assertAllClose([np.mean(days < d) for d in (0.25, 3, 7)], [0.1, 0.8, 0.94], atol=0.02)
    late = np.mean([infarct.adc_course < 0 for infarct in drawn])
    self.assertBetween(late, 0.01, 0.06)
    bleeds = np.array([infarct.bleeds for infarct in drawn])
    self.assertFalse(bleeds[days <= 0.5].any())
    self.assertAllClose(bleeds[days > 0.5].mean(), 0.25, atol=0.03)

  def test_spots_are_few(self):
    lattice = Lattice(GRIDS['mini'], 6.0)
    spots = ages.bleeding_spots(np.random.default_rng(0), lattice)
    self.assertEqual(spots.shape, GRIDS['mini'].shape)
    self.assertBetween(spots.min(), 0, 0)
    self.assertBetween(spots.max(), 0.5, 1)
    self.assertBetween(spots.mean(), 0.02, 0.2)


class ScarTest(tf.test.TestCase):
  def test_a_bright_rim_around_dark_fluid(self):
    depth_mm = np.array([0.0, 3.0, 5.0])
    places = signal.Tissues(*(np.repeat(values, 3) for values in dataclasses.astuple(WHITE)))
    rim, between, fluid = SCAR.signal(places, PROTOCOL, depth_mm)
    self.assertAllClose(rim, 0.72 * np.exp(-90 / 120) * np.exp(-0.84), rtol=1e-5)
    self.assertAllClose(fluid, 0.9 * np.exp(-90 / 800) * np.exp(-2.4), rtol=1e-5)
    self.assertAllClose(between, (rim + fluid) / 2, rtol=1e-5)
    healthy = signal.dwi_signal(WHITE, PROTOCOL).item()
    self.assertLess(fluid, 0.8 * healthy)
    self.assertGreater(rim, 1.1 * healthy)

  def test_scars_are_smaller_than_lesions(self):
    rng = np.random.default_rng(0)
    volumes_ml = [ages.draw_scar_ml(rng) for _ in range(2000)]
    self.assertAllClose(np.median(volumes_ml), 6.4, rtol=0.15)  # Half of a lesion's.
    self.assertEqual(np.max(volumes_ml), 60)


if __name__ == '__main__':
  tf.test.main()
