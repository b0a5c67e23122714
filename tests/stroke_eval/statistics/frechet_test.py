import numpy as np
from absl.testing import absltest

from stroke_eval.statistics import frechet_distance

# Four points of mean 0 and covariance 4/3 times the squared half widths.
_CORNERS = np.array([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])


class FrechetTest(absltest.TestCase):
  def test_two_known_gaussians(self):
    """Means 5 apart; deviations s, s against 2 s, 3 s with s^2 = 4/3: 25 + s^2 (1 + 4)."""
    ours, theirs = _CORNERS, _CORNERS * [2, 3] + [3, 4]
    self.assertAlmostEqual(frechet_distance(ours, theirs), 25 + 4 / 3 * 5)
    self.assertAlmostEqual(frechet_distance(theirs, ours), 25 + 4 / 3 * 5)

  def test_covariances_that_do_not_commute(self):
    """S = ((2, 1), (1, 2)), S' = diag(1, 3): S S' has trace 8, determinant 9, its root sqrt(8 + 6)."""
    unit = _CORNERS * np.sqrt(3 / 4)
    ours = unit @ np.linalg.cholesky([[2.0, 1], [1, 2]]).T
    theirs = unit * np.sqrt([1, 3])
    self.assertAlmostEqual(frechet_distance(ours, theirs), 4 + 4 - 2 * np.sqrt(14))
    self.assertAlmostEqual(frechet_distance(theirs, ours), 4 + 4 - 2 * np.sqrt(14))

  def test_a_turned_sample_of_equal_mean_and_deviations_is_away(self):
    """Correlation +1 and -1: every margin is the same, the distance is that of the covariances."""
    up, down = np.array([[1.0, 1], [-1, -1]]), np.array([[1.0, -1], [-1, 1]])
    self.assertAlmostEqual(frechet_distance(up, down), 8.0)

  def test_the_same_is_0_and_one_row_is_unknown(self):
    self.assertAlmostEqual(frechet_distance(_CORNERS, _CORNERS[::-1]), 0)
    self.assertTrue(np.isnan(frechet_distance(_CORNERS, _CORNERS[:1])))
    with self.assertRaisesRegex(ValueError, 'expected equal columns'):
      frechet_distance(_CORNERS, _CORNERS[:, :1])


if __name__ == '__main__':
  absltest.main()
