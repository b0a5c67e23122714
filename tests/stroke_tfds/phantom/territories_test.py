import numpy as np
import tensorflow as tf

from stroke_tfds.imaging.grid import GRIDS
from stroke_tfds.phantom.territories import (
  NAMES,
  OUTSIDE,
  main_territory,
  territories_on,
  territory_map,
)

_GRID = GRIDS['mini']


class TerritoriesTest(tf.test.TestCase):
  def setUp(self):
    super().setUp()
    self.map = territory_map()

  def at(self, *point_mm) -> str:
    index = np.rint((np.array(point_mm) - self.map.origin_mm) / self.map.spacing_mm).astype(int)
    return NAMES[self.map.territory[tuple(index)]]

  def test_known_places(self):
    for sign in (-1, 1):
      for (x, y, z), name in (
        ((8, 40, 20), 'ACA'),
        ((6, -20, 60), 'ACA'),
        ((44, 20, 24), 'MCA frontal'),
        ((50, -40, 40), 'MCA parietal'),
        ((54, -20, -10), 'MCA temporal'),
        ((10, -84, 4), 'PCA cortical'),
        ((28, 0, 2), 'lenticulostriate'),
        ((12, -18, 6), 'PCA deep'),
        ((4, -28, -34), 'basilar'),
        ((20, -56, -24), 'superior cerebellar'),
        ((24, -66, -48), 'inferior cerebellar'),
      ):
        with self.subTest(f'{name} {sign}'):
          self.assertEqual(self.at(sign * x, y, z), name)

  def test_ventricles_and_outside_have_none(self):
    self.assertEqual(self.at(-6, 8, 12), 'none')
    self.assertEqual(self.at(0, 0, 110), 'none')

  def test_sizes_are_those_of_an_atlas(self):
    # Litres of both sides together, wide ranges about the usual atlases.
    ml = {
      name: np.count_nonzero(self.map.territory == i) * self.map.spacing_mm**3 / 1000
      for i, name in enumerate(NAMES)
    }
    mca = sum(volume for name, volume in ml.items() if name.startswith('MCA'))
    self.assertBetween(mca, 600, 1000)
    self.assertBetween(ml['ACA'], 200, 400)
    self.assertBetween(ml['PCA cortical'], 150, 350)
    self.assertBetween(ml['lenticulostriate'], 40, 110)
    self.assertBetween(ml['PCA deep'], 20, 60)
    self.assertBetween(ml['superior cerebellar'] + ml['inferior cerebellar'], 140, 200)

  def test_sides_mirror_each_other(self):
    self.assertAllEqual(self.map.territory, self.map.territory[::-1])


class OnAGridTest(tf.test.TestCase):
  def test_territories_lie_where_anatomy_says(self):
    territory = territories_on(_GRID)
    at = lambda x, y, z: NAMES[
      territory[tuple(int(np.abs(c - v).argmin()) for c, v in zip(_GRID.coordinates_mm(), (x, y, z)))]
    ]
    self.assertEqual(at(-6, 30, 40), 'ACA')
    self.assertEqual(at(50, -10, 32), 'MCA frontal')
    self.assertEqual(at(-12, -90, 0), 'PCA cortical')
    self.assertEqual(at(27, 0, 4), 'lenticulostriate')

  def test_the_main_one_holds_most_voxels(self):
    territory = territories_on(_GRID)
    lesion = np.zeros(_GRID.shape, np.uint8)
    for name, n in (('none', 9), ('basilar', 3), ('ACA', 2)):
      lesion[tuple(np.argwhere(territory == NAMES.index(name))[:n].T)] = 1
    self.assertEqual(main_territory(lesion, _GRID), 'basilar')
    self.assertEqual(main_territory(lesion * (territory == 0), _GRID), OUTSIDE)


if __name__ == '__main__':
  tf.test.main()
