"""Pictures show the slices that they name."""

import numpy as np
import tensorflow as tf

from launchers.reports import axial_view, images
from tests.launchers import fake_runs


class ReportImagesTest(tf.test.TestCase):
  def setUp(self):
    super().setUp()
    self.grid = fake_runs.GRID
    image, self.labels, self.lesion = fake_runs.make_volume(np.random.default_rng(5))
    self.image = image[..., 0]
    self.z = int(self.lesion.sum((0, 1)).argmax())

  def shown(self, axes):
    return np.asarray(axes.images[0].get_array())

  def test_synthesis_rows(self):
    healthy = np.full_like(self.image, 0.25)
    names = ['background', 'left cerebral cortex', 'right cerebral cortex'] + ['other'] * 25
    figure = images.synthesis_panel(healthy, self.labels, self.lesion, self.image, self.grid, names)
    axes = np.reshape(figure.axes, (4, 3))
    column = axial_view.lesion_slices(self.lesion).index(self.z)
    box = axial_view.brain_box(self.labels)
    crop = lambda volume: axial_view.to_display(volume[(*box, self.z)])
    self.assertAllClose(self.shown(axes[0, column]), crop(healthy))
    self.assertAllEqual(self.shown(axes[1, column]), crop(self.labels))
    self.assertAllEqual(self.shown(axes[2, column]), crop(np.where(self.lesion > 0, 28, self.labels)))
    self.assertAllClose(self.shown(axes[3, column]), crop(self.image), atol=1e-6)
    self.assertEmpty(axes[0, column].collections)
    self.assertNotEmpty(axes[3, column].collections)
    # Slice centres of 12 mm slices above -24 mm.
    level = -24 + 12 * (self.z + 0.5)
    self.assertEqual(
      axes[0, column].get_title('center'), f'z = {level:+.0f} mm'.replace('-', '\N{MINUS SIGN}')
    )

  def test_segmentation_shows_truth_over_each_prediction(self):
    prediction = np.zeros_like(self.lesion)
    prediction[5, 6, self.z] = 1
    notes = {'a': 'Dice 0.100', 'b': 'Dice 0.000'}
    figure = images.segmentation_panel(
      self.image,
      self.lesion,
      self.labels,
      {'a': prediction, 'b': np.zeros_like(prediction)},
      notes,
      self.grid,
    )
    plain, first, second = figure.axes
    self.assertEmpty(plain.collections)
    self.assertEqual(first.get_xlabel(), 'Dice 0.100')
    hatched = [c for c in first.collections if c.get_hatch()]
    self.assertLen(hatched[0].get_paths(), 1)
    box = axial_view.brain_box(self.labels)
    n_columns = len(range(*box[0].indices(self.grid.shape[0])))
    corner = hatched[0].get_paths()[0].vertices[:, 0].min()
    self.assertAllClose(corner, 6.0 * (n_columns - 1 - (5 - box[0].start)))
    self.assertEmpty([p for c in second.collections if c.get_hatch() for p in c.get_paths()])

  def test_slice_is_that_of_the_truth(self):
    lesion, prediction = np.zeros_like(self.lesion), np.zeros_like(self.lesion)
    lesion[8, 8, 1] = 1
    prediction[5:15, 5:15, 3] = 1
    figure = images.segmentation_panel(
      self.image, lesion, self.labels, {'a': prediction}, {'a': ''}, self.grid
    )
    # Slice 1 reaches from -12 to 0 mm.
    self.assertEqual(figure.axes[0].get_xlabel(), 'z = \N{MINUS SIGN}6 mm')

  def test_negative_case_shows_where_it_was_mistaken(self):
    prediction = np.zeros_like(self.lesion)
    prediction[5:8, 6, 4] = 1
    figure = images.segmentation_panel(
      self.image, 0 * self.lesion, self.labels, {'a': prediction}, {'a': ''}, self.grid
    )
    self.assertEqual(figure.axes[0].get_xlabel(), 'z = +30 mm')

  def test_gallery_gives_volumes(self):
    brain = (self.labels > 0).astype(float)
    figure = images.gallery_panel(self.lesion[np.newaxis], brain, self.grid)
    volume_ml = self.lesion.sum() * 6 * 6 * 12 / 1000
    self.assertEqual(figure.axes[0].get_xlabel(), f'{volume_ml:.1f} ml')
    self.assertEqual([ax.get_visible() for ax in figure.axes], [True, False, False, False])
    self.assertAllClose(self.shown(figure.axes[0]).max(), 12 * self.lesion.sum(2).max())

  def test_frequency_uses_one_scale(self):
    brain = (self.labels > 0).astype(float)
    shares = {'generated': 0.5 * self.lesion, 'real': 0.2 * self.lesion}
    figure = images.frequency_panel(shares, brain, self.grid)
    self.assertEqual([ax.images[0].get_clim() for ax in figure.axes[:2]], [(0, 0.5), (0, 0.5)])


if __name__ == '__main__':
  tf.test.main()
