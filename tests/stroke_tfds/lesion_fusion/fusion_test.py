import numpy as np
import tensorflow as tf

from stroke_tfds.imaging.grid import Grid
from stroke_tfds.lesion_fusion import fusion

GRID = Grid('test', (8, 6, 4), (3.0, 3.0, 8.0), (-12.0, 0.0, 0.0))


def _at(grid: Grid, shift_mm=(0, 0, 0)) -> np.ndarray:
  axes = np.stack(np.meshgrid(*grid.coordinates_mm(), indexing='ij'))
  return axes + np.reshape(shift_mm, (3, 1, 1, 1))


def _scan() -> tuple[np.ndarray, np.ndarray]:
  """Two channels over an expected signal of 0.5: lesion at (2, 3, 1) and (3, 3, 1), and its edge."""
  image = np.full((*GRID.shape, 2), 0.5, np.float32)
  lesion = np.zeros(GRID.shape, np.uint8)
  lesion[2:4, 3, 1] = 1
  image[2, 3, 1], image[3, 3, 1] = (1.0, 0.2), (0.8, 0.3)
  image[1, 3, 1] = 0.6, 0.4
  image[3, 4, 1] = 0.2, 0.9  # A furrow: darker in a contrast in which the lesion is bright.
  return image, lesion


def _cut_out() -> fusion.RelativeLesion:
  image, lesion = _scan()
  return fusion.cut_out(image, np.full_like(image, 0.5), lesion, GRID)


class ExpectedSignalTest(tf.test.TestCase):
  def test_sides_are_pooled(self):
    names = ['background', 'left cortex', 'right cortex', 'brain stem', 'left thalamus']
    self.assertAllEqual(fusion.pool_sides(names), [0, 1, 1, 3, 4])

  def test_is_the_mean_of_the_structure_or_of_all_parenchyma(self):
    rng = np.random.default_rng(0)
    image = rng.uniform(0.1, 1, (6, 6, 3, 2)).astype(np.float32)
    labels = np.zeros((6, 6, 3), np.uint8)
    labels[:2], labels[2:5] = 1, 2  # Left and right of one structure.
    labels[5, :3] = 3  # 9 voxels: too few to know its own signal.
    spared = labels > 0
    spared[0, 0] = spared[3] = False
    expected = fusion.expected_signal(image, labels, spared, np.array([0, 1, 1, 3]))
    paired = image[spared & (labels < 3)].mean(0)
    self.assertAllClose(expected[1, 1, 1], paired, rtol=1e-5)
    self.assertAllClose(expected[3, 2, 0], paired, rtol=1e-5)
    general = image[spared].mean(0)
    self.assertAllClose(expected[5, 0, 0], general, rtol=1e-5)
    self.assertAllClose(expected[5, 5, 2], general, rtol=1e-5)
    self.assertNotAllClose(paired, general, rtol=1e-3)


class CutOutTest(tf.test.TestCase):
  def test_gain_by_hand(self):
    cut = _cut_out()
    # The box reaches one voxel beyond the lesion: x 1 to 4, y 2 to 4, z 0 to 2.
    self.assertEqual(cut.mask.shape, (4, 3, 3))
    self.assertAllClose(cut.corner_mm, [-12 + 4.5, 7.5, 4.0])
    self.assertEqual(cut.mask.sum(), 2)
    self.assertEqual(cut.reach.sum(), 2 + 10)
    self.assertAllClose(cut.gain[1, 1, 1], [2.0, 0.4])
    self.assertAllClose(cut.gain[2, 1, 1], [1.6, 0.6])
    self.assertAllClose(cut.gain[0, 1, 1], [1.2, 0.8])

  def test_a_lesion_changes_the_signal_one_way(self):
    cut = _cut_out()
    self.assertAllClose(cut.gain[2, 2, 1], [1.0, 1.0])  # 0.4 and 1.8 otherwise.

  def test_beyond_the_reach_the_nearest_gain_counts(self):
    image, lesion = _scan()
    lesion[0, 3, 2] = 1
    image[0, 3, 1], image[2, 3, 0] = 0.6, 0.7  # Neighbours of the lesion.
    image[0, 3, 0] = 0.9  # No neighbour: its own brightness is no effect of the lesion.
    cut = fusion.cut_out(image, np.full_like(image, 0.5), lesion, GRID)
    self.assertEqual(cut.reach[0, 1, 0], 0)
    # (2, 3, 0) is 6 mm away, (0, 3, 1) with a gain of 1.2 is 8 mm.
    self.assertAllClose(cut.gain[0, 1, 0, 0], 1.4)


