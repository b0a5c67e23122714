"""Copies and what no expert would outline are rejected, each for its reason; other cases pass."""

import numpy as np
from absl.testing import absltest, parameterized
from scipy import ndimage

from keras_itm.case import Case
from stroke_tfds.errors import InputError
from stroke_tfds.imaging.grid import Grid
from stroke_tfds.synthetic_stroke.audit import Audit
from stroke_tfds.synthetic_stroke.training_cases import RealCase

_GRID = Grid('test', (32, 36, 8), (3.0, 3.0, 8.0), (0.0, 0.0, 0.0))
_SCHEME = {'parenchyma_ids': [2, 3]}
_PARENT = ('set', 'healthy')
_N = 24


def _person(seed):
  """Image, labels and lesion: texture on an anatomy that all share, and a bright ball."""
  rng = np.random.default_rng(seed)
  labels = np.zeros(_GRID.shape, np.uint8)
  labels[3:29, 3:33, 1:7] = 2
  labels[15:17, 14:22, 2:5] = 5
  centre = rng.uniform((8, 8, 3), (24, 28, 5))
  distance = np.linalg.norm((np.indices(_GRID.shape).T - centre) * (1, 1, 2), axis=-1).T
  lesion = ((distance < rng.uniform(3, 5)) & (labels == 2)).astype(np.uint8)
  texture = ndimage.gaussian_filter(rng.normal(size=_GRID.shape), (1.5, 1.5, 0.5))
  image = 0.3 * (labels > 0) * (1 + 0.1 * texture / texture.std()) * (1 + 0.5 * lesion)
  return image[..., np.newaxis].astype(np.float32), labels, lesion


def _case(image, labels, lesion, generated=None):
  generated = lesion if generated is None else generated
  return Case(image.astype(np.float16), labels, lesion, np.eye(4), {}, generated)


