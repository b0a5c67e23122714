import numpy as np
import tensorflow as tf

from stroke_tfds.imaging.grid import GRIDS
from stroke_tfds.imaging.resample import subdivide
from stroke_tfds.phantom import deformation
from stroke_tfds.phantom.anatomy import template_anatomy
from stroke_tfds.phantom.fields import Lattice


def _jacobian_determinant(coordinates: np.ndarray, spacing_mm: tuple[float, ...]) -> np.ndarray:
  """Determinant of the map's derivative at each voxel, by finite differences."""
  rows = [np.stack(np.gradient(component, *spacing_mm), -1) for component in coordinates]
  return np.linalg.det(np.stack(rows, -2))


class DeformationTest(tf.test.TestCase):
  def setUp(self):
    super().setUp()
    self.fine, _ = subdivide(GRIDS['mini'], 4.0)
    self.lattice = Lattice(self.fine, 6.0)

  def coordinates(self, velocity: np.ndarray, matrix=None, shift_mm=(0, 0, 0)) -> np.ndarray:
    matrix = np.eye(3) if matrix is None else matrix
    return deformation.template_coordinates(self.lattice, velocity, matrix, np.array(shift_mm))

  def test_never_folds(self):
    growth = template_anatomy().ventricle_growth(self.lattice)
    for seed in range(8):
      rng = np.random.default_rng(seed)
      velocity = deformation.random_velocity(rng, self.lattice) + (-2 if seed % 2 else 8) * growth
      at = self.coordinates(velocity, *deformation.random_affine(rng))
      jacobian = _jacobian_determinant(at, self.fine.spacing_mm)
      self.assertGreater(jacobian.min(), 0.01)
      self.assertLess(jacobian.max(), 6)
      self.assertGreater(jacobian.std(), 0.05)

  def test_the_same_displacement_added_at_once_would_fold(self):
    # Shows that the test above can fail: integration is what keeps the map invertible.
    velocity = 3 * deformation.random_velocity(np.random.default_rng(0), self.lattice)
    at = self.coordinates(velocity)
    self.assertGreater(_jacobian_determinant(at, self.fine.spacing_mm).min(), 0)
    axes = np.meshgrid(*self.fine.coordinates_mm(), indexing='ij')
    added = np.stack([a + self.lattice.to_grid(v) for a, v in zip(axes, velocity)])
    self.assertLess(_jacobian_determinant(added, self.fine.spacing_mm).min(), 0)

  def test_constant_velocity_is_a_translation(self):
    velocity = np.zeros((3, *self.lattice.shape), np.float32)
    velocity[1] = 5
    at = self.coordinates(velocity)
    self.assertAllClose(at[1, 3, :, 4], self.fine.coordinates_mm()[1] + 5, atol=1e-3)
    self.assertAllClose(at[0, :, 5, 4], self.fine.coordinates_mm()[0], atol=1e-3)

  def test_linear_velocity_integrates_to_an_exponential(self):
    x = self.lattice.coordinates_mm()[0]
    velocity = np.zeros((3, *self.lattice.shape), np.float32)
    velocity[0] = (0.1 * x)[:, None, None]
    at = self.coordinates(velocity)[0, :, 20, 10]
    inner = slice(12, -12)  # The velocity ends at the lattice's edge.
    expected = np.exp(0.1) * self.fine.coordinates_mm()[0]
    self.assertAllClose(at[inner], expected[inner], atol=0.1)

  def test_jacobian_of_a_known_map(self):
    matrix = np.array([[1.1, 0.2, 0], [0, 0.9, 0.1], [0.05, 0, 1.0]])
    at = self.coordinates(np.zeros((3, *self.lattice.shape)), matrix, (1, 2, 3))
    jacobian = _jacobian_determinant(at, self.fine.spacing_mm)
    self.assertAllClose(jacobian, np.full_like(jacobian, np.linalg.det(matrix)), atol=1e-3)
    self.assertAllClose(
      at[:, 0, 0, 0], matrix @ [a[0] for a in self.fine.coordinates_mm()] + [1, 2, 3], atol=1e-3
    )

  def test_affine_is_near_the_identity(self):
    matrix, shift_mm = deformation.random_affine(np.random.default_rng(1))
    self.assertAllClose(matrix, np.eye(3), atol=0.15)
    self.assertAllClose(shift_mm, np.zeros(3), atol=6)
    self.assertNotAllClose(matrix, np.eye(3), atol=1e-4)


if __name__ == '__main__':
  tf.test.main()
