"""Masks drawn by hand: what each is like, and the numbers of sets whose answers are known."""

import numpy as np
import tensorflow as tf

from stroke_eval.lesion_sets import (
  TERRITORIES,
  describe,
  dice_matrix,
  lesion_sets,
  nearest_dice,
  nearest_other_dice,
  survey_lesions,
)
from stroke_tfds.imaging.grid import GRIDS
from stroke_tfds.phantom.territories import territories_on

_GRID = GRIDS['mini']


def _masks(*boxes: tuple[slice, ...]) -> np.ndarray:
  """One mask for each tuple of boxes."""
  masks = np.zeros((len(boxes), *_GRID.shape), np.uint8)
  for mask, group in zip(masks, boxes):
    for box in group:
      mask[box] = 1
  return masks


def _box(x: int, y: int, z: int, n: int = 2) -> tuple[slice, ...]:
  return slice(x, x + n), slice(y, y + n), slice(z, z + 1)


def _bars(*lengths: int, x: int = 10) -> np.ndarray:
  """Masks that are bars of some voxels along Y."""
  masks = np.zeros((len(lengths), *_GRID.shape), np.uint8)
  for mask, length in zip(masks, lengths):
    mask[x, 20 : 20 + length, 8] = 1
  return masks


class LesionFactsTest(tf.test.TestCase):
  def test_volumes_and_components_by_hand(self):
    # The second mask's two boxes share an edge but no face.
    masks = _masks(
      [_box(10, 20, 8)], [_box(10, 20, 8), _box(12, 22, 8)], [_box(10, 20, 8), _box(11, 20, 8)]
    )
    facts = survey_lesions(masks, _GRID)
    self.assertAllClose(facts.volumes_ml, np.array([4, 8, 6]) * 3 * 3 * 8 / 1000)
    self.assertAllEqual(facts.components, [1, 2, 1])

  def test_sides(self):
    # x = 0 lies between columns 31 and 32; smaller columns are left.
    wide = (slice(12, 32), slice(20, 22), slice(8, 9))
    masks = _masks([_box(10, 20, 8)], [_box(40, 20, 8)], [_box(31, 20, 8)], [wide, _box(32, 20, 8, 1)])
    facts = survey_lesions(masks, _GRID)
    self.assertAllClose(facts.left_shares, [1, 0, 0.5, 40 / 41])
    self.assertEqual(facts.laterality(), {'left': 0.5, 'right': 0.25, 'both': 0.25})

  def test_territories_of_single_voxels(self):
    territory = territories_on(_GRID)
    voxels = [np.argwhere(territory == i)[0] for i in range(1, len(TERRITORIES) + 1)]
    masks = _masks(*([tuple(slice(i, i + 1) for i in voxel)] for voxel in voxels))
    self.assertAllClose(survey_lesions(masks, _GRID).territory_shares, np.eye(len(TERRITORIES)))
    both = np.maximum(masks[0], masks[3])[None]
    facts = survey_lesions(both, _GRID)
    self.assertAllClose(facts.territories()[TERRITORIES[0]], 0.5)
    self.assertAllClose(facts.territories()[TERRITORIES[3]], 0.5)

  def test_refuses_what_it_cannot_measure(self):
    masks = _masks([_box(10, 20, 8)], [])
    with self.assertRaisesRegex(ValueError, 'mask 1 is empty'):
      survey_lesions(masks, _GRID)
    with self.assertRaisesRegex(ValueError, r'\(64, 64, 15\), expected \(64, 64, 16\)'):
      survey_lesions(masks[..., 1:], _GRID)


class NearestDiceTest(tf.test.TestCase):
  def setUp(self):
    super().setUp()
    masks = np.zeros((3, 4, 1, 1), np.uint8)
    masks[0, :2] = masks[1, 1:3] = masks[2, 3:] = 1  # 1100, 0110, 0001
    self.masks = masks

  def test_dice_of_every_pair(self):
    expected = [[1, 0.5, 0], [0.5, 1, 0], [0, 0, 1]]
    self.assertAllClose(dice_matrix(self.masks, self.masks), expected)

  def test_finds_a_mirrored_copy(self):
    mirrored = self.masks[:1, ::-1]  # 0011
    self.assertAllClose(nearest_dice(mirrored, self.masks), [1.0])
    # With 0110 alone: 2 * 1 / (2 + 2).
    self.assertAllClose(nearest_dice(mirrored, self.masks[1:2]), [0.5])

  def test_within_a_set_no_mask_meets_itself(self):
    # 1100: 0110 and its mirror give 1/2, mirrored 0001 = 1000 gives 2/3. 0110: 1/2. 0001: with 0011.
    self.assertAllClose(nearest_other_dice(self.masks), [2 / 3, 0.5, 2 / 3])


class LesionComparisonTest(tf.test.TestCase):
  def setUp(self):
    super().setUp()
    others = {'generated': _bars(2, 4, 8, 8), 'held_out': _bars(2, 4, 4, 8)}
    self.sets = lesion_sets(_bars(2, 4, 16), others, _GRID)
    self.columns = {name: describe(one, self.sets['held_out']) for name, one in self.sets.items()}

  def test_volumes(self):
    ml = _GRID.voxel_volume_ml
    generated = self.columns['generated']
    self.assertAllClose(generated['volume_ml_median'], 6 * ml)
    self.assertAllClose(generated['volume_ks'], 0.25)  # At 4 voxels: 2 of 4 against 3 of 4.
    self.assertTrue(np.isnan(self.columns['held_out']['volume_ks']))

  def test_nearest_training_mask(self):
    # Of 2 and 4 voxels there are copies; 8 comes to 2 x 4 / 12 and 2 x 8 / 24, both 2/3.
    self.assertAllClose(self.sets['generated'].nearest_dice, [1, 1, 2 / 3, 2 / 3])
    # Within the training no mask meets itself: 2 and 4, 4 and 2, 16 and 4.
    self.assertAllClose(self.sets['training'].nearest_dice, [2 / 3, 2 / 3, 0.4])
    self.assertAllClose(self.columns['generated']['nearest_training_dice_median'], 5 / 6)

  def test_a_mirrored_copy_is_found(self):
    mirrored = lesion_sets(_bars(2, 4), {'generated': _bars(4, 8)[:, ::-1]}, _GRID)['generated']
    self.assertAllClose(mirrored.nearest_dice, [1, 2 / 3])


if __name__ == '__main__':
  tf.test.main()
