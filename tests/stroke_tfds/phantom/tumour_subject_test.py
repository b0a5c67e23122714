import functools

import numpy as np
import tensorflow as tf

from stroke_tfds.imaging.grid import GRIDS
from stroke_tfds.label_schemes import ASEG28, ASEG28_TUMOUR
from stroke_tfds.phantom import tumour_subject, tumours
from stroke_tfds.phantom.anatomy import template_anatomy
from stroke_tfds.phantom.body import HEALTHY
from stroke_tfds.phantom.structural_signal import CONTRASTS
from stroke_tfds.phantom.subject import Subject

NECROSIS, OEDEMA, ENHANCING = ASEG28_TUMOUR.lesion_class_ids


@functools.cache
def _patient(kind: str, contrasts: tuple[str, ...] = CONTRASTS) -> Subject:
  seed = 0
  while (tumour := tumours.grow_tumour(np.random.default_rng([8, seed]))).kind != kind:
    seed += 1
  rng = np.random.default_rng([9, seed])
  simulate = functools.partial(tumour_subject.simulate, rng, template_anatomy(), GRIDS['mini'])
  return simulate(tumour_subject.PATIENTS, tumour, 'parenchyma_median', contrasts)


def _median(made: Subject, ids) -> dict[str, float]:
  """Of each contrast in the voxels of some labels."""
  inside = np.isin(made.labels, ids)
  return {name: float(np.median(made.image[..., i][inside])) for i, name in enumerate(CONTRASTS)}


def _ids(structure: str) -> list[int]:
  return [i for i, name in enumerate(ASEG28.names) if structure in name]


class TumourSubjectTest(tf.test.TestCase):
  def test_healthy_tissue_looks_as_in_such_scans(self):
    made = _patient(tumours.RING)
    white, grey = _median(made, _ids('cerebral white')), _median(made, _ids('cerebral cortex'))
    fluid = _median(made, _ids('lateral ventricle'))
    self.assertGreater(white['T1'], 1.05 * grey['T1'])  # Partial volume takes of the 1.25.
    self.assertGreater(grey['T1'], 1.2 * fluid['T1'])
    self.assertGreater(fluid['T2'], 1.5 * grey['T2'])
    self.assertGreater(grey['T2'], 1.2 * white['T2'])
    self.assertLess(fluid['FLAIR'], 0.8 * white['FLAIR'])
    self.assertAllClose(white['T1CE'] / white['T1'], 1, atol=0.1)

  def test_a_tumour_with_a_rim(self):
    made = _patient(tumours.RING)
    white = _median(made, _ids('cerebral white'))
    necrosis, oedema, rim = (_median(made, [i]) for i in (NECROSIS, OEDEMA, ENHANCING))
    self.assertGreater(oedema['FLAIR'], 1.3 * white['FLAIR'])
    self.assertGreater(oedema['T2'], 1.5 * white['T2'])
    self.assertLess(oedema['T1'], 0.95 * white['T1'])
    self.assertLess(necrosis['FLAIR'], 0.85 * oedema['FLAIR'])
    self.assertLess(necrosis['T1CE'], 0.85 * white['T1CE'])
    self.assertGreater(necrosis['T2'], 1.5 * white['T2'])
    self.assertGreater(rim['T1CE'], 1.25 * white['T1CE'])
    self.assertLess(rim['T1'], white['T1'])

  def test_a_tumour_that_does_not_enhance(self):
    made = _patient(tumours.NON_ENHANCING)
    self.assertFalse((made.labels == ENHANCING).any())
    white, core = _median(made, _ids('cerebral white')), _median(made, [NECROSIS])
    self.assertLess(core['T1CE'], white['T1CE'])
    self.assertGreater(core['FLAIR'], 1.2 * white['FLAIR'])

  def test_a_solid_tumour_has_no_necrosis(self):
    labels = _patient(tumours.SOLID).labels
    self.assertFalse((labels == NECROSIS).any())
    self.assertTrue((labels == ENHANCING).any())

  def test_the_lesion_is_the_union_of_its_classes(self):
    for kind in tumours.KINDS:
      made = _patient(kind)
      self.assertAllEqual(made.lesion > 0, ASEG28_TUMOUR.lesion_classes_of(made.labels) > 0)
      self.assertGreater(made.lesion.sum(), 40)

  def test_outside_the_brain_there_is_nothing(self):
    made = _patient(tumours.RING)
    self.assertEqual(made.image.shape, (64, 64, 16, 4))
    self.assertEqual(made.image[:3].max(), 0)
    outside = (made.image > 0).any(-1) & (made.labels == 0)
    self.assertLess(outside.sum(), 0.05 * (made.labels > 0).sum())

  def test_a_contrast_does_not_depend_on_the_others(self):
    one, all_four = _patient(tumours.RING, ('FLAIR', 'T1')), _patient(tumours.RING)
    self.assertAllEqual(one.image, all_four.image[..., [3, 0]])
    self.assertAllEqual(one.labels, all_four.labels)

  def test_a_healthy_subject(self):
    simulate = functools.partial(
      tumour_subject.simulate, np.random.default_rng(3), template_anatomy(), GRIDS['mini']
    )
    made = simulate(HEALTHY, None, 'percentile', ('T2',))
    self.assertFalse(made.lesion.any())
    self.assertLess(made.labels.max(), 28)
    self.assertEqual(set(made.drawn), {'ventricles_mm'})
    self.assertBetween(made.image.max(), 1, 1)


if __name__ == '__main__':
  tf.test.main()