class PullTest(tf.test.TestCase):
  def test_a_lesion_put_back_gives_its_scan_again(self):
    image, lesion = _scan()
    fraction, gain = fusion.pull(_cut_out(), _at(GRID))
    plain = np.full_like(image, 0.5)
    fused, mask = fusion.fuse(plain, fraction, gain, np.ones(GRID.shape, bool))
    image[3, 4, 1] = 0.5  # The furrow is no part of the lesion's effect.
    self.assertAllClose(fused, image, atol=1e-6)
    self.assertAllEqual(mask, lesion)

  def test_moves_by_a_voxel(self):
    fraction, gain = fusion.pull(_cut_out(), _at(GRID, (-6.0, 3.0, 8.0)))
    self.assertAllEqual(np.argwhere(fraction > 0), [[4, 2, 0], [5, 2, 0]])
    self.assertAllClose(gain[4, 2, 0], [2.0, 0.4])
    self.assertAllClose(gain[0], np.ones_like(gain[0]))

  def test_half_a_voxel_is_partial_volume(self):
    fraction, gain = fusion.pull(_cut_out(), _at(GRID, (1.5, 0, 0)))
    self.assertAllClose(fraction[1:4, 3, 1], [0.5, 1.0, 0.5])
    self.assertAllClose(fraction.sum(), 2.0)
    # Between two voxels in reach, and between the last in reach (gain 1.2) and none.
    self.assertAllClose(gain[1:3, 3, 1, 0], [(1.2 + 2.0) / 2, (2.0 + 1.6) / 2])
    self.assertAllClose(gain[0, 3, 1, 0], 1 + 0.5 * 0.2)


class FuseTest(tf.test.TestCase):
  def test_mask_is_in_parenchyma_and_keeps_its_volume_there(self):
    image = np.full((4, 1, 1, 1), 0.4, np.float32)
    fraction = np.array([0.6, 1.0, 0.9, 0.5], np.float32).reshape(4, 1, 1)
    gain = np.array([1.5, 2.0, 2.0, 1.0], np.float32).reshape(4, 1, 1, 1)
    is_parenchyma = np.array([True, False, True, True]).reshape(4, 1, 1)
    fused, lesion = fusion.fuse(image, fraction, gain, is_parenchyma)
    # 0.6 + 0.9 + 0.5 voxels of parenchyma: the two that are filled most.
    self.assertAllEqual(lesion.ravel(), [1, 0, 1, 0])
    self.assertAllClose(fused.ravel(), [0.6, 0.8, 0.8, 0.4])

  def test_a_focus_too_small_to_be_kept_leaves_no_trace(self):
    image = np.full((7, 1, 1, 1), 0.4, np.float32)
    fraction = np.array([1.0, 0, 0, 0, 0, 0.3, 0], np.float32).reshape(7, 1, 1)
    gain = np.array([2.0, 1.5, 1.2, 1.1, 1.1, 2.0, 1.5], np.float32).reshape(7, 1, 1, 1)
    fused, lesion = fusion.fuse(image, fraction, gain, np.ones((7, 1, 1), bool))
    self.assertAllEqual(lesion.ravel(), [1, 0, 0, 0, 0, 0, 0])
    # Two voxels beside the lesion change with it.
    self.assertAllClose(fused.ravel(), [0.8, 0.6, 0.48, 0.4, 0.4, 0.4, 0.4])


class WayTest(tf.test.TestCase):
  def setUp(self):
    super().setUp()
    grid = Grid('mini', (32, 32, 8), (6.0, 6.0, 16.0), (-96.0, -114.0, -56.0))
    self.lattice, self.plain = fusion.lattice_of(grid), _at(grid)

  def test_is_small_and_mirrored_in_half_of_the_cases(self):
    n_mirrored, moves = 0, []
    for seed in range(40):
      at_mm, is_mirrored = fusion.draw_way(np.random.default_rng(seed), self.lattice)
      n_mirrored += is_mirrored
      at_mm[0] *= -1 if is_mirrored else 1
      inside = np.linalg.norm(self.plain, axis=0) < 70
      moves.append((at_mm - self.plain)[:, inside])
    self.assertBetween(n_mirrored, 10, 30)
    self.assertBetween(np.std(moves), 3, 9)
    self.assertLess(np.abs(moves).max(), 40)
    self.assertGreater(np.std(np.mean(moves, 2)), 1.5)

  def test_depends_on_the_generator_alone(self):
    first, second = (fusion.draw_way(np.random.default_rng(3), self.lattice)[0] for _ in range(2))
    self.assertAllEqual(first, second)


if __name__ == '__main__':
  tf.test.main()
