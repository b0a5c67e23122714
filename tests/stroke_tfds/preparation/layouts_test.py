from pathlib import Path

import tensorflow as tf
from absl.testing import parameterized

from stroke_tfds.errors import InputError
from tests.stroke_tfds.preparation.cohort_case import CohortCase

_SOOP_MASK = 'derivatives/lesion_masks/{0}/dwi/{0}_space-TRACE_desc-lesionAcute_mask.nii.gz'


class LayoutsTest(parameterized.TestCase, CohortCase):
  def touch_soop(self, subject, mask=True, adc=True):
    self.touch(f'{subject}/dwi/{subject}_rec-TRACE_dwi.nii.gz', f'{subject}/anat/{subject}_T1w.nii.gz')
    if adc:
      self.touch(f'{subject}/dwi/{subject}_rec-ADC_dwi.nii.gz')
    if mask:
      self.touch(_SOOP_MASK.format(subject))

  def test_soop(self):
    self.touch_soop('sub-1')
    self.touch_soop('sub-10', mask=False)
    # Chronic lesions, and acute and chronic together, are not what is asked for.
    folder = 'derivatives/lesion_masks/sub-10/dwi/sub-10_space-TRACE_desc-'
    self.touch(f'{folder}lesion_mask.nii.gz', f'{folder}lesionChronic_mask.nii.gz')
    self.touch_soop('sub-2', adc=False)
    found, problems, cases = self.find('soop', 'dwi', 'adc')
    self.assertEqual(
      found,
      {
        'sub-1': {
          'dwi': 'sub-1/dwi/sub-1_rec-TRACE_dwi.nii.gz',
          'adc': 'sub-1/dwi/sub-1_rec-ADC_dwi.nii.gz',
          'lesion': _SOOP_MASK.format('sub-1'),
        },
        'sub-10': {
          'dwi': 'sub-10/dwi/sub-10_rec-TRACE_dwi.nii.gz',
          'adc': 'sub-10/dwi/sub-10_rec-ADC_dwi.nii.gz',
        },
      },
    )
    self.assertEqual([case.group for case in cases], ['positive', 'negative'])
    self.assertEqual(
      problems, {'sub-2': 'adc: missing file, expected sub-X/dwi/sub-X_rec-ADC_dwi.nii.gz'}
    )

  def test_soop_without_any_mask_is_an_incomplete_download(self):
    self.touch_soop('sub-1', mask=False)
    with self.assertRaisesRegex(
      InputError, 'holds no lesion mask, expected derivatives/.*_mask.nii.gz; .* --without_mask'
    ):
      self.find('soop')
    _, _, cases = self.find('soop', without_mask='negative')
    self.assertEqual([case.group for case in cases], ['negative'])

  def touch_isles(self, subject, layout, mask=True):
    stem = f'{subject}_ses-0001'
    if layout == 'rawdata':
      names = [f'rawdata/{subject}/ses-0001/{stem}_{name}' for name in ('dwi', 'adc', 'flair')]
    else:
      names = [f'{subject}/ses-0001/{name}' for name in (f'dwi/{stem}_dwi', f'dwi/{stem}_adc')]
      names.append(f'{subject}/ses-0001/anat/{stem}_FLAIR')
    if mask:
      names.append(f'derivatives/{subject}/ses-0001/{stem}_msk')
    self.touch(*(f'{name}.nii.gz' for name in names))

  @parameterized.parameters('rawdata', 'flat')
  def test_isles22(self, layout):
    self.touch_isles('sub-strokecase0009', layout)
    self.touch_isles('sub-strokecase0010', layout, mask=False)
    found, problems, cases = self.find('isles22', 'dwi', 'adc', 'flair')
    self.assertEqual(list(found), ['sub-strokecase0009'])
    roles = {role: Path(path).name for role, path in found['sub-strokecase0009'].items()}
    stem = 'sub-strokecase0009_ses-0001_'
    flair = 'flair' if layout == 'rawdata' else 'FLAIR'
    self.assertEqual(
      roles, {r: f'{stem}{n}.nii.gz' for r, n in
              (('dwi', 'dwi'), ('adc', 'adc'), ('flair', flair), ('lesion', 'msk'))}
    )  # fmt: skip
    self.assertEqual(cases[0].group, 'positive')
    self.assertRegex(problems['sub-strokecase0010'], '^lesion: missing file, expected derivatives/')

  def test_a_subject_in_both_layouts_of_isles_is_there_twice(self):
    self.touch_isles('sub-strokecase0001', 'rawdata')
    self.touch_isles('sub-strokecase0001', 'flat')
    self.touch_isles('sub-strokecase0002', 'flat')
    found, problems, _ = self.find('isles22')
    self.assertEqual(list(found), ['sub-strokecase0002'])
    self.assertEqual(problems, {'sub-strokecase0001': 'dwi: 2 files fit, expected one'})

  def test_bids(self):
    self.touch('sub-A/dwi/sub-A_dwi.nii.gz', 'sub-A/dwi/sub-A_rec-ADC_dwi.nii.gz')
    self.touch('derivatives/freesurfer/sub-A/mri/aseg.mgz')
    self.touch('derivatives/freesurfer/sub-A/mri/aparc+aseg.mgz')
    self.touch('sub-B/dwi/sub-B_acq-b1000_dwi.nii', 'sub-B/dwi/sub-B_adc.nii.gz')
    self.touch('derivatives/experts/sub-B_label-lesion_mask.nii.gz')
    self.touch('derivatives/bet/sub-B/sub-B_desc-brain_mask.nii.gz')
    self.touch('sub-AA/dwi/sub-AA_dwi.nii.gz', 'sub-AA/dwi/sub-AA_adc.nii.gz')
    self.touch('derivatives/bet/sub-AA/sub-AA_desc-brain_mask.nii.gz')
    found, problems, cases = self.find('bids', 'dwi', 'adc', without_mask='healthy')
    self.assertEqual(problems, {})
    self.assertEqual(
      found,
      {
        'sub-A': {
          'dwi': 'sub-A/dwi/sub-A_dwi.nii.gz',
          'adc': 'sub-A/dwi/sub-A_rec-ADC_dwi.nii.gz',
          'segmentation': 'derivatives/freesurfer/sub-A/mri/aseg.mgz',
        },
        'sub-AA': {'dwi': 'sub-AA/dwi/sub-AA_dwi.nii.gz', 'adc': 'sub-AA/dwi/sub-AA_adc.nii.gz'},
        'sub-B': {
          'dwi': 'sub-B/dwi/sub-B_acq-b1000_dwi.nii',
          'adc': 'sub-B/dwi/sub-B_adc.nii.gz',
          'lesion': 'derivatives/experts/sub-B_label-lesion_mask.nii.gz',
        },
      },
    )
    self.assertEqual([case.group for case in cases], ['healthy', 'healthy', 'positive'])

  @parameterized.parameters(
    'sub-2_lesion',
    'sub-2_ses-1_lesion',
    'sub-2_label-lesion_roi',
    'sub-2_space-T1w_label-L_desc-T1lesion_mask',
    'sub-2_desc-Infarct_msk',
    'sub-2_stroke-mask',
    'sub-2_mask',
    'sub-2_ses-1_space-dwi_mask',
    'sub-2_msk',
  )
  def test_names_of_lesion_masks_in_bids(self, name):
    self.touch('sub-2/dwi/sub-2_dwi.nii.gz', f'derivatives/drawn/{name}.nii.gz')
    self.touch('derivatives/brain/sub-2_desc-brain_mask.nii.gz')
    found, _, [case] = self.find('bids')
    self.assertEqual(found['sub-2']['lesion'], f'derivatives/drawn/{name}.nii.gz')
    self.assertEqual(case.group, 'positive')

  @parameterized.parameters(
    'sub-2_desc-brain_mask',
    'sub-2_desc-head_mask',
    'sub-2_acq-stroke_desc-brain_mask',
    'sub-2_desc-ventricles_mask',
    'sub-2_label-GM_mask',
    'sub-2_brain_mask',
    'sub-2_lesion_dwi',
    'sub-2_roi',
  )
  def test_names_of_other_things_in_bids(self, name):
    self.touch('sub-2/dwi/sub-2_acq-a_dwi.nii', f'derivatives/drawn/{name}.nii.gz')
    _, _, [case] = self.find('bids', without_mask='negative')
    self.assertEqual((list(case.files), case.group), (['dwi'], 'negative'))


if __name__ == '__main__':
  tf.test.main()
