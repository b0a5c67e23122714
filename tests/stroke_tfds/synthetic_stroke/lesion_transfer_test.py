"""What a translator changes, on volumes worked out by hand."""

import numpy as np
import tensorflow as tf

from stroke_tfds.synthetic_stroke.lesion_transfer import transfer

_SHAPE = (12, 12, 3)


def _transfer(scan, lesion, with_lesion, without, labels=None, spacing_mm=(3.0, 3.0, 8.0)):
  labels = np.full(_SHAPE, 2, np.uint8) if labels is None else labels
  return transfer(
    scan, labels, lesion, with_lesion, without, parenchyma_ids=[2, 3], spacing_mm=spacing_mm
  )


class TransferTest(tf.test.TestCase):
  def setUp(self):
    super().setUp()
    self.scan = np.random.default_rng(0).uniform(0.2, 0.6, (*_SHAPE, 1)).astype(np.float32)
    self.lesion = np.zeros(_SHAPE, np.uint8)
    self.lesion[1:4, 1:4, 1] = 1
    self.without = np.full((*_SHAPE, 1), 0.48, np.float32)
    self.with_lesion = np.where(self.lesion[..., np.newaxis], 0.73, self.without)

  def test_the_lesion_is_as_much_brighter_as_in_the_translation(self):
    made = _transfer(self.scan, self.lesion, self.with_lesion, self.without)
    self.assertEqual(made.dtype, np.float32)
    inside = self.lesion > 0
    # (0.73 + 0.02) / (0.48 + 0.02)
    self.assertAllClose(made[inside], 1.5 * self.scan[inside], rtol=1e-5)
    self.assertAllClose(made[~inside], self.scan[~inside], rtol=1e-5)

  def test_a_slice_that_is_painted_darker_keeps_the_brightness_of_the_scan(self):
    darker = self.with_lesion.copy()
    darker[:, :, 1] *= 0.8
    made = _transfer(self.scan, self.lesion, darker, self.without)
    inside = self.lesion > 0
    # 0.8 * 0.73 + 0.02 over 0.8 * 0.48 + 0.02
    self.assertAllClose(made[inside], 0.604 / 0.404 * self.scan[inside], rtol=1e-5)
    self.assertAllClose(made[~inside], self.scan[~inside], rtol=1e-5)

  def test_what_changes_far_from_the_lesion_is_not_transferred(self):
    elsewhere = self.with_lesion.copy()
    elsewhere[9:, 9:, :] = 0.6
    made = _transfer(self.scan, self.lesion, elsewhere, self.without)
    self.assertAllEqual(made[9:, 9:], self.scan[9:, 9:])

  def test_a_swollen_border_fades_out_within_millimetres(self):
    swollen = np.full_like(self.without, 0.73)
    labels = np.full(_SHAPE, 5, np.uint8)  # Nothing to align slices by.
    beside, far = (5, 2, 1, 0), (9, 9, 1, 0)
    # 4 (Phi(-1) - Phi(-3)) (Phi(1) - Phi(-1)) .95 = .41 of the change at 2 mm.
    for voxel_mm, least, most in ((2.0, 1.18, 1.22), (12.0, 1.0, 1.00001)):
      spacing = (voxel_mm, voxel_mm, 8.0)
      made = _transfer(self.scan, self.lesion, swollen, self.without, labels, spacing)
      self.assertBetween(made[beside] / self.scan[beside], least, most)
      self.assertEqual(made[far], self.scan[far])

  def test_the_share_of_the_change_beside_a_flat_border(self):
    """min(4 Phi(-d / 3 mm), 1) at a distance d."""
    self.lesion[:] = 0
    self.lesion[:6] = 1
    swollen = np.full_like(self.without, 0.73)
    labels = np.full(_SHAPE, 5, np.uint8)
    made = _transfer(self.scan, self.lesion, swollen, self.without, labels, (1.0, 1.0, 8.0))
    # Centre of the fifth voxel outside: 4.5 mm. 4 Phi(-1.5) = .267
    self.assertAllClose(made[10, 6, 1] / self.scan[10, 6, 1], [1 + 0.267 * 0.5], atol=0.02)

  def test_voxels_that_touch_the_lesion_have_the_whole_change_in_thick_slices_too(self):
    swollen = np.full_like(self.without, 0.73)
    labels = np.full(_SHAPE, 5, np.uint8)
    made = _transfer(self.scan, self.lesion, swollen, self.without, labels, (12.0, 12.0, 40.0))
    for touching in ((2, 2, 0), (2, 2, 2), (0, 2, 1), (4, 3, 1)):
      self.assertAllClose(made[touching], 1.5 * self.scan[touching], rtol=1e-5)
    self.assertAllClose(made[4, 4, 1], self.scan[4, 4, 1], rtol=1e-5)

  def test_nothing_changes_outside_the_brain(self):
    swollen = np.full_like(self.without, 0.73)
    labels = np.full(_SHAPE, 5, np.uint8)
    labels[4] = 0
    made = _transfer(self.scan, self.lesion, swollen, self.without, labels)
    self.assertAllEqual(made[4], self.scan[4])
    self.assertGreater(made[0, 2, 1, 0], 1.4 * self.scan[0, 2, 1, 0])

  def test_no_more_than_four_times_and_black_stays_black(self):
    self.scan[2, 2, 1] = 0
    bright = np.where(self.lesion[..., np.newaxis], 1.0, self.without)
    dark = np.where(self.lesion[..., np.newaxis], 0.01, self.without)
    made = _transfer(self.scan, self.lesion, bright, dark)
    self.assertEqual(made[2, 2, 1, 0], 0)
    self.assertAllClose(made[1, 1, 1], 4 * self.scan[1, 1, 1])
    made = _transfer(self.scan, self.lesion, dark, bright)
    self.assertAllClose(made[1, 1, 1], 0.25 * self.scan[1, 1, 1])

  def test_a_slice_with_less_than_50_voxels_of_parenchyma_is_taken_as_it_is(self):
    darker = 0.8 * self.with_lesion
    labels = np.full(_SHAPE, 2, np.uint8)
    labels[:, :, 1] = 5
    labels[3:10, :7, 1] = 2  # 49, less the lesion's.
    made = _transfer(self.scan, self.lesion, darker, self.without, labels)
    inside = self.lesion > 0
    self.assertAllClose(made[inside], 0.604 / 0.5 * self.scan[inside], rtol=1e-5)

  def test_contrasts_are_changed_each_by_itself(self):
    both = lambda image, other: np.concatenate([image, other], axis=-1)
    restricted = np.where(self.lesion[..., np.newaxis], 0.23, self.without)
    made = _transfer(
      both(self.scan, self.scan),
      self.lesion,
      both(self.with_lesion, restricted),
      both(self.without, self.without),
    )
    inside = self.lesion > 0
    self.assertAllClose(made[inside][:, 0], 1.5 * self.scan[inside][:, 0], rtol=1e-5)
    self.assertAllClose(made[inside][:, 1], 0.5 * self.scan[inside][:, 0], rtol=1e-5)


if __name__ == '__main__':
  tf.test.main()
