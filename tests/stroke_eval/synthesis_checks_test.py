"""The sanity table: its numbers and when it asks for attention."""

import numpy as np
import tensorflow as tf

from stroke_eval import synthesis_checks
from stroke_eval.survey import Survey
from stroke_eval.two_sample import FeatureGap, TwoSample

SHAPE = (10, 10, 5)


def make_survey(masks, lesion_means, ring_means, draws=None, outside=0):
  masks = np.asarray(masks, np.uint8)
  n = len(masks)
  return Survey(
    subject_ids=tuple(f's{i}' for i in range(n)),
    voxels=masks.reshape(n, -1).sum(1),
    lesion_means=np.asarray(lesion_means, float),
    ring_means=np.asarray(ring_means, float),
    outside_voxels=np.array([outside] + [0] * (n - 1)),
    histograms={},
    brain_share=np.ones(SHAPE),
    lesion_share=masks.mean(0),
    provenance=tuple({'lesion_draw_voxels': d} for d in draws or [[]] * n),
    packed=tuple(np.packbits(mask.ravel()) for mask in masks),
    spacing_mm=(2.0, 5.0, 10.0),
  )


def block(x, n_x):
  """A lesion of n_x * 10 voxels from column x on."""
  mask = np.zeros(SHAPE, np.uint8)
  mask[x : x + n_x, :, 2] = 1
  return mask


class ToldApartTest(tf.test.TestCase):
  def found(self, auc):
    gaps = tuple(
      FeatureGap(name, value, 1.0, 2.0)
      for name, value in (('low', 0.99), ('high', 0.02), ('spread', 0.9), ('skewness', 0.8))
    )
    return TwoSample(auc, (auc - 0.1, auc + 0.05), gaps, 37, 80)

  def test_a_generator_above_80_is_flagged(self):
    for auc, is_good in ((0.5, True), (0.8, True), (0.81, False), (1.0, False)):
      check = synthesis_checks.check_told_apart(self.found(auc))
      self.assertEqual((check.generated, check.is_good), (auc, is_good))

  def test_says_interval_and_what_gives_it_away(self):
    check = synthesis_checks.check_told_apart(self.found(0.85))
    self.assertIn('80 synthetic and 37 held-out clinical volumes', check.text)
    self.assertIn('interval 0.75 to 0.90', check.text)
    self.assertIn('low 0.99, high 0.02, spread 0.90', check.text)
    self.assertNotIn('skewness', check.text)
    self.assertEqual(synthesis_checks.to_numbers([check]), {'told_apart_auc': 0.85})


class SanityTableTest(tf.test.TestCase):
  def setUp(self):
    super().setUp()
    # 40, 20 and 10 voxels of 0.1 ml: the last is too small to count.
    self.real = make_survey([block(0, 4), block(3, 2), block(7, 1)], [0.8] * 3, [0.4, 0.5, 0.9])

  def table(self, *args, **kwargs):
    made = make_survey(*args, **kwargs)
    checks = synthesis_checks.check_all(self.real, made)
    return {check.key: check for check in checks}, synthesis_checks.to_numbers(checks)

  def test_numbers(self):
    checks, numbers = self.table(
      [block(0, 2), block(1, 2)], [0.9, 0.8], [0.3, 0.4], draws=[[19, 20], [20, 5, 60]]
    )
    self.assertAllClose(numbers['lesion_draw_pass_share'], 3 / 5)
    self.assertAllClose(numbers['lesion_draw_pass_share_real'], 2 / 3)
    self.assertAllClose([numbers['median_lesion_ml'], numbers['median_lesion_ml_real']], [2.0, 3.0])
    # Real volumes 2 and 4 ml, generated 2 and 2: half of the real ones lie above 2.
    self.assertAllClose(numbers['lesion_volume_ks'], 0.5)
    # Generated: 10 voxels shared of 20 + 20. Real: column 3 alone, 2 * 10 / 60.
    self.assertAllClose(numbers['lesion_pairwise_dice'], 0.5)
    self.assertAllClose(numbers['lesion_pairwise_dice_real'], 1 / 3)
    # Columns 0-1 with 0-3 give 2/3; columns 1-2 as well.
    self.assertAllClose(numbers['lesion_nearest_dice'], 2 / 3)
    self.assertAllClose(numbers['brighter_lesion_share'], 1.0)
    self.assertAllClose(numbers['brighter_lesion_share_real'], 2 / 3)
    self.assertAllClose(numbers['lesion_to_ring'], 2.5)
    self.assertEqual(
      {key for key, check in checks.items() if check.is_good is None},
      {'lesion_volume_ks', 'lesion_to_ring'},
    )
    self.assertTrue(all(c.is_good for c in checks.values() if c.is_good is not None))

  def test_asks_for_attention(self):
    checks, _ = self.table(
      [block(0, 8), block(0, 9)], [0.9, 0.3], [0.3, 0.4], draws=[[1, 2, 80], [90]] * 1, outside=3
    )
    bad = {key for key, check in checks.items() if check.is_good is False}
    self.assertEqual(
      bad,
      {
        'median_lesion_ml',
        'lesion_pairwise_dice',
        'lesion_voxels_outside_parenchyma',
        'brighter_lesion_share',
      },
    )

  def test_a_copy_is_seen(self):
    checks, numbers = self.table([block(6, 4)], [0.9], [0.3], draws=[[40]])
    self.assertAllClose(numbers['lesion_nearest_dice'], 1.0)  # Mirror image of columns 0-3.
    self.assertFalse(checks['lesion_nearest_dice'].is_good)

  def test_what_cannot_be_measured_gets_no_mark(self):
    checks, numbers = self.table([block(0, 4)], [0.9], [np.nan])
    self.assertIsNone(numbers['brighter_lesion_share'])
    self.assertIsNone(checks['brighter_lesion_share'].is_good)
    self.assertIsNone(numbers['lesion_draw_pass_share'])
    self.assertIsNone(numbers['lesion_pairwise_dice'])


class DrawPassShareTest(tf.test.TestCase):
  def test_draw_pass_share_counts_every_draw(self):
    # 19 fails, 20 passes: 3 of 5.
    self.assertEqual(synthesis_checks.draw_pass_share([[19, 20], [0, 55], [21]], 20), (0.6, 5))

  def test_share_of_no_draw_is_nan(self):
    self.assertTrue(np.isnan(synthesis_checks.draw_pass_share([[], []], 20)[0]))


if __name__ == '__main__':
  tf.test.main()
