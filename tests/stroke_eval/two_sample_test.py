"""Features by hand on small volumes, and tests whose outcome is known."""

import math

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from stroke_eval import two_sample

_SCHEME = {
  'names': [
    'background',
    'left cerebral white matter',
    'left cerebral cortex',
    'left putamen',
    'left cerebellar cortex',
  ],
  'parenchyma_ids': [1, 2, 3, 4],
}
_SHAPE = (32, 32, 6)


def _labels():
  """Four slabs of 8 along x."""
  labels = np.zeros(_SHAPE, np.uint8)
  for i in range(4):
    labels[8 * i : 8 * i + 8] = i + 1
  return labels


def _measure(image, lesion=None, labels=None):
  lesion = np.zeros(_SHAPE, np.uint8) if lesion is None else lesion
  return two_sample.measure(image, _labels() if labels is None else labels, lesion, _SCHEME)


def _noise(seed, scale=0.1):
  return 1 + scale * np.random.default_rng(seed).normal(size=_SHAPE)


class MeasureTest(parameterized.TestCase, tf.test.TestCase):
  def test_white_noise_has_the_correlations_of_second_differences(self):
    """Of [1, -2, 1]: -4/6 at lag 1, 1/6 at lag 2, none from there on."""
    found = _measure(_noise(0))
    for axis in 'xy':
      for lag, expected in ((1, -2 / 3), (2, 1 / 6), (3, 0), (4, 0)):
        self.assertNear(found[f'autocorrelation_{axis}{lag}'], expected, 0.05)
    self.assertNear(found['autocorrelation_z1'], -2 / 3, 0.05)

  @parameterized.parameters(0, 1)
  def test_a_grid_shows_at_its_period(self, axis):
    ramp = np.moveaxis(np.resize([0.3, 0, 0], _SHAPE[axis])[:, None, None], 0, axis)
    found, plain = _measure(_noise(0) + ramp), _measure(_noise(0))
    name = f'autocorrelation_{"xy"[axis]}3'
    self.assertGreater(found[name], plain[name] + 0.4)
    other = f'autocorrelation_{"yx"[axis]}3'
    self.assertNear(found[other], plain[other], 0.1)

  def test_power_is_where_the_wave_is(self):
    """24 pixels of wavelength 32 / k have k / 16 of the highest frequency."""
    y = np.arange(_SHAPE[1])
    for k, band in ((3, 1), (6, 2), (10, 3), (14, 4)):
      wave = 1 + 0.2 * np.sin(2 * np.pi * k * y / _SHAPE[1])[None, :, None] * np.ones(_SHAPE)
      shares = {n: math.exp(_measure(wave)[f'power_{n}']) for n in range(1, 5)}
      self.assertNear(shares[band], 1, 1e-6)

  def test_tissues_and_lesion(self):
    image = np.array([1.0, 1.2, 0.9, 0.6])[_labels() - 1]
    image[0, 0, 0], image[2, 5, 1], image[2, 6, 1] = 1.8, 1.7, 1.7  # White, in two clusters.
    lesion = np.zeros(_SHAPE, np.uint8)
    lesion[20:22, 4:6, 2] = 1
    image[lesion > 0] = np.array([1.5, 2.5, 1.5, 2.5])
    found = _measure(image, lesion)
    # The median of healthy parenchyma lies between .9 and 1, as many voxels below as above.
    unit = np.median(image[lesion == 0])
    self.assertNear(found['cortex_to_white'], 1.2, 1e-9)
    self.assertNear(found['deep_to_white'], 0.9, 1e-9)
    self.assertNear(found['cerebellum_to_white'], 0.6, 1e-9)
    self.assertNear(found['lesion_spread'], 0.25, 1e-9)
    self.assertNear(found['lesion_to_parenchyma'], 2 / image[lesion == 0].mean(), 1e-9)
    self.assertEqual(found['bright_clusters'], 2)
    n_bright = sum(value > 1.6 * unit for value in (1.8, 1.7, 1.7))
    self.assertNear(found['bright_share'], n_bright / (32 * 32 * 6 - 4), 1e-12)

  def test_another_scaling_changes_nothing(self):
    lesion = np.zeros(_SHAPE, np.uint8)
    lesion[3:6, 3:6, 2] = 1
    one, other = _measure(_noise(1), lesion), _measure(0.37 * _noise(1), lesion)
    self.assertAllClose(list(one.values()), list(other.values()))

  def test_what_a_volume_lacks_is_not_a_number(self):
    found = _measure(_noise(0))
    self.assertTrue(math.isnan(found['lesion_to_parenchyma']))
    self.assertTrue(math.isnan(found['lesion_spread']))

  def test_a_dark_volume_is_refused(self):
    with self.assertRaisesRegex(ValueError, 'no signal in parenchyma'):
      _measure(np.zeros(_SHAPE))

  def test_a_single_value_that_is_not_finite_is_refused(self):
    image = _noise(0)
    image[3, 3, 3] = math.nan
    with self.assertRaisesRegex(ValueError, 'not finite'):
      _measure(image)
    sound = lambda image: two_sample.measure_if_sound(image, _labels(), np.zeros(_SHAPE), _SCHEME)
    self.assertIsNone(sound(image))
    self.assertEqual(sound(_noise(0))['spread'], _measure(_noise(0))['spread'])


