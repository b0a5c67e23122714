import dataclasses
import math

from absl.testing import absltest

from stroke_eval import slice_checks
from stroke_eval.nearest_slices import Nearer
from stroke_eval.slice_fidelity import Beside, LesionShares
from tests.stroke_eval.slices import contrast, fidelity

_FOUND = fidelity()


class ChecksTest(absltest.TestCase):
  def verdict(self, key: str, **changes) -> bool | None:
    checks = slice_checks.check_all(dataclasses.replace(_FOUND, **changes))
    return {check.key: check.is_good for check in checks}[key]

  def test_at_the_bounds_all_is_well(self):
    for key in ('frechet', 'lesion_slices', 'worst_area', 'lesion_contrast_signs', 'lesion_contrasts'):
      self.assertTrue(self.verdict(key), key)

  def test_beyond_them_each_fails(self):
    shares = dataclasses.replace(_FOUND.lesion_shares, drawn=0.39)
    for key, changes in (
      ('frechet', {'frechet': {'all': Beside(3.01, 1.0)}}),
      ('lesion_slices', {'lesion_shares': shares}),
      ('worst_area', {'areas': {'CSF': Beside(1.0, 1.0), 'core': Beside(6.9, 10.0)}}),
      ('worst_area', {'areas': {'CSF': Beside(1.0, 1.0), 'core': Beside(0.0, 10.0)}}),
      ('lesion_contrast_signs', {'contrasts': (contrast(0.5, 0.5), contrast(-0.1, 0.5))}),
      ('lesion_contrasts', {'contrasts': (contrast(0.5, 0.5), contrast(0.34, 0.5))}),
      ('nearer_share', {'distance': Nearer(1.0, 1.0, 0.1, 0.2, 0.009)}),
      ('copied_share', {'ratio': Nearer(1.0, 1.0, 0.1, 0.2, 0.009)}),
    ):
      self.assertEqual(self.verdict(key, **changes), False, key)

  def test_chance_widens_the_bounds(self):
    areas = {'core': Beside(5.0, 10.0), 'CSF': Beside(120.0, 100.0)}
    self.assertFalse(self.verdict('worst_area', areas=areas, chances={'core': 1.9}))
    self.assertTrue(self.verdict('worst_area', areas=areas, chances={'core': 2.1}))
    # Small beside the bounds of what is certain, it takes nothing away; the class that fails is named.
    checks = slice_checks.check_all(
      dataclasses.replace(_FOUND, areas=areas, chances={'core': 1.9, 'CSF': 1.01})
    )
    self.assertIn('farthest off, core', {check.key: check.text for check in checks}['worst_area'])
    of = lambda chance: (dataclasses.replace(contrast(0.1, 0.5), chance=chance),)
    self.assertFalse(self.verdict('lesion_contrasts', contrasts=of(0.39)))
    self.assertTrue(self.verdict('lesion_contrasts', contrasts=of(0.41)))

  def test_what_could_not_be_measured_is_not_judged(self):
    for key, changes in (
      ('frechet', {'frechet': {'all': Beside(math.nan, 1.0)}}),
      ('lesion_contrasts', {'contrasts': ()}),
      ('worst_area', {'areas': {}}),
      ('lesion_slices', {'lesion_shares': LesionShares(math.nan, 0.1, 0.0, *[math.nan] * 3)}),
      ('nearer_share', {'distance': Nearer(*[math.nan] * 5)}),
    ):
      self.assertIsNone(self.verdict(key, **changes), key)


if __name__ == '__main__':
  absltest.main()
