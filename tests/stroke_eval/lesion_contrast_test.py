"""Contrasts against values counted by hand."""

import numpy as np
import tensorflow as tf

from stroke_eval import lesion_contrast
from stroke_eval.lesion_contrast import lesion_and_ring_means


class ParenchymaTest(tf.test.TestCase):
  def setUp(self):
    super().setUp()
    self.image = np.array([[[0.9, 0.7, 0.5, 0.3, 0.0]]])
    self.lesion = np.array([[[1, 1, 0, 0, 0]]], np.uint8)
    self.parenchyma = np.array([[[0, 1, 1, 1, 0]]], bool)

  def test_the_lesion_is_no_part_of_what_it_is_compared_with(self):
    volumes = self.image, self.lesion, self.parenchyma
    self.assertAllClose(lesion_contrast.lesion_to_parenchyma(*volumes), 0.8 / 0.4)
    self.assertAllClose(lesion_contrast.lesion_excess(*volumes), (0.8 - 0.4) / 0.4)

  def test_nan_where_there_is_nothing_to_compare(self):
    for lesion, parenchyma in (
      (0 * self.lesion, self.parenchyma),
      (self.lesion, self.parenchyma & False),
      (self.lesion, self.image == 0),
    ):
      found = lesion_contrast.lesion_excess(self.image, lesion, parenchyma)
      self.assertTrue(np.isnan(found))


class RingTest(tf.test.TestCase):
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
    inside, ring = lesion_and_ring_means(self.image, self.lesion, self.parenchyma, (3, 3, 8), 3.0)
    self.assertAllClose([inside, ring], [0.9, (0.4 + 0.4 + 0.2 + 0.2) / 4])
    # 3 x 3 x 3 mm: the two neighbours above and below as well.
    _, ring = lesion_and_ring_means(self.image, self.lesion, self.parenchyma, (3, 3, 3), 3.0)
    self.assertAllClose(ring, (0.8 + 0.4 + 0.2) / 6)

  def test_ring_holds_parenchyma_only(self):
    self.parenchyma[3, 2, 2] = self.parenchyma[2, 3, 2] = False
    _, ring = lesion_and_ring_means(self.image, self.lesion, self.parenchyma, (3, 3, 8), 3.0)
    self.assertAllClose(ring, (0.4 + 0.2) / 2)

  def test_nan_where_a_region_is_empty(self):
    nothing, spacing_mm = np.zeros_like(self.lesion), (3, 3, 8)
    means = lesion_and_ring_means(self.image, nothing, self.parenchyma, spacing_mm)
    self.assertAllEqual(np.isnan(means), [True, True])
    inside, ring = lesion_and_ring_means(self.image, self.lesion, nothing > 0, spacing_mm)
    self.assertAllClose(inside, 0.9)
    self.assertTrue(np.isnan(ring))

  def test_lesion_at_the_border_of_the_grid(self):
    image, lesion = np.full((4, 4, 1), 0.5, np.float32), np.zeros((4, 4, 1), np.uint8)
    lesion[0, 0, 0] = 1
    image[0, 0, 0] = 1.0
    means = lesion_and_ring_means(image, lesion, np.ones((4, 4, 1), bool), (1, 1, 1), 1.0)
    self.assertAllClose(means, [1.0, 0.5])


class BrighterShareTest(tf.test.TestCase):
  def test_brighter_share_leaves_out_what_was_not_measured(self):
    share, n = lesion_contrast.brighter_share(
      np.array([0.9, 0.2, 0.5, np.nan]), np.array([0.5, 0.4, np.nan, 0.1])
    )
    self.assertEqual((share, n), (0.5, 2))

  def test_equal_is_not_brighter(self):
    self.assertEqual(lesion_contrast.brighter_share(np.array([0.5]), np.array([0.5])), (0.0, 1))

  def test_share_of_nothing_is_nan(self):
    self.assertTrue(np.isnan(lesion_contrast.brighter_share(np.array([]), np.array([]))[0]))


if __name__ == '__main__':
  tf.test.main()
