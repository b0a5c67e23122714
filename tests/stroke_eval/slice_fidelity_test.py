import dataclasses
import json

import numpy as np
from absl.testing import absltest

from stroke_eval import nearest_slices, slice_checks, slice_fidelity
from stroke_eval.slice_fidelity import SliceFidelity
from stroke_eval.slice_sets import SliceSet
from tests.stroke_eval import slices
from tests.stroke_eval.slices import CLASSES, OEDEMA, WHITE


class CompareTest(absltest.TestCase):
  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    cls.training = slices.patients(20, seed=1)
    cls.held_out = slices.patients(20, seed=2)
    cls.like = np.arange(60)

  def compare(self, drawn: SliceSet, at_once: np.ndarray | None = None) -> SliceFidelity:
    bank = nearest_slices.training_blocks([self.training])
    return slice_fidelity.compare(drawn, self.held_out, bank, self.like, at_once=at_once)[0]

  def verdicts(self, drawn: SliceSet) -> dict[str, bool | None]:
    return {check.key: check.is_good for check in slice_checks.check_all(self.compare(drawn))}

  def test_other_patients_of_the_same_kind_pass_all(self):
    at_once = np.arange(60) // 20 == 1
    at_once[[20, 22, 24, 26, 28]] = False
    found = self.compare(slices.patients(20, seed=3), at_once)
    checks = slice_checks.check_all(found)
    self.assertEqual([check.key for check in checks if check.is_good is False], [])
    self.assertEqual(sum(check.is_good is True for check in checks), 7)
    self.assertEqual((found.n_drawn, found.n_held_out, found.n_compared), (60, 60, 30))
    self.assertEqual(dataclasses.astuple(found.lesion_shares), (1 / 3, 1 / 3, 1 / 3, 1, 0, 0.75))
    self.assertEqual(found.areas['oedema'].real, 16 / 3)
    self.assertAlmostEqual(found.frechet['all'].ratio, 1, delta=0.3)
    self.assertAlmostEqual(found.diversity_at_levels.ratio, 1, delta=0.1)
    of = {(one.lesion, one.contrast): one for one in found.contrasts}
    self.assertAlmostEqual(of['oedema', 'T1'].real, 0.5, delta=0.1)
    self.assertAlmostEqual(of['oedema', 'T2'].strength, 1, delta=0.15)
    json.dumps(found.to_json(), allow_nan=False)

  def test_copies_of_training_slices_are_found(self):
    drawn = slices.patients(20, seed=3)
    drawn.image[:12] = self.training.image[:12, ::-1]
    bank = nearest_slices.training_blocks([self.training])
    found, nearness = slice_fidelity.compare(drawn, self.held_out, bank, self.like)
    self.assertBetween(found.distance.share, 0.2, 0.3)
    self.assertBetween(found.ratio.share, 0.2, 0.3)
    self.assertLess(nearness.ratios[:12].max(), 0.01)
    self.assertEqual(nearness.nearest[:12].tolist(), list(range(12)))
    self.assertEqual((found.distance.is_good, found.ratio.is_good), (False, False))

  def test_masks_of_other_images_are_found(self):
    """All masks one slice on: the lesion's is on healthy slices and at one of twenty in its place."""
    drawn = slices.patients(20, seed=3)
    shifted = dataclasses.replace(drawn, ids=np.roll(drawn.ids, 20, axis=0))
    verdicts = self.verdicts(shifted)
    self.assertEqual(verdicts['lesion_contrasts'], False)
    self.assertTrue(verdicts['worst_area'])  # Areas see nothing of it.
    right, wrong = (self.compare(one).explained['T1'].drawn for one in (drawn, shifted))
    self.assertLess(wrong, right - 0.05)

  def test_a_generator_of_one_slice_is_found(self):
    same = slices.patients(20, seed=3).take([0] * 20 + [20] * 20 + [40] * 20)
    found = self.compare(same)
    self.assertLess(found.diversity_at_levels.drawn, 1e-6)
    self.assertLess(found.coverage.ratio, 0.5)
    self.assertFalse(self.verdicts(same)['frechet'])

  def test_lesions_that_lack_are_found(self):
    drawn = slices.patients(20, seed=3)
    drawn.ids[20:25][drawn.ids[20:25] == OEDEMA] = WHITE
    at_once = drawn.has_lesion
    self.assertAlmostEqual(self.compare(drawn, at_once).lesion_shares.of_asked, 0.75)
    verdicts = self.verdicts(drawn)
    self.assertEqual((verdicts['lesion_slices'], verdicts['worst_area']), (False, True))
    drawn.ids[25:27][drawn.ids[25:27] == OEDEMA] = WHITE
    self.assertFalse(self.verdicts(drawn)['worst_area'])  # 35 % are not there.

  def test_what_was_not_asked_for_is_not_known(self):
    drawn = slices.patients(20, seed=3)
    found = self.compare(dataclasses.replace(drawn, numbers=np.full(60, -1)))
    self.assertTrue(np.isnan([found.lesion_shares.asked, found.diversity_at_levels.drawn]).all())

  def test_masks_alone(self):
    bare = lambda one: dataclasses.replace(one, image=one.image[..., :0], contrasts=())
    bank = nearest_slices.training_blocks([bare(self.training)])
    sets = bare(slices.patients(20, seed=3)), bare(self.held_out)
    found, _ = slice_fidelity.compare(*sets, bank, self.like)
    self.assertEqual((found.contrasts, dict(found.explained)), ((), {}))
    checks = {check.key: check.is_good for check in slice_checks.check_all(found)}
    self.assertIsNone(checks['lesion_contrasts'])
    self.assertTrue(checks['worst_area'])

  def test_one_slice_has_no_distance(self):
    drawn = slices.patients(20, seed=3).take([0])
    bank = nearest_slices.training_blocks([self.training])
    found, _ = slice_fidelity.compare(drawn, self.held_out, bank, self.like[:1])
    self.assertTrue(np.isnan(found.frechet['all'].drawn))
    checks = {check.key: check.is_good for check in slice_checks.check_all(found)}
    self.assertIsNone(checks['frechet'])

  def test_chance_of_an_area(self):
    """Two patients with 16 and 32 pixels: every split of them has a ratio of 2 or a half."""
    ids = slices.halves(2)
    ids[:, :4] = 0
    ids[:, :2], ids[1, 2:4] = OEDEMA, OEDEMA
    found = slice_fidelity._chances(slices.slice_set(ids, np.zeros([2, 8, 8, 1])), seed=0)
    self.assertAlmostEqual(found['oedema'], 2)
    self.assertAlmostEqual(found['CSF'], 1)
    self.assertNotIn('core', found)  # No half has any.

  def test_classes_are_those_of_the_module(self):
    self.assertEqual(set(self.compare(self.held_out).areas), set(CLASSES.names[1:]))


if __name__ == '__main__':
  absltest.main()
