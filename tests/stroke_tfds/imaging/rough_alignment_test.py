import numpy as np
import tensorflow as tf
from scipy import ndimage

from stroke_tfds.imaging.rough_alignment import best_placement, isotropic
from stroke_tfds.imaging.volume import Volume


def _template() -> Volume:
  at = np.stack(np.meshgrid(*[4 * (np.arange(44) - 21.5)] * 3, indexing='ij'))
  inside = ((at / np.array([60, 78, 66])[:, None, None, None]) ** 2).sum(0) < 1
  texture = ndimage.gaussian_filter(np.random.default_rng(1).random(inside.shape), 2)
  texture = (texture - texture.min()) / np.ptp(texture)
  affine = np.diag([4.0, 4, 4, 1])
  affine[:3, 3] = -86
  return Volume(np.where(inside, 0.3 + texture, 0).astype(np.float32), affine)


class RoughAlignmentTest(tf.test.TestCase):
  def test_finds_where_a_slab_belongs(self):
    template = _template()
    affine = template.affine.copy()
    affine[:3, 3] += affine[:3, :3] @ [0, 0, 24]
    world = np.eye(4)
    world[:3, 3] = (30, -20, 70)  # The scanner's origin is elsewhere.
    slab = Volume(1.5 - template.data[:, :, 24:38], world @ affine)  # Another contrast.
    slab.data[template.data[:, :, 24:38] == 0] = 0
    counts = np.ones(slab.data.shape, bool)
    to_mni = best_placement(slab, counts, template)
    points = np.array([[-40, 40, 0], [0, 50, -50], [15, 30, 60], [1, 1, 1]])
    self.assertLess(np.abs(to_mni @ world @ points - points)[:3].max(), 8)

  def test_isotropic_keeps_the_box_and_the_values(self):
    affine = np.array([[2.0, 0, 0, 5], [0, 2, 0, -3], [0, 0, 6, 1], [0, 0, 0, 1]])
    ramp = np.broadcast_to(np.arange(10) * 6.0 + 1, (12, 12, 10))  # z in mm.
    made = isotropic(Volume(ramp, affine), 3)
    self.assertEqual(made.data.shape, (8, 8, 20))
    self.assertAllClose(made.spacing_mm, [3, 3, 3])
    z_mm = made.affine[2, 2] * np.arange(20) + made.affine[2, 3]
    self.assertAllClose(made.data[4, 4, 1:-1], z_mm[1:-1])
    corner = lambda v: v.affine @ [-0.5, -0.5, -0.5, 1]
    self.assertAllClose(corner(made), corner(Volume(ramp, affine)))


if __name__ == '__main__':
  tf.test.main()
