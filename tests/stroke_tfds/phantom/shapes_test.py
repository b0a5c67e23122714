import numpy as np
import tensorflow as tf

from stroke_tfds.phantom.shapes import Tube, ellipsoid

AXES = (np.arange(-20.0, 21), np.arange(-30.0, 31), np.arange(-10.0, 11))


class ShapesTest(tf.test.TestCase):
  def test_ellipsoid(self):
    x, y, z = np.meshgrid(*AXES, indexing='ij')
    expected = ((x - 2) / 7) ** 2 + ((y + 3) / 12) ** 2 + (z / 5.5) ** 2 < 1
    self.assertAllEqual(ellipsoid(2, -3, 0, (7, 12, 5.5)).contains(AXES), expected)

  def test_tube_widens_along_its_way(self):
    inside = Tube(((0, -20, 0, 2.5), (0, 20, 0, 8.5))).contains(AXES)
    width = inside[:, :, 10].sum(0)  # Along x at z = 0.
    self.assertEqual(width[30 - 20], 5)  # |x| < 2.5
    self.assertEqual(width[30], 11)  # |x| < 5.5, half way.
    self.assertEqual(width[30 + 20], 17)
    self.assertEqual(width[30 + 28], 5)  # In the end's ball: x^2 < 8.5^2 - 8^2.
    self.assertEqual(width[30 + 29], 0)

  def test_a_bend_joins_two_straight_tubes(self):
    first, corner, last = (-10, -10, 0, 3), (0, 0, 0, 4), (10, -10, 0, 3)
    bent = Tube((first, corner, last)).contains(AXES)
    parts = [Tube(ends).contains(AXES) for ends in ((first, corner), (corner, last))]
    self.assertAllEqual(bent, parts[0] | parts[1])

  def test_outside_the_grid_is_nothing(self):
    self.assertFalse(ellipsoid(100, 0, 0, (5, 5, 5)).contains(AXES).any())


if __name__ == '__main__':
  tf.test.main()
