"""Copies are near and people are far, whatever the scale of the image."""

import numpy as np
from absl.testing import absltest, parameterized
from scipy import ndimage

from stroke_tfds.imaging.grid import Grid
from stroke_tfds.synthetic_stroke.nearest_image import NearestImage

_GRID = Grid('test', (32, 36, 8), (3.0, 3.0, 8.0), (0.0, 0.0, 0.0))


def _fields(n, seed):
  """Smooth random volumes of deviation 1, [n, X, Y, Z, 2]."""
  noise = np.random.default_rng(seed).normal(size=(n, *_GRID.shape, 2))
  smooth = ndimage.gaussian_filter(noise, (0, 2, 2, 1, 0))
  return (smooth / smooth.std()).astype(np.float32)


class NearestImageTest(parameterized.TestCase):
  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    cls.mean = 5 * _fields(1, seed=0)[0]
    cls.people = cls.mean + _fields(12, seed=1)
    cls.labels = np.zeros(_GRID.shape, np.uint8)
    cls.labels[4:28, 4:32, 1:7] = 2
    cls.lesion = np.zeros(_GRID.shape, np.uint8)
    cls.lesion[10:13, 10:13, 3] = 1
    cls.nearest = NearestImage(_GRID)
    for i, image in enumerate(cls.people):
      cls.nearest.add(('set', str(i)), image, cls.labels)

  def distances(self, image, **options):
    return self.nearest.distances(image, self.lesion, **options)

  def test_people_are_far_though_they_share_most(self):
    other = self.mean + _fields(1, seed=2)[0]
    self.assertGreater(np.corrcoef(other.ravel(), self.people[0].ravel())[0, 1], 0.9)
    whole, around = self.distances(other)
    self.assertGreater(whole, 0.6)
    self.assertGreater(around, 0.25)

  def test_the_mean_of_all_is_no_copy(self):
    self.assertGreater(self.distances(self.people.mean(0))[0], 0.6)

  @parameterized.parameters((1.0, 0.0), (0.3, 0.0), (7.0, -40.0))
  def test_a_copy_of_any_scale(self, gain, offset):
    self.assertLess(max(self.distances(gain * self.people[5] + offset)), 1e-4)

  def test_gains_of_contrasts_may_differ(self):
    whole, around = self.distances(self.people[5] * np.array([0.9, 1.1], np.float32))
    self.assertLess(max(whole, around), 0.02)

  def test_a_noisy_copy(self):
    noise = np.random.default_rng(3).normal(size=self.mean.shape)
    self.assertLess(max(self.distances(self.people[5] + noise)), 0.2)

  @parameterized.parameters((1, 0, 0), (-1, 1, 0), (0, 0, 1))
  def test_a_copy_that_is_moved_by_a_voxel(self, *move):
    moved = np.roll(self.people[5], move, (0, 1, 2))
    self.assertLess(max(self.distances(moved)), 0.05)

  def test_a_copy_around_the_lesion_alone(self):
    other = self.mean + _fields(1, seed=2)[0]
    near = ndimage.distance_transform_edt(self.lesion == 0, _GRID.spacing_mm)[..., np.newaxis] <= 30
    whole, around = self.distances(np.where(near, self.people[5], other))
    self.assertLess(around, 0.1)
    self.assertGreater(whole, 0.4)

  def test_a_case_that_is_left_out(self):
    self.assertGreater(self.distances(self.people[5], without=('set', '5'))[0], 0.6)
    self.assertLess(self.distances(self.people[5], without=('other', '5'))[0], 1e-4)

  def test_nothing_to_compare(self):
    whole, around = self.nearest.distances(self.people[5], np.zeros(_GRID.shape))
    self.assertLess(whole, 1e-4)
    self.assertTrue(np.isnan(around))
    alone = NearestImage(_GRID)
    alone.add(('set', '0'), self.people[0], self.labels)
    self.assertTrue(np.isnan(alone.distances(self.people[0], self.lesion, ('set', '0'))[0]))

  def test_an_image_without_a_difference_is_no_copy(self):
    self.assertGreater(self.distances(np.ones_like(self.mean))[0], 0.9)


if __name__ == '__main__':
  absltest.main()
