"""Panels show the slices, outlines and names that they were given."""

import base64
import io

import numpy as np
import tensorflow as tf
from PIL import Image

from launchers.reports import axial_view, style
from launchers.reports.study.figures import picture_panels as panels
from stroke_tfds.label_schemes import ASEG28
from tests.launchers import fake_runs

GRID = fake_runs.GRID


class PicturePanelsTest(tf.test.TestCase):
  def setUp(self):
    super().setUp()
    image, self.labels, self.lesion = fake_runs.make_volume(np.random.default_rng(5))
    self.image, self.box = image[..., 0], axial_view.brain_box(self.labels)
    self.z = int(self.lesion.sum((0, 1)).argmax())

  def draw(self, rows, **look):
    return panels.pictures_panel(rows, self.box, GRID, ASEG28.names, **look)

  def test_stages_by_slices(self):
    with_lesion = np.where(self.lesion > 0, len(ASEG28.names), self.labels)
    stages = [
      panels.Stage('healthy', self.image),
      panels.Stage('labels', with_lesion, is_labels=True),
      panels.Stage('made', 0.5 * self.image, self.lesion),
    ]
    figure = panels.stages_panel(stages, [1, 2, 4], self.box, GRID, ASEG28.names, n_columns=4)
    axes = np.reshape(figure.axes, (3, 4))
    self.assertEqual([ax.get_visible() for ax in axes[0]], [True, True, True, False])
    # The highest slice on top.
    for row, z in zip(axes, (4, 2, 1)):
      for ax, volume in zip(row, (self.image, with_lesion, 0.5 * self.image)):
        shown = np.asarray(ax.images[0].get_array())
        self.assertAllClose(shown, axial_view.to_display(volume[(*self.box, z)]), atol=1e-6)
    self.assertEqual(axes[0, 1].get_title('center'), 'labels')
    self.assertEqual(axes[1, 1].get_title('center'), '')
    # Slice 4 of 12 mm slices above -24 mm.
    self.assertEqual(axes[0, 0].get_ylabel(), 'z = +30 mm')
    self.assertEqual(axes[0, 1].get_ylabel(), '')

  def test_outline_runs_around_the_lesion(self):
    mask = np.zeros_like(self.lesion)
    mask[10, 12, self.z] = 1
    picture = panels.Picture(self.image, self.z, outline=mask)
    exact = self.draw([[picture]]).axes[0].collections
    # On a dark line that makes it seen on any grey; a voxel has four sides.
    self.assertEqual([len(c.get_segments()) for c in exact], [4, 4])
    picture = panels.Picture(self.image, self.z, outline=mask, around=True)
    (around,) = self.draw([[picture]]).axes[0].collections
    self.assertLen(around.get_segments(), 12)
    edges = np.concatenate(around.get_segments())
    self.assertAllClose(np.ptp(edges, axis=0), [18, 18])

  def test_prediction_is_hatched(self):
    picture = panels.Picture(self.image, self.z, filled=self.lesion)
    (hatched,) = self.draw([[picture]]).axes[0].patches
    self.assertTrue(hatched.get_hatch())
    # As wide and as long as the lesion, in mm.
    rows, columns = np.nonzero(self.lesion[..., self.z].T)
    size_mm = [np.ptp(columns) + 1, np.ptp(rows) + 1] * np.array(GRID.spacing_mm[:2])
    self.assertAllClose(np.ptp(hatched.get_path().vertices, axis=0), size_mm)

  def test_long_names_take_two_lines_and_the_note_a_third(self):
    picture = panels.Picture(self.image, self.z, 'Pix2Pix100, then 10 clinical', 'Dice 0.50')
    heading = self.draw([[picture]], column_in=1.45).axes[0].get_title('center')
    self.assertEqual(heading, 'Pix2Pix100, then 10\nclinical\nDice 0.50')

  def test_picture_keeps_its_greys(self):
    with style.style():
      uri = style.picture_uri(self.draw([[panels.Picture(np.full(GRID.shape, 0.5), self.z)]]))
    head, data = uri.split(',')
    self.assertEqual(head, 'data:image/webp;base64')
    pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(data))))
    middle = pixels[pixels.shape[0] // 2, pixels.shape[1] // 2]
    self.assertAllClose(middle, [255 * 0.5 / 0.85] * 3, atol=3)


if __name__ == '__main__':
  tf.test.main()
