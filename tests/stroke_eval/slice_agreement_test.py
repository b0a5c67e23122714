import numpy as np
from absl.testing import absltest

from stroke_eval import slice_agreement
from stroke_eval.slice_agreement import explained, lesion_contrasts
from tests.stroke_eval import slices
from tests.stroke_eval.slices import CORE, FLUID, WHITE


def _image(ids: np.ndarray, of_white: float, of_core: float) -> np.ndarray:
  return np.select([ids == WHITE, ids == CORE, ids == FLUID], [of_white, of_core, 0.9], 0.0)[..., None]


class LesionContrastsTest(absltest.TestCase):
  def test_by_hand(self):
    """Real contrasts .5 and .25, drawn -.1 and .4: medians .375 and .15, strength .4, one of two."""
    ids = slices.halves(2, CORE)
    real = np.concatenate([_image(ids[:1], 0.4, 0.6), _image(ids[:1], 0.4, 0.5)])
    drawn = np.concatenate([_image(ids[:1], 0.5, 0.45), _image(ids[:1], 0.5, 0.7)])
    core, oedema = lesion_contrasts(slices.slice_set(ids, drawn), slices.slice_set(ids, real))
    self.assertEqual((core.lesion, core.contrast, core.n_real, core.n_drawn), ('core', 'T1', 2, 2))
    np.testing.assert_allclose([core.real, core.drawn, core.strength], [0.375, 0.15, 0.4], atol=1e-6)
    self.assertEqual((core.real_signed_share, core.drawn_signed_share), (1, 0.5))
    self.assertAlmostEqual(core.chance, 0.25, 6)  # Each half is a patient.
    self.assertEqual((oedema.n_real, oedema.is_judged), (0, False))
    self.assertTrue(np.isnan(oedema.strength))

  def test_the_wrong_way_and_next_to_none(self):
    ids = slices.halves(2, CORE)
    of = lambda value: slices.slice_set(ids, _image(ids, 0.5, value))
    self.assertAlmostEqual(lesion_contrasts(of(0.4), of(0.75))[0].strength, -0.4, 6)
    self.assertFalse(lesion_contrasts(of(0.4), of(0.51))[0].is_judged)

  def test_seven_pixels_are_too_few(self):
    ids = slices.halves(2)
    ids[:, 0, :7] = CORE
    one = slices.slice_set(ids, _image(ids, 0.5, 0.9))
    self.assertEqual(lesion_contrasts(one, one)[0].n_real, 0)


class ExplainedTest(absltest.TestCase):
  def test_by_hand(self):
    """White matter .1 and .3 in turns, fluid .7 and .9: within .01, between .09."""
    ids = slices.halves(1)
    image = np.where(ids == WHITE, 0.1, 0.7)
    image[:, :, ::2] += 0.2
    found = explained(slices.slice_set(ids, image[..., None]))
    self.assertAlmostEqual(found['T1'], 0.9, 6)

  def test_classes_that_belong_to_another_image_explain_less(self):
    """Slices turned by a quarter: the other's classes part an image of two halves into equals."""
    ids = slices.halves(2)
    ids[1] = ids[1].T
    image = np.where(ids == WHITE, 0.2, 0.8)[..., None]
    right = slices.slice_set(ids, image)
    planted = slices.slice_set(ids[::-1], image)
    self.assertAlmostEqual(explained(right)['T1'], 1)
    self.assertAlmostEqual(explained(planted)['T1'], 0)
    self.assertAlmostEqual(explained(right, mismatched=True)['T1'], 0)
    self.assertAlmostEqual(explained(planted, mismatched=True)['T1'], 1)

  def test_only_what_is_head_in_both_slices_counts(self):
    """Without the upper half, which the other slice has not, nothing varies."""
    ids = slices.halves(2)
    ids[1, :4] = 0
    both = slices.slice_set(ids, np.where(ids == FLUID, 0.8, 0.2)[..., None])
    self.assertTrue(np.isnan(explained(both, mismatched=True)['T1']))

  def test_partners_are_of_other_patients_at_the_same_level(self):
    ids = slices.halves(5)
    image = np.zeros([5, 8, 8, 1])
    one = slices.slice_set(ids, image, subjects=[0, 0, 1, 2, 0], numbers=[3, 3, 3, 4, 4])
    self.assertEqual(slice_agreement._partners(one).tolist(), [2, 2, 0, 4, 3])
    alone = slices.slice_set(ids[:2], image[:2], subjects=[0, 0])
    self.assertTrue(np.isnan(explained(alone, mismatched=True)['T1']))


if __name__ == '__main__':
  absltest.main()
