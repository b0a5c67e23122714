"""Sanity numbers against values counted by hand."""

import numpy as np
import tensorflow as tf

from stroke_eval import sanity


class LesionContrastTest(tf.test.TestCase):
  def setUp(self):
    super().setUp()
    # One lesion voxel of 0.9; its neighbours along X 0.4, along Y 0.2, along Z 0.1, all else 0.
    self.image = np.zeros((7, 7, 5), np.float32)
    self.lesion = np.zeros((7, 7, 5), np.uint8)
    self.lesion[3, 3, 2] = 1
    self.image[3, 3, 2] = 0.9
    self.image[[2, 4], 3, 2] = 0.4
    self.image[3, [2, 4], 2] = 0.2
    self.image[3, 3, [1, 3]] = 0.1
    self.parenchyma = np.ones((7, 7, 5), bool)

  def test_ring_is_measured_in_millimetres(self):
    # 3 x 3 x 8 mm, within 3 mm: the four neighbours in plane.
    inside, ring = sanity.lesion_contrast(self.image, self.lesion, self.parenchyma, (3, 3, 8), 3.0)
    self.assertAllClose([inside, ring], [0.9, (0.4 + 0.4 + 0.2 + 0.2) / 4])
    # 3 x 3 x 3 mm: the two neighbours above and below as well.
    _, ring = sanity.lesion_contrast(self.image, self.lesion, self.parenchyma, (3, 3, 3), 3.0)
    self.assertAllClose(ring, (0.8 + 0.4 + 0.2) / 6)

  def test_ring_holds_parenchyma_only(self):
    self.parenchyma[3, 2, 2] = self.parenchyma[2, 3, 2] = False
    _, ring = sanity.lesion_contrast(self.image, self.lesion, self.parenchyma, (3, 3, 8), 3.0)
    self.assertAllClose(ring, (0.4 + 0.2) / 2)

  def test_nan_where_a_region_is_empty(self):
    nothing = np.zeros_like(self.lesion)
    contrast = sanity.lesion_contrast
    self.assertAllEqual(
      np.isnan(contrast(self.image, nothing, self.parenchyma, (3, 3, 8))), [True, True]
    )
    inside, ring = contrast(self.image, self.lesion, np.zeros_like(self.parenchyma), (3, 3, 8))
    self.assertAllClose(inside, 0.9)
    self.assertTrue(np.isnan(ring))

  def test_lesion_at_the_border_of_the_grid(self):
    image, lesion = np.full((4, 4, 1), 0.5, np.float32), np.zeros((4, 4, 1), np.uint8)
    lesion[0, 0, 0] = 1
    image[0, 0, 0] = 1.0
    means = sanity.lesion_contrast(image, lesion, np.ones((4, 4, 1), bool), (1, 1, 1), 1.0)
    self.assertAllClose(means, [1.0, 0.5])


class SharesTest(tf.test.TestCase):
  def test_brighter_share_leaves_out_what_was_not_measured(self):
    share, n = sanity.brighter_share(
      np.array([0.9, 0.2, 0.5, np.nan]), np.array([0.5, 0.4, np.nan, 0.1])
    )
    self.assertEqual((share, n), (0.5, 2))

  def test_equal_is_not_brighter(self):
    self.assertEqual(sanity.brighter_share(np.array([0.5]), np.array([0.5])), (0.0, 1))

  def test_draw_pass_share_counts_every_draw(self):
    # 19 fails, 20 passes: 3 of 5.
    self.assertEqual(sanity.draw_pass_share([[19, 20], [0, 55], [21]], 20), (0.6, 5))

  def test_shares_of_nothing_are_nan(self):
    self.assertTrue(np.isnan(sanity.draw_pass_share([[], []], 20)[0]))
    self.assertTrue(np.isnan(sanity.brighter_share(np.array([]), np.array([]))[0]))


class KsDistanceTest(tf.test.TestCase):
  def test_by_hand(self):
    self.assertAllClose(sanity.ks_distance([1, 2, 3], [1, 2, 3]), 0.0)
    self.assertAllClose(sanity.ks_distance([1, 2], [3, 4]), 1.0)
    self.assertAllClose(sanity.ks_distance([1, 2, 3, 4], [3, 4, 5]), 0.5)  # At 2: 2 of 4 against none.
    self.assertAllClose(sanity.ks_distance([1, 1, 1, 9], [1, 9]), 0.25)  # Ties count on both sides.


class NearestDiceTest(tf.test.TestCase):
  def setUp(self):
    super().setUp()
    masks = np.zeros((3, 4, 1, 1), np.uint8)
    masks[0, :2] = masks[1, 1:3] = masks[2, 3:] = 1  # 1100, 0110, 0001
    self.masks = masks

  def test_pairwise(self):
    expected = [[1, 0.5, 0], [0.5, 1, 0], [0, 0, 1]]
    self.assertAllClose(sanity.pairwise(self.masks, self.masks), expected)

  def test_finds_a_mirrored_copy(self):
    mirrored = self.masks[:1, ::-1]  # 0011
    self.assertAllClose(sanity.nearest_dice(mirrored, self.masks), [1.0])
    # With 0110 alone: 2 * 1 / (2 + 2).
    self.assertAllClose(sanity.nearest_dice(mirrored, self.masks[1:2]), [0.5])

  def test_within_a_set_no_mask_meets_itself(self):
    # 1100: 0110 and its mirror give 1/2, mirrored 0001 = 1000 gives 2/3. 0110: 1/2. 0001: with 0011.
    self.assertAllClose(sanity.nearest_other_dice(self.masks), [2 / 3, 0.5, 2 / 3])


if __name__ == '__main__':
  tf.test.main()
