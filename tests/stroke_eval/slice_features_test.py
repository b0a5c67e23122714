import numpy as np
from absl.testing import absltest

from stroke_eval import slice_features
from stroke_eval.slice_features import Features
from tests.stroke_eval import slices
from tests.stroke_eval.slices import FLUID, OEDEMA, WHITE


class MeasureTest(absltest.TestCase):
  def test_by_hand(self):
    """8 x 8: white matter .2 and .6 in turns above, fluid .8 below; 7 pixels of it are oedema at .8."""
    ids = slices.halves(1)
    ids[0, 4, :7] = OEDEMA
    image = np.where(ids == WHITE, 0.2, 0.8)
    image[0, :4, ::2] = 0.6
    found = slice_features.measure(slices.slice_set(ids, image[..., None]))
    of = dict(zip(found.names, found.values[0]))
    self.assertLen(of, 2 * 2 + 1 + 16 + 4 * 4)
    for name, value in (
      ('T1: white matter median', 0.4),
      ('T1: white matter spread', 0.2),
      ('T1: CSF median', 0.8),
      ('T1: CSF spread', 0),
      ('T1: tile 1, 1', 0.4),
      ('T1: tile 3, 4', 0.8),
      ('white matter: area', 0.5),
      ('white matter: x', 1.5 / 8),
      ('white matter: y', 3.5 / 8),
      ('white matter: edge', 20 / 32),  # 12 of 4 x 8 are inside.
      ('oedema: area', 7 / 64),
      ('core: area', 0),
    ):
      self.assertAlmostEqual(of[name], value, 6, name)
    for name in ('oedema: x', 'oedema: edge', 'core: y'):  # Fewer than 8 pixels.
      self.assertTrue(np.isnan(of[name]), name)

  def test_a_gradient_of_known_slope_and_salt_and_pepper(self):
    ids = np.full([2, 8, 8], WHITE)
    ids[1, ::2, ::2] = FLUID
    slope = np.tile(np.arange(8)[:, None, None] / 10, [2, 1, 8, 1])
    found = slice_features.measure(slices.slice_set(ids, slope))
    of = dict(zip(found.names, found.values.T))
    self.assertAlmostEqual(of['T1: gradient'][0], 0.1)
    self.assertEqual(of['CSF: edge'][1], 1)

  def test_without_contrasts_there_are_shapes_alone(self):
    found = slice_features.measure(slices.slice_set(slices.halves(2), np.zeros([2, 8, 8, 0])))
    self.assertEqual(set(found.families), {'shapes'})


class StandardisedTest(absltest.TestCase):
  def test_by_hand(self):
    """Real a: 1 and 3, mean 2, deviation 1; b does not vary; c is 5 and not known, then 7: 5, 6, 7."""
    real = Features(
      ('a', 'b', 'c'), ('tissues', 'layout', 'shapes'), np.array([[1, 4, 5], [3, 4, np.nan], [2, 4, 7]])
    )
    drawn = Features(real.names, real.families, np.array([[2.0, 9.0, np.nan], [99.0, 4.0, 6.0]]))
    deviation = np.sqrt(2 / 3)
    rows = slice_features.standardised(drawn, real)
    np.testing.assert_allclose(rows, [[0, 0], [5, 0]], atol=1e-12)  # 97 / .82 is cut off.
    rows = slice_features.standardised(real, real)
    np.testing.assert_allclose(rows[:, 0] * deviation, [-1, 1, 0], atol=1e-12)
    self.assertEqual(slice_features.gaps(drawn, real), {'a': 2.5, 'c': 0.0})
    families = slice_features.varying_families(real)
    self.assertEqual({k: v.tolist() for k, v in families.items()}, _FAMILIES)


_FAMILIES = {'tissues': [True, False], 'shapes': [False, True]}

if __name__ == '__main__':
  absltest.main()
