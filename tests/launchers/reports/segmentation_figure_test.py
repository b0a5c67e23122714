import numpy as np
import tensorflow as tf

from launchers.reports.segmentation_figure import segmentation_figure, shown_slices
from stroke_tfds.imaging.volume import Volume


class SegmentationFigureTest(tf.test.TestCase):
  def test_all_slices_of_a_small_head_and_lesions_outside_it(self):
    head, lesion = np.zeros((2, 8, 8, 40), bool)
    head[2:6, 2:6, 10:30] = True
    lesion[3, 3, 35] = True
    self.assertEqual(shown_slices(head, lesion), [*range(10, 30), 35])

  def test_a_lesion_of_one_slice_among_many_is_shown(self):
    head, lesion = np.ones((4, 4, 300), bool), np.zeros((4, 4, 300), bool)
    lesion[0, 0, 123] = True
    shown = shown_slices(head, lesion)
    self.assertIn(123, shown)
    self.assertBetween(len(shown), 30, 32)
    self.assertEqual([shown[0], shown[-1]], [0, 299])
    self.assertLen(shown_slices(head, head), 32)

  def test_a_picture_for_each_with_its_prediction(self):
    image = np.zeros((12, 12, 5), np.float32)
    image[2:10, 2:10] = 500
    image[4:6, 4:6, 2] = 900
    volume = Volume(image, np.diag([2, 2, 5, 1.0]))
    figure = segmentation_figure(
      volume, (image > 800).astype(np.uint8), None, {'dice': 0.5, 'x_mni': 1}
    )
    shown = [ax for ax in figure.axes if ax.images]
    self.assertLen(shown, 5)
    self.assertEqual([len(ax.patches) for ax in shown], [0, 0, 1, 0, 0])
    self.assertIn('Dice 0.50', figure._suptitle.get_text())
    self.assertNotIn('mni', figure._suptitle.get_text())


if __name__ == '__main__':
  tf.test.main()
