import numpy as np
from absl.testing import absltest

from stroke_eval import nearest_slices
from tests.stroke_eval import slices


class BlocksTest(absltest.TestCase):
  def test_means_of_blocks_also_at_an_uneven_border(self):
    image = np.arange(65 * 4.0).reshape(1, 65, 4, 1)
    found = nearest_slices.blocks(slices.slice_set(np.zeros([1, 65, 4]), image))
    self.assertEqual(found.shape, (1, 22, 4, 1))
    np.testing.assert_allclose(found[0, :2, 1, 0], [5, 17])  # Of 1, 5, 9 and of 13, 17, 21.
    np.testing.assert_allclose(found[0, -1, :, 0], (image[0, 63] + image[0, 64])[:, 0] / 2)

  def test_classes_where_there_is_no_contrast(self):
    ids = np.zeros([1, 64, 8])
    ids[0, 0, 0] = 3
    found = nearest_slices.blocks(slices.slice_set(ids, np.zeros([1, 64, 8, 0])))
    self.assertEqual(found.shape, (1, 32, 8, 5))
    np.testing.assert_allclose(found[0, 0, 0], [0.5, 0, 0, 0.5, 0])


class NearnessTest(absltest.TestCase):
  def test_by_hand(self):
    """Training slices of .1, .5 (one patient) and .8: a draw of .45 is .05 and .35 away."""
    ids = np.zeros([3, 8, 8])
    plane = lambda *values: np.tile(np.array(values)[:, None, None, None], [1, 8, 8, 1])
    bank = slices.slice_set(ids, plane(0.1, 0.5, 0.8), subjects=[0, 0, 1])
    training = nearest_slices.training_blocks([bank.take([0, 1]), bank.take([2])])
    found = nearest_slices.nearness(plane(0.45, 0.8).astype(np.float32), training)
    np.testing.assert_allclose(found.distances, [0.05, 0], atol=1e-6)
    np.testing.assert_allclose(found.ratios, [0.05 / 0.35, 0], atol=1e-5)
    self.assertEqual(found.nearest.tolist(), [1, 2])

  def test_a_mirror_image_is_a_copy(self):
    rng = np.random.default_rng(0)
    real = slices.slice_set(np.zeros([4, 8, 8]), rng.random((4, 8, 8, 2)))
    copy = nearest_slices.blocks(real.take([2]))[:, ::-1]
    found = nearest_slices.nearness(copy, nearest_slices.training_blocks([real]))
    self.assertEqual((found.nearest[0], found.mirrored[0]), (2, True))
    self.assertLess(found.ratios[0], 1e-5)

  def test_of_one_patient_there_is_no_ratio(self):
    one = slices.slice_set(np.zeros([1, 8, 8]), np.ones([1, 8, 8, 1]))
    found = nearest_slices.nearness(nearest_slices.blocks(one), nearest_slices.training_blocks([one]))
    self.assertTrue(np.isnan(found.ratios[0]))


class NearerTest(absltest.TestCase):
  def test_by_hand(self):
    """Of 101 held-out values 0 to 1 the quantile is .01, and one is below; of the draws 3 of 4 are."""
    held_out = np.linspace(0, 1, 101)
    found = nearest_slices.nearer(np.array([0, 0.001, 0.005, 0.5]), held_out)
    self.assertAlmostEqual(found.bound, 0.01)
    self.assertEqual((found.share, found.held_out), (0.75, 0.5))
    # 3 or 4 of the 4 draws among the 4 small ones of 105: (4 x 101 + 1) / C(105, 4).
    self.assertAlmostEqual(found.p, 405 / 4780230)
    self.assertFalse(found.is_good)

  def test_values_like_held_out_ones_pass(self):
    held_out = np.linspace(0, 1, 101)
    self.assertTrue(nearest_slices.nearer(held_out[::4], held_out).is_good)
    self.assertIsNone(nearest_slices.nearer(np.array([np.nan]), held_out).is_good)


class MeanDistanceTest(absltest.TestCase):
  def test_by_hand(self):
    """Planes of 0, .3 and .9: .3, .9 and .6 apart. At level 0 are the first two, the third is alone."""
    planes = np.tile(np.array([0, 0.3, 0.9])[:, None, None, None], [1, 4, 4, 2])
    self.assertAlmostEqual(nearest_slices.mean_distance(planes), 0.6)
    found = nearest_slices.mean_distance_at_levels(planes, np.array([0, 0, 1]))
    self.assertAlmostEqual(found, 0.3)
    self.assertTrue(np.isnan(nearest_slices.mean_distance(planes[:1])))


if __name__ == '__main__':
  absltest.main()
