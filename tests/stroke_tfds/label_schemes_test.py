import numpy as np
import tensorflow as tf

from stroke_tfds.errors import InputError
from stroke_tfds.label_schemes import (
  ASEG28,
  ASEG28_TUMOUR,
  TUMOUR_REGIONS,
  check_one_class,
  lesion_regions,
)


class Aseg28Test(tf.test.TestCase):
  def test_background_and_27_structures_and_the_lesion_after_them(self):
    self.assertLen(ASEG28.names, 28)
    self.assertEqual(ASEG28.names[0], 'background')
    self.assertEqual(ASEG28.lesion_id, 28)
    self.assertLen(set(ASEG28.names), 28)

  def test_codes_become_structures(self):
    named = {
      2: 'left cerebral white matter',
      42: 'right cerebral cortex',
      5: 'left lateral ventricle',
      26: 'left putamen',
      15: 'third and fourth ventricle',
      60: 'right ventral diencephalon',
      24: 'other CSF',
      517: 'background',
    }
    codes = np.array(list(named)).reshape(2, 4)
    ids = ASEG28.from_codes(codes, 'x.nii')
    self.assertEqual(ids.dtype, np.uint8)
    self.assertEqual([ASEG28.names[i] for i in ids.ravel()], list(named.values()))

  def test_every_freesurfer_code_belongs_to_one_structure(self):
    codes = [code for group in ASEG28.codes for code in group]
    self.assertLen(codes, len(set(codes)))

  def test_unknown_codes_are_named(self):
    for codes in ([0, 999, 2], [-3, 2]):
      unknown = str(next(c for c in codes if c not in (0, 2)))
      with self.assertRaisesRegex(InputError, rf'x.nii: label codes \[{unknown}\]'):
        ASEG28.from_codes(np.array(codes), 'x.nii')

  def test_parenchyma_is_all_but_background_and_fluid(self):
    others = {ASEG28.names[i] for i in range(28) if i not in ASEG28.parenchyma_ids}
    self.assertEqual(
      others,
      {
        'background',
        'left lateral ventricle',
        'right lateral ventricle',
        'third and fourth ventricle',
        'other CSF',
      },
    )


class Aseg28TumourTest(tf.test.TestCase):
  def test_three_classes_past_the_anatomy(self):
    self.assertEqual(ASEG28_TUMOUR.names[:28], ASEG28.names)
    self.assertEqual(ASEG28_TUMOUR.names[28:], ('necrotic core', 'oedema', 'enhancing tumour'))
    self.assertEqual(ASEG28_TUMOUR.lesion_class_ids, (28, 29, 30))
    self.assertEqual((ASEG28_TUMOUR.n_anatomy, ASEG28_TUMOUR.lesion_id), (28, 31))
    self.assertEqual(ASEG28_TUMOUR.parenchyma_ids, (*ASEG28.parenchyma_ids, 28, 29, 30))

  def test_classes_of_labels(self):
    classes = ASEG28_TUMOUR.lesion_classes_of(np.array([[0, 1, 27], [28, 29, 30]], np.uint8))
    self.assertEqual(classes.dtype, np.uint8)
    self.assertAllEqual(classes, [[0, 0, 0], [1, 2, 3]])
    self.assertAllEqual(ASEG28.lesion_classes_of(np.array([0, 27])), [0, 0])

  def test_regions_of_brats(self):
    self.assertEqual(TUMOUR_REGIONS['whole tumour'], (1, 2, 3))
    self.assertEqual(TUMOUR_REGIONS['tumour core'], (1, 3))
    self.assertEqual(TUMOUR_REGIONS['enhancing tumour'], (3,))

  def test_what_dice_is_measured_of(self):
    self.assertEqual(lesion_regions(ASEG28.to_json()), {})
    self.assertEqual(
      lesion_regions(ASEG28_TUMOUR.to_json()),
      {'necrotic core': (1,), 'oedema': (2,), **TUMOUR_REGIONS},
    )
    other = {'names': ['background', 'brain', 'old', 'new'], 'lesion_class_ids': [2, 3]}
    self.assertEqual(lesion_regions(other), {'old': (1,), 'new': (2,)})

  def test_json_of_schemes_without_classes_is_that_of_earlier_sets(self):
    self.assertEqual(set(ASEG28.to_json()), {'name', 'names', 'lesion_id', 'parenchyma_ids'})
    self.assertEqual(ASEG28_TUMOUR.to_json()['lesion_class_ids'], [28, 29, 30])

  def test_lesions_without_a_class_do_not_go_among_classes(self):
    check_one_class(ASEG28.to_json(), 'x')
    with self.assertRaisesRegex(InputError, '^x: the label scheme aseg28_tumour divides[^\n]*$'):
      check_one_class(ASEG28_TUMOUR.to_json(), 'x')


if __name__ == '__main__':
  tf.test.main()
