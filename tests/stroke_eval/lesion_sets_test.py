"""The table's numbers for sets whose answers are known."""

import numpy as np
import tensorflow as tf

from launchers.reports import style
from launchers.reports.lesions_figure import lesion_figure
from stroke_eval.lesion_sets import describe, lesion_sets, table_rows
from stroke_tfds.imaging.grid import GRIDS

_GRID = GRIDS['mini']


def _bars(*lengths: int, x: int = 10) -> np.ndarray:
  """Masks that are bars of some voxels along Y."""
  masks = np.zeros((len(lengths), *_GRID.shape), np.uint8)
  for mask, length in zip(masks, lengths):
    mask[x, 20 : 20 + length, 8] = 1
  return masks


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

  def test_table(self):
    rows = table_rows(self.columns, min_voxels=1)
    self.assertEqual(rows[0], ['', 'generated', 'held-out', 'training'])
    cells = {row[0]: row[1:] for row in rows[1:]}
    self.assertEqual(cells['masks of at least 1 voxels'], ['4', '4', '3'])
    self.assertEqual(cells['volume, KS distance to held-out'][:2], ['0.250', '\N{EN DASH}'])
    self.assertEqual(cells['left / right / both (%)'][0], '100 / 0 / 0')

  def test_figure_shows_every_set(self):
    with style.style():
      figure = lesion_figure(self.sets, _GRID, ('generated',))
    volume = next(
      ax for sub in figure.subfigs for ax in sub.axes if ax.get_title(loc='left') == 'Volume'
    )
    names = [text.get_text() for text in volume.get_legend().get_texts()]
    self.assertEqual(names, ['held-out', 'generated', 'training'])
    held_out, generated, _ = volume.get_lines()
    self.assertAllClose(held_out.get_ydata(), [0.25, 0.5, 0.75, 1])
    self.assertAllClose(generated.get_xdata(), np.array([2, 4, 8, 8]) * _GRID.voxel_volume_ml)


if __name__ == '__main__':
  tf.test.main()
