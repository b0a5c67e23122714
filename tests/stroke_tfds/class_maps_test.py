import numpy as np
import tensorflow as tf

from stroke_tfds.class_maps import ClassMap
from stroke_tfds.errors import InputError
from stroke_tfds.label_schemes import ASEG28

_TUMOUR = {
  'name': 'two',
  'names': ['background', 'left cerebral cortex', 'necrotic core', 'oedema'],
  'lesion_id': 4,
  'lesion_class_ids': [2, 3],
}
_EXAMPLE = {
  'labels': np.array([[[0, 1, 2, 3]]], np.uint8),
  'lesion': np.array([[[0, 0, 1, 1]]], np.uint8),
}


class ClassMapTest(tf.test.TestCase):
  def test_tissues_of_the_anatomy_and_the_lesion_after_them(self):
    classes = ClassMap.from_scheme(ASEG28.to_json())
    self.assertEqual(classes.names, ('background', 'white matter', 'grey matter', 'CSF', 'lesion'))
    self.assertEqual((classes.n_lesion_classes, classes.lesion_is_labelled), (1, False))
    found = dict(zip((*ASEG28.names, 'lesion'), classes.class_of, strict=True))
    self.assertEqual(found['background'], 0)
    self.assertEqual(found['right cerebellar white matter'], 1)
    self.assertEqual(found['brain stem'], 1)
    self.assertEqual(found['left ventral diencephalon'], 2)
    self.assertEqual(found['left cerebellar cortex'], 2)
    self.assertEqual(found['third and fourth ventricle'], 3)
    self.assertEqual(found['other CSF'], 3)
    self.assertEqual(found['lesion'], 4)
    self.assertEqual(np.bincount(classes.class_of).tolist(), [1, 5, 18, 4, 1])

  def test_lesion_takes_the_place_of_the_label(self):
    classes = ClassMap.from_scheme(ASEG28.to_json()).classes(_EXAMPLE)
    self.assertAllEqual(classes, [[[0, 1, 4, 4]]])
    self.assertEqual(classes.dtype, tf.uint8)

  def test_classes_of_a_lesion_are_its_labels(self):
    classes = ClassMap.from_scheme(_TUMOUR)
    self.assertEqual(classes.names[4:], ('necrotic core', 'oedema'))
    self.assertEqual((classes.n_lesion_classes, classes.lesion_is_labelled), (2, True))
    self.assertAllEqual(classes.classes(_EXAMPLE), [[[0, 2, 4, 5]]])

  def test_without_groups_anatomy_is_background(self):
    classes = ClassMap.from_scheme(_TUMOUR, {})
    self.assertEqual(classes.names, ('background', 'necrotic core', 'oedema'))
    self.assertAllEqual(classes.classes(_EXAMPLE), [[[0, 0, 1, 2]]])

  def test_a_structure_in_no_group_is_refused(self):
    with self.assertRaisesRegex(InputError, "'left cerebral cortex' of two is in no group"):
      ClassMap.from_scheme(_TUMOUR, {'white matter': ('white matter',)})


if __name__ == '__main__':
  tf.test.main()
