from pathlib import Path

import tensorflow as tf
from absl.testing import parameterized

from stroke_tfds.errors import InputError
from tests.stroke_tfds.preparation.cohort_case import CohortCase

_WORDS = ('lesion', 'stroke', 'infarct')
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
    self.write_soop_table('sub-1\t1', 'sub-10\tn/a')
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

  def write_soop_table(self, *rows):
    lines = ['participant_id\tacuteischaemicstroke', *rows]
    (self.root / 'participants.tsv').write_text('\n'.join(lines))

  def test_soop_tells_signs_of_a_stroke_without_an_acute_mask(self):
    for number in range(1, 8):
      self.touch_soop(f'sub-{number}', mask=number == 1)
    folder = 'derivatives/lesion_masks/sub-{0}/dwi/sub-{0}_space-TRACE_desc-'
    self.touch(f'{folder.format(2)}lesion_mask.nii.gz', f'{folder.format(2)}lesionChronic_mask.nii.gz')
    self.touch(f'{folder.format(3)}lesion_mask.nii.gz')
    self.write_soop_table('sub-1\t1', 'sub-4\t1', 'sub-5\t0', 'sub-6\tn/a')  # sub-7 has no row.
    _, problems, cases = self.find('soop')
    self.assertEmpty(problems)
    self.assertEqual([case.group for case in cases], ['positive'] + 6 * ['negative'])
    signs = [case.case_id for case in cases if case.stroke_without_mask]
    self.assertEqual(signs, ['sub-2', 'sub-3', 'sub-4'])

  def test_soop_without_its_table_needs_a_word_on_those_without_a_mask(self):
    self.touch_soop('sub-1')
    self.assertLen(self.find('soop')[2], 1)
    self.touch_soop('sub-2', mask=False)
    for text in (None, 'participant_id\tage\nsub-2\t70\n'):
      if text:
        (self.root / 'participants.tsv').write_text(text)
      with self.assertRaisesRegex(
        InputError, 'no participants.tsv with the column acuteischaemicstroke.*--without_mask=negative$'
      ):
        self.find('soop')
    _, _, cases = self.find('soop', without_mask='negative')
    self.assertEqual([case.stroke_without_mask for case in cases], [False, False])

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
    'sub-2_desc-lesion_dseg',
    'sub-2_label-lesion_dseg',
    'sub-2_brain_lesion_mask',
    'sub-2_space-orig_label-stroke_desc-manual_mask',
  )
  def test_names_of_lesion_masks_in_bids(self, name):
    self.touch('sub-2/dwi/sub-2_dwi.nii.gz', f'derivatives/drawn/{name}.nii.gz')
    for other in ('desc-brain', 'dwi_bet', 'csf', 'label-wm', 'ventricles'):
      self.touch(f'derivatives/brain/sub-2_{other}_mask.nii.gz')
    found, _, [case] = self.find('bids')
    self.assertEqual(found['sub-2']['lesion'], f'derivatives/drawn/{name}.nii.gz')
    self.assertEqual(case.group, 'positive')
    self.assertNotIn('segmentation', case.files)
    self.assertEqual(case.lesion_is_named, any(word in name.lower() for word in _WORDS))

  @parameterized.parameters(
    'sub-2_desc-brain_mask',
    'sub-2_desc-head_mask',
    'sub-2_acq-stroke_desc-brain_mask',
    'sub-2_desc-ventricles_mask',
    'sub-2_label-GM_mask',
    'sub-2_brain_mask',
    'sub-2_lesion_dwi',
    'sub-2_roi',
    'sub-2_dwi_bet_mask',
    'sub-2_hd-bet_mask',
    'sub-2_csf_mask',
    'sub-2_wm_mask',
    'sub-2_gm_msk',
    'sub-2_ventricles_mask',
    'sub-2_eyes_mask',
    'sub-2_fov_mask',
    'sub-2_skull_mask',
    'sub-2_lesion_brain_mask',
    'sub-2_stroke_bet_mask',
    'sub-2_acq-stroke_bet_mask',
    'sub-2_desc-nonlesion_mask',
    'sub-2_perilesion_mask',
  )
  def test_names_of_other_things_in_bids(self, name):
    self.touch('sub-2/dwi/sub-2_acq-a_dwi.nii', f'derivatives/drawn/{name}.nii.gz')
    _, _, [case] = self.find('bids', without_mask='negative')
    self.assertEqual((list(case.files), case.group), (['dwi'], 'negative'))

  def find_lesion(self, *names):
    """The path of the lesion that is found among masks, without ending, and whether it is told."""
    self.touch('sub-2/dwi/sub-2_dwi.nii.gz', *(f'{name}.nii.gz' for name in names))
    found, _, [case] = self.find('bids', without_mask='negative')
    return found['sub-2'].get('lesion', '').removesuffix('.nii.gz'), case.lesion_is_named

  @parameterized.parameters(
    ('derivatives/lesion_masks/sub-2/sub-2_mask', True),
    ('derivatives/Infarcts/sub-2_dwi_mask', True),
    ('derivatives/stroke_study/sub-2/sub-2_mask', False),
    ('derivatives/drawn/sub-2/sub-2_mask', False),
    ('derivatives/lesions/bet/sub-2/sub-2_mask', None),
    ('derivatives/skullstrip/sub-2/sub-2_dwi_mask', None),
    ('derivatives/fmriprep/sub-2/anat/sub-2_mask', None),
  )
  def test_folders_of_plain_masks_in_bids(self, path, is_named):
    found = ('', True) if is_named is None else (path, is_named)
    self.assertEqual(self.find_lesion(path), found)

  def test_a_told_mask_comes_before_one_in_a_told_folder_before_a_plain_one(self):
    masks = ['derivatives/a/sub-2_mask', 'derivatives/lesions/sub-2_mask', 'derivatives/a/sub-2_lesion']
    for n in (1, 2, 3):
      self.assertEqual(self.find_lesion(*masks[:n])[0], masks[n - 1])

  def test_two_plain_masks_are_no_lesion(self):
    self.touch(
      'sub-2/dwi/sub-2_dwi.nii.gz', 'derivatives/a/sub-2_mask.nii', 'derivatives/b/sub-2_mask.nii'
    )
    _, problems, _ = self.find('bids', without_mask='negative')
    self.assertEqual(problems, {'sub-2': 'lesion: 2 files fit, expected one'})

  def test_one_of_the_segmentations_of_fmriprep(self):
    names = ('dseg', 'space-MNI152NLin2009cAsym_dseg', 'desc-aparcaseg_dseg', 'desc-aseg_dseg')
    folder = 'derivatives/fmriprep/sub-2/anat/sub-2_'
    self.touch('sub-2/dwi/sub-2_dwi.nii.gz', f'{folder}desc-brain_mask.nii.gz')
    self.touch(f'{folder}space-MNI152NLin2009cAsym_desc-aseg_dseg.nii.gz')
    self.touch(*(f'{folder}{name}.nii.gz' for name in names))
    found, problems, _ = self.find('bids', without_mask='negative')
    self.assertEmpty(problems)
    self.assertEqual(found['sub-2']['segmentation'], f'{folder}desc-aseg_dseg.nii.gz')

  def test_a_b0_is_no_dwi(self):
    for subject, text in (('sub-1', '0\n'), ('sub-2', '0 1000'), ('sub-3', '928.5'), ('sub-4', 'b=5')):
      self.touch(f'{subject}/dwi/{subject}_dwi.nii.gz')
      (self.root / subject / 'dwi' / f'{subject}_dwi.bval').write_text(text)
    self.touch('sub-5/dwi/sub-5_acq-b0_dwi.nii.gz', 'sub-5/dwi/sub-5_acq-b1000_dwi.nii.gz')
    found, problems, _ = self.find('bids', without_mask='healthy')
    self.assertEqual(list(found), ['sub-2', 'sub-3', 'sub-5'])
    self.assertEqual(found['sub-5']['dwi'], 'sub-5/dwi/sub-5_acq-b1000_dwi.nii.gz')
    self.assertStartsWith(problems['sub-1'], 'dwi: its .bval says b = 0 s/mm2, which is no diffusion')
    self.assertStartsWith(problems['sub-4'], 'dwi: its .bval holds other than numbers')


if __name__ == '__main__':
  tf.test.main()
