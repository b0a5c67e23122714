import numpy as np
import tensorflow as tf

from stroke_tfds.imaging.grid import Grid
from stroke_tfds.imaging.transform import IDENTITY, Transform
from stroke_tfds.imaging.volume import Volume

GRID = Grid('g', (3, 4, 5), (2.0, 3.0, 4.0), (-3.0, -6.0, -10.0))
MATRIX = np.array([[0, -2.0, 0, 5], [1, 0, 0, -7], [0, 0, 3, 1], [0, 0, 0, 1]])


def _field(function) -> Volume:
  """Displacements of a function of MNI coordinates, on voxels of 4 mm from -40 to 40 mm."""
  affine = np.diag([4.0, 4.0, 4.0, 1.0])
  affine[:3, 3] = -40
  at = np.stack(np.meshgrid(*[np.arange(-40, 41, 4.0)] * 3, indexing='ij'))
  return Volume(np.stack(function(*at), -1).astype(np.float32), affine)


class TransformTest(tf.test.TestCase):
  def test_an_affine_moves_points(self):
    points = np.array([[1.0, 2, 3], [0, 0, 1]]).T
    moved = Transform(MATRIX).to_world(points)
    self.assertAllClose(moved.T, [[5 - 4, 1 - 7, 9 + 1], [5, -7, 4]])
    self.assertAllClose(Transform.from_affine(np.linalg.inv(MATRIX)).to_world(points), moved)
    self.assertAllClose(IDENTITY.to_world(points), points)

  def test_displaces_before_the_affine(self):
    transform = Transform(MATRIX, _field(lambda x, y, z: (0 * x + 1, 0.5 * x, 0 * z - 2)))
    # (2, 4, 6) is displaced to (3, 5, 4), also between the field's voxels.
    self.assertAllClose(transform.to_world(np.array([2.0, 4, 6])), [5 - 10, 3 - 7, 12 + 1])
    self.assertAllClose(transform.to_world(np.array([200.0, 0, 0])), [5, 193, 1])
    self.assertFalse(transform.is_affine)
    self.assertTrue(IDENTITY.is_affine)

  def test_volume_ratio_of_an_affine_is_its_determinant(self):
    mirrored = MATRIX @ np.diag([-1.0, 1, 1, 1])
    for matrix in (MATRIX, mirrored):
      self.assertAllClose(Transform(matrix).volume_ratio(GRID), np.full(GRID.shape, 6.0))

  def test_volume_ratio_of_a_deformation(self):
    # (x, y, z) goes to (1.1 x + 0.2 y, 0.9 y, z + z^2 / 100): 0.99 (1 + z / 50), times the affine's 6.
    field = _field(lambda x, y, z: (0.1 * x + 0.2 * y, -0.1 * y, z**2 / 100))
    ratio = Transform(MATRIX, field).volume_ratio(GRID)
    self.assertEqual(ratio.dtype, np.float32)
    z_mm = GRID.coordinates_mm()[2]  # -8, -4, 0, 4, 8: at the field's voxels.
    expected = np.broadcast_to(6 * 0.99 * (1 + z_mm / 50), GRID.shape)
    self.assertAllClose(ratio, expected, rtol=1e-4)


if __name__ == '__main__':
  tf.test.main()
