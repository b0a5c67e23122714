"""The figure shows the distributions of the sets that it was given."""

import numpy as np
import tensorflow as tf

from launchers.reports import style
from launchers.reports.lesions_figure import lesion_figure
from stroke_eval.lesion_sets import lesion_sets
from stroke_tfds.imaging.grid import GRIDS

_GRID = GRIDS['mini']


def _bars(*lengths: int) -> np.ndarray:
  """Masks that are bars of some voxels along Y."""
  masks = np.zeros((len(lengths), *_GRID.shape), np.uint8)
  for mask, length in zip(masks, lengths):
    mask[10, 20 : 20 + length, 8] = 1
  return masks


class LesionFigureTest(tf.test.TestCase):
  def test_shows_every_set(self):
    others = {'generated': _bars(2, 4, 8, 8), 'held_out': _bars(2, 4, 4, 8)}
    sets = lesion_sets(_bars(2, 4, 16), others, _GRID)
    with style.style():
      figure = lesion_figure(sets, _GRID, ('generated',))
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
