import functools

import numpy as np
import tensorflow as tf

from stroke_tfds.imaging.grid import Grid
from stroke_tfds.phantom import growth, tumours
from stroke_tfds.phantom.fields import Lattice
from stroke_tfds.phantom.territories import territory_map


@functools.cache
def _cohort() -> list[tumours.Tumour]:
  return [tumours.grow_tumour(np.random.default_rng([7, i])) for i in range(12)]


def _ml(body: growth.Lesion) -> float:
  return float(body.fraction.sum() * np.linalg.det(body.affine) / 1000)


class TumoursTest(tf.test.TestCase):
  def test_bodies_are_nested_and_their_classes_fit_their_kind(self):
    kinds = set()
    for tumour in _cohort():
      kinds.add(tumour.kind)
      self.assertTrue((tumour.necrosis.fraction <= tumour.core.fraction).all())
      self.assertTrue((tumour.core.fraction <= tumour.whole.fraction).all())
      necrosis, core, whole = (_ml(body) for body in (tumour.necrosis, tumour.core, tumour.whole))
      self.assertBetween(core, 2.5, 95)
      self.assertGreater(whole, core + 0.5)
      if tumour.kind == tumours.RING:
        self.assertBetween(necrosis / core, 0.02, 0.8)
      else:
        self.assertAllClose(necrosis, core * (tumour.kind == tumours.NON_ENHANCING))
    self.assertEqual(kinds, set(tumours.KINDS))

  def test_grow_on_one_side_in_parenchyma_and_oedema_leaves_grey_matter_free(self):
    tissue = territory_map()
    grey_shares = []
    for tumour in _cohort():
      affine, whole = tumour.whole.affine, tumour.whole.fraction >= 0.5
      start = np.rint((affine[:3, 3] - tissue.origin_mm) / tissue.spacing_mm).astype(int)
      box = tuple(slice(a, a + n) for a, n in zip(start, whole.shape))
      self.assertTrue((tissue.territory[box][whole] > 0).all())
      x_mm = affine[0, 3] + tissue.spacing_mm * np.argwhere(whole)[:, 0]
      self.assertTrue((x_mm * np.sign(tumour.centre_mm[0]) >= 0).all())
      oedema = whole & (tumour.core.fraction < 0.5)
      grey_shares.append(tissue.is_grey[box][oedema].mean())
    self.assertLess(np.mean(grey_shares), 0.25)  # About .6 of the hemisphere is grey.

  def test_shares_of_a_place(self):
    body = lambda value: growth.Lesion(np.full((3, 3, 3), value, np.float32), np.eye(4), '')
    tumour = tumours.Tumour(body(0.9), body(0.6), body(0.2), tumours.RING, np.zeros(3), 1.0, 10.0)
    at = np.array([1.0, 1.0, 1.0]).reshape(3, 1, 1, 1)
    self.assertAllClose(tumour.shares(at).ravel(), [0.2, 0.3, 0.4])

  def test_push_is_largest_at_the_surface_and_points_to_the_centre(self):
    grid = Grid('g', (20, 20, 20), (6.0, 6.0, 6.0), (-60.0, -60.0, -60.0))
    lattice = Lattice(grid, 6.0)
    tumour = tumours.Tumour(*[None] * 3, tumours.RING, np.array([6.0, 0.0, 0.0]), 2.0, 15.0)
    push = tumour.push(lattice)
    axes = [list(axis) for axis in lattice.coordinates_mm()]
    at = lambda x, y, z: push[:, axes[0].index(x), axes[1].index(y), axes[2].index(z)]
    self.assertAllClose(at(6.0, 0.0, 0.0), [0, 0, 0])
    self.assertAllClose(at(24.0, 0.0, 0.0), [-2, 0, 0], atol=1e-5)  # 18 mm, 1.2 radii: the highest.
    self.assertAllClose(at(6.0, 0.0, -18.0), [0, 0, 2], atol=1e-5)
    self.assertLess(np.abs(push).max(), 2.001)


if __name__ == '__main__':
  tf.test.main()
