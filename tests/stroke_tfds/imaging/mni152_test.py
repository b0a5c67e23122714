import numpy as np
import tensorflow as tf
from nilearn import datasets

from stroke_tfds.imaging import mni152


class TemplateTest(tf.test.TestCase):
  def test_t1_with_and_without_what_is_outside_the_brain(self):
    whole, brain = mni152.template_t1(masked=False), mni152.template_t1(masked=True)
    mask = np.asarray(datasets.load_mni152_brain_mask(resolution=2).dataobj) > 0
    self.assertAllEqual(brain.data[mask], whole.data[mask])
    self.assertFalse(brain.data[~mask].any())
    self.assertTrue(whole.data[~mask].any())
    self.assertAllClose(whole.spacing_mm, [2, 2, 2])

  def test_what_all_share_cannot_be_changed(self):
    with self.assertRaises(ValueError):
      mni152.template_t1(masked=True).data[0, 0, 0] = 1


if __name__ == '__main__':
  tf.test.main()
