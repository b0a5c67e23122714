import numpy as np
import tensorflow as tf
from scipy import ndimage

from stroke_tfds.imaging.grid import Grid
from stroke_tfds.label_schemes import ASEG28
from stroke_tfds.phantom.anatomy import Anatomy, label_map_solidity, template_anatomy, template_labels
from stroke_tfds.phantom.fields import Lattice
from stroke_tfds.phantom.signal import SCALP_ID

# Volumes in ml of one side in adults, a wide range, and about where the centre lies in MNI mm.
_PAIRED = {
  'cerebral white matter': (200, 330, (28, -18, 20)),
  'cerebral cortex': (230, 430, (33, -18, 14)),
  'lateral ventricle': (5, 25, (15, -15, 12)),
  'cerebellar white matter': (10, 18, (20, -54, -36)),
  'cerebellar cortex': (50, 80, (24, -62, -37)),
  'thalamus': (6, 12, (12, -18, 6)),
  'caudate': (2.8, 5, (13, 10, 9)),
  'putamen': (4.5, 8, (25, 2, -1)),
  'pallidum': (1.2, 2.5, (21, -3, -2)),
  'hippocampus': (2.5, 5, (26, -22, -15)),
  'amygdala': (1.2, 2.3, (24, -4, -20)),
  'ventral diencephalon': (3.5, 6, (11, -16, -11)),
}


class TemplateTest(tf.test.TestCase):
  def setUp(self):
    super().setUp()
    self.anatomy = template_anatomy()

  def where(self, name: str) -> np.ndarray:
    return np.argwhere(self.anatomy.labels == ASEG28.id_of(name)) + self.anatomy.origin_mm

  def test_structures_have_adult_volumes_at_their_places(self):
    for name, (low, high, (x, y, z)) in _PAIRED.items():
      for side, sign in (('left', -1), ('right', 1)):
        with self.subTest(f'{side} {name}'):
          points = self.where(f'{side} {name}')
          self.assertBetween(len(points) / 1000, low, high)
          self.assertLess(np.linalg.norm(points.mean(0) - (sign * x, y, z)), 5)

  def test_left_is_left_of_the_midline(self):
    for name in _PAIRED:
      self.assertLess(self.where(f'left {name}')[:, 0].max(), 0)
      self.assertGreaterEqual(self.where(f'right {name}')[:, 0].min(), 0)

  def test_midline_structures(self):
    self.assertBetween(len(self.where('brain stem')) / 1000, 17, 26)
    self.assertBetween(len(self.where('third and fourth ventricle')) / 1000, 2, 7)
    self.assertAllClose(self.where('brain stem').mean(0), [0, -30, -33], atol=3)

  def test_deep_structures_are_whole(self):
    for name in ('thalamus', 'caudate', 'putamen', 'pallidum', 'hippocampus', 'amygdala'):
      pieces, n_pieces = ndimage.label(self.anatomy.labels == ASEG28.id_of(f'left {name}'))
      largest = np.bincount(pieces.ravel())[1:].max()
      self.assertGreater(largest / np.count_nonzero(pieces), 0.85, f'{name}: {n_pieces} pieces')

  def test_all_structures_are_there(self):
    self.assertAllEqual(np.unique(self.anatomy.labels), np.arange(28))


