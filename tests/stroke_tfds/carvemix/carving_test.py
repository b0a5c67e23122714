import itertools

import numpy as np
import tensorflow as tf
from scipy import stats

from stroke_tfds.carvemix import carving

SPACING_MM = (3.0, 3.0, 8.0)


def _case(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
  """Image, labels and a lesion that is a box with a hole in it."""
  rng = np.random.default_rng(seed)
  image = rng.uniform(0, 1, (12, 12, 5, 2)).astype(np.float32)
  labels = rng.integers(0, 28, (12, 12, 5), np.uint8)
  lesion = np.zeros((12, 12, 5), np.uint8)
  x, y = rng.integers(1, 5, 2)
  lesion[x : x + 6, y : y + 6, 1:4] = 1
  lesion[x, y, 1] = 0
  return image, labels, lesion


def _distance_by_pairs(lesion: np.ndarray) -> np.ndarray:
  """Signed distance from all pairs of voxels."""
  points = np.argwhere(np.ones(lesion.shape)) * SPACING_MM
  apart = np.linalg.norm(points[:, None] - points[None], axis=-1)
  inside = lesion.ravel() > 0
  outwards = np.where(inside, apart[:, ~inside].min(1), 0)
  inwards = np.where(inside, 0, apart[:, inside].min(1))
  return (inwards - outwards).reshape(lesion.shape)


class SignedDistanceTest(tf.test.TestCase):
  def test_by_hand(self):
    lesion = np.zeros((5, 1, 1), np.uint8)
    lesion[1:4] = 1
    made = carving.signed_distance_mm(lesion, SPACING_MM)
    self.assertAllClose(made.ravel(), [3, -3, -6, -3, 3])

  def test_agrees_with_all_pairs_of_voxels(self):
    rng = np.random.default_rng(1)
    for _ in range(3):
      lesion = (rng.random((7, 6, 4)) < 0.4).astype(np.uint8)
      made = carving.signed_distance_mm(lesion, SPACING_MM)
      self.assertAllClose(made, _distance_by_pairs(lesion), atol=1e-4)

  def test_refuses_masks_without_a_border(self):
    for mask in (np.zeros((2, 2, 2), np.uint8), np.ones((2, 2, 2), np.uint8)):
      with self.assertRaisesRegex(ValueError, 'of 8 voxels, expected a border'):
        carving.signed_distance_mm(mask, SPACING_MM)


class MarginTest(tf.test.TestCase):
  def test_follows_the_published_mixture(self):
    rng = np.random.default_rng(0)
    drawn = np.array([carving.draw_margin_mm(rng, 12.0) for _ in range(8000)])
    inner, outer = drawn[drawn < 0], drawn[drawn >= 0]
    self.assertAllClose(len(inner) / len(drawn), 0.5, atol=0.02)
    self.assertGreater(stats.kstest(inner, stats.uniform(-6, 6).cdf).pvalue, 0.01)
    self.assertGreater(stats.kstest(outer, stats.uniform(0, 12).cdf).pvalue, 0.01)


class CarveMixTest(tf.test.TestCase):
  def mix(self, margin_mm: float, level=(1.0, 1.0), own_level=(1.0, 1.0)):
    donor = carving.prepare(*_case(0), np.array(own_level, np.float32), SPACING_MM)
    return carving.carve_mix(*_case(1), np.array(level, np.float32), donor, margin_mm)

  def test_agrees_with_the_formula_over_the_whole_volume(self):
    distance = _distance_by_pairs(_case(0)[2])
    depth = -distance.min()
    sizes = set()
    for share in (-0.5, -0.3, -0.01, 0.0, 0.4, 1.0):
      region = distance <= share * depth
      sizes.add(int(region.sum()))
      for mixed, own, base in zip(self.mix(share * depth), _case(0), _case(1)):
        m = region.reshape(*region.shape, *[1] * (own.ndim - 3)).astype(own.dtype)
        self.assertAllClose(mixed, own * m + base * (1 - m))
    self.assertLen(sizes, 4)  # The core, the lesion itself (three times), and two margins.

  def test_what_is_carved_is_as_bright_as_its_new_surroundings(self):
    plain, _, _ = self.mix(0.0)
    scaled, _, _ = self.mix(0.0, level=(0.3, 1.0), own_level=(0.6, 1.0))
    region = _case(0)[2] > 0
    self.assertAllClose(scaled[region], plain[region] * [0.5, 1.0])
    self.assertAllEqual(scaled[~region], plain[~region])

  def test_the_cases_stay_as_they_are(self):
    case = _case(1)
    donor = carving.prepare(*_case(0), np.ones(2, np.float32), SPACING_MM)
    kept = [volume.copy() for volume in (donor.image, donor.labels, donor.lesion)]
    carving.carve_mix(*case, np.full(2, 0.5, np.float32), donor, donor.depth_mm)
    for before, after in itertools.chain(
      zip(_case(1), case), zip(kept, (donor.image, donor.labels, donor.lesion))
    ):
      self.assertAllEqual(before, after)


if __name__ == '__main__':
  tf.test.main()
