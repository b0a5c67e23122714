import numpy as np
import tensorflow as tf
from nilearn import datasets

from stroke_tfds.imaging import mni152
from stroke_tfds.imaging.grid import GRIDS, Grid
from stroke_tfds.label_schemes import ASEG28
from stroke_tfds.phantom.anatomy import template_labels


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


class TissueTest(tf.test.TestCase):
  def test_is_the_parenchyma_of_the_template(self):
    grid = GRIDS['mini']
    tissue, labels = mni152.brain_tissue(grid), template_labels(grid)
    parenchyma = np.isin(labels, ASEG28.parenchyma_ids)
    overlap = 2 * (tissue & parenchyma).sum() / (tissue.sum() + parenchyma.sum())
    self.assertGreater(overlap, 0.95)
    self.assertFalse(tissue[labels == ASEG28.id_of('left lateral ventricle')].all())
    with self.assertRaises(ValueError):
      tissue[0, 0, 0] = True

  def test_at_places_of_the_brain(self):
    white = Grid('white', (1, 1, 1), (4.0, 4.0, 4.0), (-28.0, -12.0, 28.0))  # Corona radiata.
    fluid = Grid('fluid', (1, 1, 1), (4.0, 4.0, 4.0), (-8.0, 10.0, 8.0))  # Frontal horn.
    away = Grid('away', (1, 1, 1), (4.0, 4.0, 4.0), (200.0, 0.0, 0.0))
    found = [bool(mni152.brain_tissue(grid).item()) for grid in (white, fluid, away)]
    self.assertEqual(found, [True, False, False])


if __name__ == '__main__':
  tf.test.main()
