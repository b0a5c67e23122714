import numpy as np
import tensorflow as tf

from stroke_tfds.errors import InputError
from stroke_tfds.label_schemes import ASEG28


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


if __name__ == '__main__':
  tf.test.main()