class AuditTest(parameterized.TestCase):
  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    cls.people = [_person(seed) for seed in range(_N)]
    cls.training = [RealCase(('set', str(i)), *person) for i, person in enumerate(cls.people)]
    cls.audit = cls.calibrated(cls.training)

  @classmethod
  def calibrated(cls, training, contrasts=('DWI',), nearest_quantile=0.05):
    quantiles = {'nearest_quantile': nearest_quantile, 'fidelity_quantile': 0.01}
    return Audit(training, _GRID, _SCHEME, contrasts, **quantiles)

  def reason(self, *case, **options):
    return self.audit.reason(_case(*case), _PARENT, **options)

  def test_others_pass(self):
    reasons = [self.reason(*_person(seed)) for seed in range(100, 120)]
    self.assertLessEqual(sum(map(bool, reasons)), 1, reasons)

  def test_an_image_that_is_none(self):
    image, labels, lesion = _person(100)
    self.assertEqual(self.reason(0 * image, labels, lesion), 'no image')
    dark = image.copy()
    dark[labels == 2] *= lesion[labels == 2][..., np.newaxis]  # The lesion alone is bright.
    self.assertEqual(self.reason(dark, labels, lesion), 'no image')
    for value in (np.nan, np.inf):
      broken = image.copy()
      broken[0, 0, 0] = value
      self.assertEqual(self.reason(broken, labels, 0 * lesion), 'no image')

  def test_real_cases_are_no_copies_of_one_another(self):
    for i, person in enumerate(self.people[:6]):
      others = self.calibrated([*self.training[:i], *self.training[i + 1 :]])
      self.assertNotIn('copied', others.reason(_case(*person), _PARENT))

  @parameterized.parameters(0, 7, 23)
  def test_a_copied_case(self, i):
    self.assertStartsWith(self.reason(*self.people[i]), 'copied')

  def test_a_copied_lesion_in_another_brain(self):
    image, labels, _ = _person(100)
    _, _, lesion = self.people[7]
    image = np.where(lesion[..., np.newaxis] > 0, 0.45, np.minimum(image, 0.35))
    self.assertEqual(self.reason(image, labels, lesion), 'copied lesion')
    moved = np.roll(lesion, (1, -1, 0), (0, 1, 2))
    self.assertEqual(self.reason(np.roll(image, (1, -1), (0, 1)), labels, moved), 'copied lesion')

  def test_a_copied_lesion_of_which_the_brain_cuts_half(self):
    image, labels, _ = _person(100)
    generated = self.people[7][2]
    half = generated.copy()
    half[np.unique(np.argwhere(half)[:, 0])[::2]] = 0
    self.assertEqual(self.reason(image, labels, half, generated), 'copied lesion')

  def test_a_copied_image_with_another_lesion(self):
    image, labels, lesion = _person(100)
    noise = np.random.default_rng(0).normal(0, 0.01, image.shape)
    copied = 0.8 * self.people[7][0] + noise + 0.12 * lesion[..., np.newaxis]
    self.assertEqual(self.reason(copied, labels, lesion), 'copied image')

  def test_a_scan_that_is_kept_is_no_copied_image(self):
    image, labels, lesion = _person(100)
    scan = self.people[7][0].clip(0, 0.38)
    around = ndimage.binary_dilation(lesion, iterations=4)[..., np.newaxis]
    drawn = np.where(around, image, scan)
    self.assertEqual(self.reason(drawn, labels, lesion), 'copied image')
    self.assertEqual(self.reason(drawn, labels, lesion, scan=scan), '')
    lesion_alone = np.where(lesion[..., np.newaxis] > 0, image, scan)
    self.assertEqual(self.reason(lesion_alone, labels, lesion, scan=scan), '')
    # An image that is no longer the scan's is held against others as ever.
    self.assertEqual(self.reason(drawn, labels, lesion, scan=image), 'copied image')

  def test_the_image_whose_anatomy_was_given_is_like_it(self):
    image, labels, lesion = _person(100)
    image = np.where(lesion[..., np.newaxis] > 0, 0.45, self.people[7][0].clip(0, 0.38))
    case = _case(image, labels, lesion)
    self.assertEqual(self.audit.reason(case, _PARENT), 'copied image')
    self.assertEqual(self.audit.reason(case, ('set', '7')), '')
    # But not its lesion.
    self.assertEqual(self.audit.reason(_case(*self.people[7]), ('set', '7')), 'copied lesion')

  def test_a_lesion_as_dark_as_what_is_around_it(self):
    image, labels, lesion = _person(100)
    image = np.where(lesion[..., np.newaxis] > 0, image / 1.5, image)
    self.assertEqual(self.reason(image, labels, lesion), 'faint lesion')
    # Of other contrasts nothing is asked.
    audit = self.calibrated(self.training, ('ADC',))
    self.assertEqual(audit.reason(_case(image, labels, lesion), _PARENT), '')

  def test_a_second_lesion_outside_the_mask(self):
    image, labels, lesion = _person(100)
    _, _, second = _person(101)
    second = second * (labels == 2) * (ndimage.binary_dilation(lesion, iterations=3) == 0)
    bright = image * (1 + 1.0 * second[..., np.newaxis])
    self.assertEqual(self.reason(bright, labels, lesion), 'bright tissue')
    # What is bright in a scan that is kept is not the translator's.
    self.assertEqual(self.reason(bright, labels, lesion, scan=bright), '')
    self.assertEqual(self.reason(bright, labels, lesion, scan=image), 'bright tissue')

  def test_a_lesion_of_which_little_is_left(self):
    image, labels, lesion = _person(100)
    outside = np.zeros_like(lesion)
    outside[:, :2] = 1
    self.assertGreater(outside.sum(), 4 * lesion.sum())
    self.assertEqual(self.reason(image, labels, lesion, lesion | outside), 'cut lesion')

  def test_limits_are_half_the_distance_of_the_nearest_people(self):
    distance = self.audit._lesions.distance
    nearest = [distance(lesion, ('set', str(i))) for i, (_, _, lesion) in enumerate(self.people)]
    limit = np.quantile(nearest, 0.05) / 2
    self.assertAlmostEqual(self.audit.limits['lesion_distance'], limit)
    self.assertAlmostEqual(
      self.calibrated(self.training, nearest_quantile=0.5).limits['lesion_distance'],
      np.median(nearest) / 2,
    )

  def test_report(self):
    report = self.audit.report({'faint lesion': 2, 'copied image': 1})
    self.assertEqual(report['n_training'], _N)
    self.assertEqual(list(report['rejected']), ['copied image', 'faint lesion'])
    self.assertIn('lesion_to_ring', report['limits'])

  def test_too_few_to_compare(self):
    with self.assertRaisesRegex(InputError, 'learnt from 1 lesion.*"audit": false$'):
      self.calibrated(self.training[:1])
    masks = [RealCase(case.key, None, case.labels, case.lesion) for case in self.training]
    with self.assertRaisesRegex(InputError, 'learnt from 0 image'):
      self.calibrated(masks)


if __name__ == '__main__':
  absltest.main()
