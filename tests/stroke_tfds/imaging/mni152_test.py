import numpy as np
import tensorflow as tf
from nilearn import datasets

from stroke_tfds.imaging import mni152
from stroke_tfds.imaging.grid import Grid
from stroke_tfds.phantom.anatomy import template_anatomy

_COARSE = Grid('coarse', (16, 16, 4), (12.0, 12.0, 32.0), (-96.0, -114.0, -56.0))


class TemplateTest(tf.test.TestCase):
  def test_a_label_is_the_one_that_fills_most_of_its_voxel(self):
    labels, anatomy = mni152.template_labels(_COARSE), template_anatomy()
    # The voxel (3, 5, 2) is the box of -60..-48, -54..-42 and 8..40 mm.
    start = np.array([-60, -54, 8]) - anatomy.origin_mm.astype(int)
    box = tuple(slice(s, s + n) for s, n in zip(start, (12, 12, 32)))
    self.assertEqual(labels[3, 5, 2], np.bincount(anatomy.labels[box].ravel()).argmax())
    self.assertEqual((labels.shape, labels.dtype), (_COARSE.shape, np.uint8))

  def test_t1_with_and_without_what_is_outside_the_brain(self):
    whole, brain = mni152.template_t1(masked=False), mni152.template_t1(masked=True)
    mask = np.asarray(datasets.load_mni152_brain_mask(resolution=2).dataobj) > 0
    self.assertAllEqual(brain.data[mask], whole.data[mask])
    self.assertFalse(brain.data[~mask].any())
    self.assertTrue(whole.data[~mask].any())
    self.assertAllClose(whole.spacing_mm, [2, 2, 2])

  def test_what_all_share_cannot_be_changed(self):
    for shared in (mni152.template_labels(_COARSE), mni152.template_t1(masked=True).data):
      with self.assertRaises(ValueError):
        shared[0, 0, 0] = 1


if __name__ == '__main__':
  tf.test.main()
