from pathlib import Path

import nibabel as nib
import numpy as np
import tensorflow as tf

from stroke_tfds.errors import InputError
from stroke_tfds.fingerprints import hash_content
from stroke_tfds.label_schemes import ASEG28
from stroke_tfds.phantom import cohort
from stroke_tfds.phantom.anatomy import template_anatomy


def _save_template_codes(path: Path, shift_mm=(0, 0, 0)) -> None:
  """The template in FreeSurfer codes, every second voxel."""
  anatomy = template_anatomy()
  codes = np.array([group[0] for group in ASEG28.codes], np.int16)[anatomy.labels[::2, ::2, ::2]]
  affine = np.diag([2.0, 2.0, 2.0, 1.0])
  affine[:3, 3] = np.add(anatomy.origin_mm, shift_mm)
  nib.save(nib.Nifti1Image(codes, affine), path)


class ShareFilesTest(tf.test.TestCase):
  def test_test_split_has_files_of_its_own(self):
    files = [Path(f'{i:03d}') for i in range(40)]
    for seed in range(3):
      shares = cohort.share_files(files, 0.25, seed)
      self.assertLen(shares.of('test'), 10)
      self.assertEqual(shares.of('train'), shares.of('healthy'))
      self.assertEqual(set(shares.of('test')) | set(shares.of('train')), set(files))
      self.assertEmpty(set(shares.of('test')) & set(shares.of('train')))
      self.assertEqual(shares, cohort.share_files(files, 0.25, seed))
    self.assertNotEqual(cohort.share_files(files, 0.25, 0), shares)

  def test_both_sides_get_a_file_and_one_file_serves_all(self):
    files = [Path('a'), Path('b')]
    for share in (0.0, 0.001, 0.999, 1.0):
      shares = cohort.share_files(files, share, 0)
      self.assertLen(shares.test, 1)
      self.assertLen(shares.others, 1)
    alone = cohort.share_files(files[:1], 0.3, 0)
    self.assertEqual(alone.test, alone.others)

  def test_what_is_there_twice_is_refused_by_both_names(self):
    files = [Path('x/a.nii'), Path('x/b.nii'), Path('x/c.nii')]
    cohort.check_each_once(files, ['1', '2', '3'])
    with self.assertRaisesRegex(InputError, '^x/c.nii: has the voxels of a.nii, expected'):
      cohort.check_each_once(files, ['1', '2', '1'])


class LoadTest(tf.test.TestCase):
  def setUp(self):
    super().setUp()
    self.folder = Path(self.get_temp_dir())

  def test_anatomy_in_mni_space(self):
    _save_template_codes(self.folder / 'a.nii.gz')
    anatomy = cohort.load_anatomy(self.folder / 'a.nii.gz', 'mni')
    template = template_anatomy()
    self.assertEqual(anatomy.labels.shape, template.labels.shape)
    deep = template.labels == ASEG28.id_of('left thalamus')
    self.assertGreater(np.mean(anatomy.labels[deep] == ASEG28.id_of('left thalamus')), 0.9)
    self.assertEqual(anatomy.name, hash_content(self.folder / 'a.nii.gz'))

  def test_anatomy_elsewhere_is_refused(self):
    _save_template_codes(self.folder / 'b.nii.gz', shift_mm=(30, 25, 0))
    with self.assertRaisesRegex(InputError, 'b.nii.gz: overlaps .* anatomy_space native registers it'):
      cohort.load_anatomy(self.folder / 'b.nii.gz', 'mni')

  def test_anatomy_that_does_not_say_where_it_lies_is_refused(self):
    _save_template_codes(self.folder / 'c.nii.gz')
    image = nib.load(self.folder / 'c.nii.gz')
    unplaced = nib.Nifti1Image(np.asarray(image.dataobj), None, image.header)
    unplaced.header['qform_code'] = unplaced.header['sform_code'] = 0
    nib.save(unplaced, self.folder / 'd.nii.gz')
    with self.assertRaisesRegex(InputError, 'd.nii.gz: its header does not say where it lies'):
      cohort.load_anatomy(self.folder / 'd.nii.gz', 'mni')

  def test_lesion_keeps_place_and_volume(self):
    mask = np.zeros((40, 40, 30), np.uint8)
    mask[10:20, 12:18, 5:9] = 1
    affine = np.array([[-1, 0, 0, 70], [0, 1, 0, -40], [0, 0, 2, -10], [0, 0, 0, 1.0]])
    nib.save(nib.Nifti1Image(mask, affine), self.folder / 'm.nii.gz')
    lesion = cohort.load_lesion(self.folder / 'm.nii.gz')
    self.assertLess(lesion.fraction.size, mask.size / 4)
    self.assertAllClose(lesion.fraction.sum(), mask.sum(), rtol=1e-3)
    index = np.argwhere(lesion.fraction >= 0.5)
    self.assertLen(index, mask.sum())
    centre = (lesion.affine @ [*index.mean(0), 1])[:3]
    self.assertAllClose(centre, (affine @ [14.5, 14.5, 6.5, 1])[:3])

  def test_empty_mask_is_refused(self):
    nib.save(nib.Nifti1Image(np.zeros((4, 4, 4), np.uint8), np.eye(4)), self.folder / 'e.nii')
    with self.assertRaisesRegex(InputError, 'e.nii: the mask is empty'):
      cohort.load_lesion(self.folder / 'e.nii')

  def test_the_mask_of_a_brain_is_refused(self):
    nib.save(nib.Nifti1Image(np.ones((9, 9, 9), np.uint8), 10 * np.eye(4)), self.folder / 'b.nii')
    with self.assertRaisesRegex(
      InputError, 'b.nii: the mask has 729 ml, expected a lesion of at most 700'
    ):
      cohort.load_lesion(self.folder / 'b.nii')


if __name__ == '__main__':
  tf.test.main()