class SamplingTest(tf.test.TestCase):
  def at(self, *points_mm) -> np.ndarray:
    return np.array(points_mm, np.float32).T.reshape(3, -1, 1, 1)

  def test_nearest_label_at_known_places(self):
    tissue = template_anatomy().sample(
      self.at((-12, -18, 6), (12.3, -17.8, 6.1), (0, -28, -34), (25, 10, 30), (0, 0, 200)), 0.0
    )
    names = [ASEG28.names[i] for i in tissue.ravel()]
    self.assertEqual(
      names,
      ['left thalamus', 'right thalamus', 'brain stem', 'right cerebral white matter', 'background'],
    )

  def test_scalp_lies_around_the_skull(self):
    line = self.at(*[(x, -20, 20) for x in range(60, 98)])
    tissue = template_anatomy().sample(line, 0.0).ravel()
    brain = np.flatnonzero((tissue > 0) & (tissue < SCALP_ID)).max()
    scalp = np.flatnonzero(tissue == SCALP_ID)
    self.assertGreater(scalp.min(), brain + 5)
    self.assertLen(scalp, scalp.max() - scalp.min() + 1)

  def test_atrophy_turns_cortex_into_fluid_and_nothing_else(self):
    grid = Grid('g', (48, 48, 30), (4.0, 4.0, 4.0), (-96.0, -120.0, -60.0))
    at = np.stack(np.meshgrid(*grid.coordinates_mm(), indexing='ij')).astype(np.float32)
    young, old = (template_anatomy().sample(at, atrophy) for atrophy in (0.0, 0.9))
    changed = young != old
    self.assertBetween(changed.sum() / (young == ASEG28.id_of('left cerebral cortex')).sum(), 0.1, 1)
    self.assertAllEqual(np.unique(old[changed]), [ASEG28.id_of('other CSF')])
    self.assertTrue(all('cortex' in ASEG28.names[i] for i in np.unique(young[changed])))

  def test_ventricles_grow_outwards(self):
    anatomy = template_anatomy()
    lattice = Lattice(Grid('g', (64, 64, 40), (3.0, 3.0, 3.0), (-96.0, -114.0, -56.0)), 6.0)
    growth = anatomy.ventricle_growth(lattice)
    length = np.linalg.norm(growth, axis=0)
    self.assertBetween(length.max(), 0.5, 1.0001)
    # A pull-back that widens: beside the left ventricle it points right, to the ventricle.
    x, y, z = (int(np.argmin(np.abs(c - v))) for c, v in zip(lattice.coordinates_mm(), (-24, -12, 22)))
    self.assertGreater(growth[0, x, y, z], 0.1)
    self.assertAllClose(growth[:, 2, 2, 2], np.zeros(3), atol=1e-3)

  def test_solidity_of_a_label_map(self):
    white, cortex = (ASEG28.id_of(f'left cerebral {name}') for name in ('white matter', 'cortex'))
    labels = np.zeros((30, 12, 12), np.uint8)
    labels[:12], labels[12:15] = white, cortex
    solidity = label_map_solidity(labels)
    self.assertEqual(solidity[2, 6, 6], 255)
    self.assertEqual(solidity[27, 6, 6], 0)
    # Half a voxel inside a flat border: 0.63 of a Gaussian of 1.5 mm, on the scale from 0.55 to 1.
    self.assertAllClose(solidity[14, 6, 6], 255 * (0.55 + 0.45 * 0.63), atol=2)
    made = Anatomy('a', labels, np.zeros(3), solidity).sample(self.at((14, 6, 6), (13, 6, 6)), 0.88)
    self.assertAllEqual(made.ravel(), [ASEG28.id_of('other CSF'), cortex])

  def test_banks_of_a_sulcus_that_touch_open_in_the_middle(self):
    white, cortex = (ASEG28.id_of(f'left cerebral {name}') for name in ('white matter', 'cortex'))
    labels = np.full((30, 20, 20), white, np.uint8)
    labels[11:18] = cortex  # 7 mm: two banks of 3 mm and what is hidden between them.
    solidity = label_map_solidity(labels)[11:18, 10, 10] / 255
    depth_mm = np.array([1, 2, 3, 4, 3, 2, 1])
    self.assertAllClose(solidity, np.minimum(1, 1 - 0.12 * (depth_mm - 1.8)), atol=0.01)
    line = self.at(*[(x, 10, 10) for x in range(11, 18)])
    opened = Anatomy('a', labels, np.zeros(3), label_map_solidity(labels)).sample(line, 0.8).ravel()
    self.assertAllEqual(opened == ASEG28.id_of('other CSF'), depth_mm == 4)

  def test_gaps_between_parts_of_the_brain_hold_fluid(self):
    labels = np.zeros((60, 40, 40), np.uint8)
    labels[10:50, 10:30, 10:30] = ASEG28.id_of('left cerebral white matter')
    labels[28:33] = 0  # A gap of 5 mm.
    anatomy = Anatomy('a', labels, np.zeros(3), np.full(labels.shape, 255, np.uint8))
    made = anatomy.sample(self.at((30, 20, 20), (20, 8, 20), (20, 6, 20)), 0.0).ravel()
    self.assertAllEqual(made, [ASEG28.id_of('other CSF'), 0, 0])

  def test_wide_ventricles_are_known(self):
    self.assertEqual(template_anatomy().ventricle_excess_mm, 0)
    labels = np.zeros((50, 50, 50), np.uint8)
    labels[5:45, 5:30, 5:55] = ASEG28.id_of('left lateral ventricle')  # 45 ml.
    wide = Anatomy('a', labels, np.zeros(3), labels)
    self.assertAllClose(wide.ventricle_excess_mm, 13 * np.log(45 / 25), atol=1e-4)

  def test_a_label_on_a_grid_is_the_one_that_fills_most_of_its_voxel(self):
    coarse = Grid('coarse', (16, 16, 4), (12.0, 12.0, 32.0), (-96.0, -114.0, -56.0))
    labels, anatomy = template_labels(coarse), template_anatomy()
    # The voxel (3, 5, 2) is the box of -60..-48, -54..-42 and 8..40 mm.
    start = np.array([-60, -54, 8]) - anatomy.origin_mm.astype(int)
    box = tuple(slice(s, s + n) for s, n in zip(start, (12, 12, 32)))
    self.assertEqual(labels[3, 5, 2], np.bincount(anatomy.labels[box].ravel()).argmax())
    self.assertEqual((labels.shape, labels.dtype), (coarse.shape, np.uint8))
    with self.assertRaises(ValueError):
      labels[0, 0, 0] = 1  # All share it.


if __name__ == '__main__':
  tf.test.main()