def _rows(n, seed, shift=0.0):
  rng = np.random.default_rng(seed)
  return [{'a': a + shift, 'b': b, 'c': c} for a, b, c in rng.normal(size=(n, 3))]


class CompareTest(tf.test.TestCase):
  def test_two_draws_of_one_kind_are_at_chance(self):
    """The mean over draws: a single one of 40 and 40 has a standard error of about .065."""
    aucs = [two_sample.compare(_rows(40, 2 * s), _rows(40, 2 * s + 1)).auc for s in range(5)]
    self.assertBetween(np.mean(aucs), 0.38, 0.62)

  def test_twins_are_at_chance_when_they_are_equal(self):
    """A classifier that saw one twin would call the other by its name: below chance."""
    rng = np.random.default_rng(0)
    rows = [dict(enumerate(x)) for x in rng.normal(size=(12, 30))]
    apart, together = (two_sample.compare(rows, rows, twins=twins).auc for twins in (False, True))
    self.assertLess(apart, 0.2)
    self.assertNear(together, 0.5, 1e-9)
    with self.assertRaisesRegex(ValueError, '12 real and 11 synthetic twins'):
      two_sample.compare(rows, rows[1:], twins=True)

  def test_a_shift_is_found_and_named(self):
    """One deviation in one feature: its AUC is P(N(1, 2) > 0) = .760, which no classifier beats."""
    found = two_sample.compare(_rows(200, 0), _rows(200, 1, shift=1.0))
    self.assertNear(found.auc, 0.76, 0.05)
    self.assertEqual(found.gaps[0].name, 'a')
    self.assertNear(found.gaps[0].auc, 0.76, 0.05)
    self.assertNear(found.gaps[0].synthetic - found.gaps[0].real, 1.0, 0.3)
    self.assertLess(found.interval[0], found.auc)
    self.assertGreater(found.interval[1], found.auc)
    # By Hanley and McNeil (1982), the standard error is .024.
    self.assertNear(found.interval[1] - found.interval[0], 4 * 0.024, 0.03)

  def test_certain_is_one(self):
    found = two_sample.compare(_rows(20, 0), _rows(20, 1, shift=100.0))
    self.assertEqual((found.auc, found.interval), (1.0, (1.0, 1.0)))

  def test_a_feature_that_is_missing_gives_nothing_away(self):
    lacking = [{**row, 'a': math.nan} for row in _rows(40, 3)]
    found = two_sample.compare(lacking, [{**row, 'a': math.nan} for row in _rows(40, 4)])
    self.assertEqual({gap.name: gap.auc for gap in found.gaps}['a'], 0.5)

  def test_a_volume_without_features_gives_itself_away(self):
    """Each such is above all real ones: the AUC is (40 * that of the others + 10 * 1) / 50."""
    real, made = _rows(40, 5), _rows(40, 6)
    others, found = (two_sample.compare(real, made + [None] * n) for n in (0, 10))
    self.assertNear(found.auc, (40 * others.auc + 10) / 50, 1e-9)
    self.assertEqual((found.n_synthetic, found.gaps), (50, others.gaps))
    twins = two_sample.compare([*real, real[0]], [*made, None], twins=True)
    expected = two_sample.compare(real, made, twins=True).auc
    self.assertNear(twins.auc, (40 * expected + 1) / 41, 1e-9)
    with self.assertRaisesRegex(ValueError, '9 synthetic volumes, expected at least 10'):
      two_sample.compare(real, [*made[:9], None])

  def test_the_same_seed_gives_the_same(self):
    a, b = (two_sample.compare(_rows(20, 0), _rows(20, 1), seed=3) for _ in range(2))
    self.assertEqual(a, b)

  def test_too_few_or_other_features_are_refused(self):
    with self.assertRaisesRegex(ValueError, '9 synthetic volumes, expected at least 10'):
      two_sample.compare(_rows(20, 0), _rows(9, 1))
    with self.assertRaisesRegex(ValueError, 'different features'):
      two_sample.compare(_rows(20, 0), [{'a': 1.0}] * 20)


if __name__ == '__main__':
  tf.test.main()
