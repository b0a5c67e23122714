"""Volumes, components, sides and territories of masks drawn by hand."""

import numpy as np
import tensorflow as tf

from stroke_eval import lesion_facts
from stroke_eval.lesion_facts import TERRITORIES, survey_lesions, territories_on
from stroke_tfds.imaging.grid import GRIDS

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

  def test_territories_lie_where_anatomy_says(self):
    territory = territories_on(_GRID)
    at = lambda x, y, z: lesion_facts.NAMES[
      territory[tuple(int(np.abs(c - v).argmin()) for c, v in zip(_GRID.coordinates_mm(), (x, y, z)))]
    ]
    self.assertEqual(at(-6, 30, 40), 'ACA')
    self.assertEqual(at(50, -10, 32), 'MCA frontal')
    self.assertEqual(at(-12, -90, 0), 'PCA cortical')
    self.assertEqual(at(27, 0, 4), 'lenticulostriate')

  def test_refuses_what_it_cannot_measure(self):
    masks = _masks([_box(10, 20, 8)], [])
    with self.assertRaisesRegex(ValueError, 'mask 1 is empty'):
      survey_lesions(masks, _GRID)
    with self.assertRaisesRegex(ValueError, r'\(64, 64, 15\), expected \(64, 64, 16\)'):
      survey_lesions(masks[..., 1:], _GRID)


if __name__ == '__main__':
  tf.test.main()
