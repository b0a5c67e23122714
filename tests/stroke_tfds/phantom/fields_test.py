import numpy as np
import tensorflow as tf

from stroke_tfds.imaging.grid import GRIDS, Grid
from stroke_tfds.phantom.fields import Lattice


class LatticeTest(tf.test.TestCase):
  def setUp(self):
    super().setUp()
    self.lattice = Lattice(GRIDS['mini'], 12.0)

  def test_covers_the_grid_with_a_margin(self):
    for control, fine in zip(self.lattice.coordinates_mm(), GRIDS['mini'].coordinates_mm()):
      self.assertLess(control[1], fine[0])
      self.assertGreater(control[-2], fine[-1])
      self.assertAllClose(np.diff(control), np.full(len(control) - 1, 12.0))

  def test_splines_reproduce_linear_functions(self):
    x, y, z = np.meshgrid(*self.lattice.coordinates_mm(), indexing='ij')
    made = self.lattice.to_grid(2 * x - y + 0.5 * z + 3)
    x, y, z = np.meshgrid(*GRIDS['mini'].coordinates_mm(), indexing='ij')
    self.assertAllClose(made, 2 * x - y + 0.5 * z + 3, atol=1e-3)

  def test_one_control_point_spreads_as_the_cubic_b_spline(self):
    grid = Grid('line', (1, 1, 9), (1.0, 1.0, 1.0), (-0.5, -0.5, -4.5))
    lattice = Lattice(grid, 2.0)
    values = np.ones(lattice.shape, np.float32)
    values[..., :] = 0
    centre = int(np.argmin(np.abs(lattice.coordinates_mm()[2] - 0.0)))
    values[..., centre] = 1
    offset = (grid.coordinates_mm()[2] - lattice.coordinates_mm()[2][centre]) / 2.0
    by_hand = {0.25: 0.6119792, 0.75: 0.3151042, 1.25: 0.0703125, 1.75: 0.0026042}
    expected = [by_hand.get(abs(t), 0.0) for t in offset]
    self.assertAllClose(lattice.to_grid(values)[0, 0], expected, atol=1e-6)

  def test_noise_has_unit_spread_and_the_length_that_was_asked_for(self):
    rng = np.random.default_rng(0)
    for correlation_mm in (0.0, 24.0):
      noise = np.stack([self.lattice.noise(rng, correlation_mm) for _ in range(20)])
      self.assertAllClose(noise.std(), 1, atol=0.05)
      neighbours = np.mean(noise[:, 1:] * noise[:, :-1])
      # White noise smoothed by sigma correlates as exp(-d^2 / 4 sigma^2).
      expected = np.exp(-((12 / 24) ** 2) / 4) if correlation_mm else 0
      self.assertAllClose(neighbours, expected, atol=0.06)


if __name__ == '__main__':
  tf.test.main()
