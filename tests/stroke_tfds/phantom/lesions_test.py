import functools

import numpy as np
import tensorflow as tf
from scipy import ndimage

from stroke_tfds.phantom import lesions
from stroke_tfds.phantom.growth import Lesion
from stroke_tfds.phantom.territories import NAMES, territory_map


@functools.cache
def _cohort(n_lesions: int = 150) -> list[Lesion]:
  return [lesions.grow_lesion(np.random.default_rng([3, i])) for i in range(n_lesions)]


def _volume_ml(lesion: Lesion) -> float:
  return np.count_nonzero(lesion.fraction >= 0.5) * np.linalg.det(lesion.affine) / 1000


def _x_mm(lesion: Lesion) -> np.ndarray:
  return np.argwhere(lesion.fraction >= 0.5)[:, 0] * lesion.affine[0, 0] + lesion.affine[0, 3]


class LesionsTest(tf.test.TestCase):
  def test_volumes_are_drawn_as_in_soop(self):
    rng = np.random.default_rng(0)
    volumes = [lesions.draw_volume_ml(rng) for _ in range(4000)]
    self.assertAllClose(np.percentile(volumes, 50), 12.7, rtol=0.12)
    self.assertAllClose(np.percentile(volumes, 5), 0.3, rtol=0.25)
    self.assertAllClose(np.percentile(volumes, 95), 197, rtol=0.2)

  def test_lesions_are_as_large_as_drawn(self):
    # Overlapping foci and the midline cost a little.
    volumes = [_volume_ml(lesion) for lesion in _cohort()]
    self.assertBetween(np.median(volumes), 7, 20)
    self.assertGreater(np.percentile(volumes, 90), 60)
    self.assertLess(np.percentile(volumes, 10), 1.5)

  def test_sides(self):
    left = np.array([np.mean(x < 0) for x in map(_x_mm, _cohort()) if x.size])
    both = (left > 0.05) & (left < 0.95)
    self.assertBetween(np.mean(left >= 0.95), 0.28, 0.54)
    self.assertBetween(np.mean(left <= 0.05), 0.28, 0.54)
    self.assertBetween(np.mean(both), 0.07, 0.3)

  def test_number_of_components(self):
    counts = [ndimage.label(m.fraction >= 0.5, np.ones((3, 3, 3)))[1] for m in _cohort()]
    self.assertBetween(np.mean(counts), 2.5, 5.5)
    self.assertBetween(np.mean(np.array(counts) == 1), 0.15, 0.6)

  def test_a_volume_may_be_given(self):
    volumes = [_volume_ml(lesions.grow_lesion(np.random.default_rng([4, i]), 20.0)) for i in range(12)]
    self.assertAllClose(np.median(volumes), 20, rtol=0.2)

  def test_foci_of_a_lesion_fill_its_volume_and_are_alone_as_often_as_said(self):
    for volume_ml, alone in ((5.0, 0.45), (50.0, 0.24)):
      rng = np.random.default_rng(0)
      foci = [lesions._split_volume(rng, volume_ml) for _ in range(2000)]
      self.assertAllClose([sum(f) for f in foci], np.full(2000, volume_ml))
      self.assertAllClose(np.mean([len(f) == 1 for f in foci]), alone, atol=0.03)
    self.assertEqual(lesions._split_volume(np.random.default_rng(0), 0.39), [0.39])

  def test_only_parenchyma_is_infarcted_and_the_edge_is_graded(self):
    tissue = territory_map()
    for lesion in _cohort()[:40]:
      start = np.rint((lesion.affine[:3, 3] - tissue.origin_mm) / tissue.spacing_mm).astype(int)
      box = tuple(slice(a, a + n) for a, n in zip(start, lesion.fraction.shape))
      self.assertEqual(lesion.fraction[tissue.territory[box] == 0].max(initial=0), 0)
      self.assertBetween(lesion.fraction.max(), 0.5, 1)
    graded = [np.mean((m.fraction > 0.1) & (m.fraction < 0.9)) for m in _cohort()[:40]]
    self.assertGreater(np.min(graded), 0)

  def test_grows_where_it_starts(self):
    tissue = territory_map()
    shares = []
    for lesion in _cohort():
      if _volume_ml(lesion) > 15:
        continue
      start = np.rint((lesion.affine[:3, 3] - tissue.origin_mm) / tissue.spacing_mm).astype(int)
      box = tuple(slice(a, a + n) for a, n in zip(start, lesion.fraction.shape))
      inside = tissue.territory[box][lesion.fraction >= 0.5]
      shares.append(np.mean(inside == NAMES.index(lesion.origin)))
    self.assertGreater(np.mean(shares), 0.87)

  def test_depends_on_the_seed_alone(self):
    one, same, other = (lesions.grow_lesion(np.random.default_rng(s)) for s in (5, 5, 6))
    self.assertAllEqual(one.fraction, same.fraction)
    self.assertAllEqual(one.affine, same.affine)
    self.assertNotEqual(one.fraction.shape, other.fraction.shape)


if __name__ == '__main__':
  tf.test.main()
