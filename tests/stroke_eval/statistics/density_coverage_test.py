import numpy as np
from absl.testing import absltest

from stroke_eval.statistics import density_and_coverage


def _on_line(*values: float) -> np.ndarray:
  return np.array(values)[:, np.newaxis]


class DensityAndCoverageTest(absltest.TestCase):
  def test_by_hand(self):
    """Nearest neighbours of 0, 1, 10, 14 are 1, 1, 4, 4 away: the balls are -1..1, 0..2, 6..14, 10..18.

    0.5 lies in two, 12 in two, 30 in none: 4 of 3 draws. All four balls hold a draw.
    """
    real = _on_line(0, 1, 10, 14)
    density, coverage = density_and_coverage(real, _on_line(0.5, 12, 30), k=1)
    self.assertAlmostEqual(density, 4 / 3)
    self.assertEqual(coverage, 1)

  def test_draws_of_one_kind_are_dense_but_cover_half(self):
    density, coverage = density_and_coverage(_on_line(0, 1, 10, 14), _on_line(*[0.5] * 6), k=1)
    self.assertEqual((density, coverage), (2, 0.5))

  def test_the_second_neighbour(self):
    """Second neighbours of 0, 1, 3 are 3, 2, 3 away; 5 lies in 0..6 alone: 1 of 2 x 1."""
    self.assertEqual(density_and_coverage(_on_line(0, 1, 3), _on_line(5.0), k=2), (0.5, 1 / 3))

  def test_fewer_neighbours_than_asked_for(self):
    self.assertEqual(density_and_coverage(_on_line(0, 1), _on_line(0.5), k=5), (2, 1))
    self.assertTrue(all(np.isnan(density_and_coverage(_on_line(0), _on_line(0.5)))))


if __name__ == '__main__':
  absltest.main()
