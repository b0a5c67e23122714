import os
from pathlib import Path
from unittest import mock

import tensorflow as tf
import tensorflow_datasets as tfds

from stroke_tfds.errors import InputError
from stroke_tfds.preparation.find_cases import find_cases
from tests.stroke_tfds.preparation.cohort_case import CohortCase


class FindCasesTest(CohortCase):
  def test_what_cases_without_mask_are_has_to_be_said_in_bids(self):
    for name in ('A', 'B', 'C'):
      self.touch(f'sub-{name}/dwi/sub-{name}_dwi.nii.gz')
    self.touch('derivatives/masks/sub-B_mask.nii.gz')
    with self.assertRaisesRegex(
      InputError,
      '^[^\n]*: no lesion mask is found for 2 of 3 cases, such as sub-A, expected masks named as '
      '--help says; where none is right, give --without_mask=negative or healthy, or a column group '
      'in participants.tsv$',
    ):
      self.find('bids')
    (self.root / 'participants.tsv').write_text(
      'participant_id\tgroup\nsub-A\thealthy\nsub-B\tn/a\nsub-C\tnegative\n'
    )
    _, _, cases = self.find('bids')
    self.assertEqual([case.group for case in cases], ['healthy', 'positive', 'negative'])
    (self.root / 'participants.tsv').unlink()
    for group in ('negative', 'healthy'):
      _, _, cases = self.find('bids', without_mask=group)
      self.assertEqual([case.group for case in cases], [group, 'positive', group])
      self.assertEqual(cases[1].group_if_empty, group)

  def test_a_mask_of_no_session_fails_its_subject(self):
    for subject in ('sub-A', 'sub-B'):
      for session in ('1', '2'):
        self.touch(f'{subject}/ses-{session}/dwi/{subject}_ses-{session}_dwi.nii.gz')
    self.touch('derivatives/masks/sub-A_mask.nii.gz')
    for name in ('sub-B_ses-1_lesion', 'sub-B_ses-2_mask', 'sub-B_desc-brain_mask'):
      self.touch(f'derivatives/masks/{name}.nii.gz')
    found, problems, _ = self.find('bids', without_mask='healthy')
    self.assertEqual(
      problems, {'sub-A': 'lesion: a mask is of none of the 2 sessions, expected one in its name'}
    )
    self.assertEqual([len(files) for files in found.values()], [2, 2])

  def test_a_folder_of_a_subject_that_cannot_be_listed_is_its_problem_alone(self):
    self.touch('sub-A/dwi/sub-A_dwi.nii.gz', 'sub-B/dwi/sub-B_dwi.nii.gz', 'derivatives/x/note.txt')
    scandir = os.scandir

    def guarded(path):
      if str(path).endswith(denied):
        raise PermissionError(13, 'Permission denied', str(path))
      return scandir(path)

    with mock.patch.object(os, 'scandir', guarded):
      denied = 'sub-B/dwi'
      found, problems, _ = self.find('bids', without_mask='healthy')
      self.assertEqual(list(found), ['sub-A'])
      self.assertEqual(problems, {'sub-B': 'a folder of it cannot be read: Permission denied'})
      denied = 'derivatives/x'
      with self.assertRaisesRegex(InputError, 'derivatives/x: cannot be read: Permission denied'):
        self.find('bids', without_mask='healthy')

  def test_sessions_are_numbered_and_their_labels_stay_behind(self):
    for day in ('20200315', '20190102'):
      self.touch(f'sub-A/ses-{day}/dwi/sub-A_ses-{day}_dwi.nii.gz')
    self.touch('derivatives/masks/sub-A_ses-20200315_mask.nii.gz')
    self.touch('sub-B/ses-20180101/dwi/sub-B_ses-20180101_dwi.nii.gz')
    self.touch('derivatives/masks/sub-B_mask.nii.gz')
    self.touch('sub-A/ses-x/dwi/readme.nii.gz')
    found, problems, cases = self.find('bids', without_mask='healthy')
    self.assertEqual(
      {name: len(files) for name, files in found.items()},
      {'sub-A_ses-01': 1, 'sub-A_ses-02': 2, 'sub-B': 2},
    )
    self.assertIn('20190102', found['sub-A_ses-01']['dwi'])
    self.assertEqual([case.subject for case in cases], ['sub-A', 'sub-A', 'sub-B'])
    # The third session has no scan; that is its problem alone.
    self.assertEqual(
      problems['sub-A_ses-03'],
      'dwi: missing file, expected sub-X[/ses-Y]/dwi/sub-X[_ses-Y]_*dwi.nii.gz',
    )
    self.assertLen(problems, 1)

  def test_sessions_are_numbered_by_number(self):
    labels = ['2', '10', '1', '09']
    for label in labels:
      self.touch(f'sub-A/ses-{label}/dwi/sub-A_ses-{label}_dwi.nii.gz')
    _, _, cases = self.find('bids', without_mask='healthy')
    self.assertEqual(
      {case.case_id: case.session for case in cases},
      {f'sub-A_ses-0{n}': f'ses-{label}' for n, label in enumerate(('1', '2', '09', '10'), 1)},
    )

  def test_a_scan_beside_folders_of_sessions_fails_its_subject(self):
    self.touch('sub-A/dwi/sub-A_dwi.nii.gz', 'sub-A/ses-02/dwi/sub-A_ses-02_dwi.nii.gz')
    self.touch('sub-B/anat/sub-B_T1w.nii.gz', 'sub-B/ses-02/dwi/sub-B_ses-02_dwi.nii.gz')
    found, problems, _ = self.find('bids', without_mask='healthy')
    self.assertEqual(list(found), ['sub-B'])
    self.assertStartsWith(problems['sub-A'], 'dwi: lies beside folders of sessions')

  def test_groups_and_splits_come_from_the_table_and_nothing_else_does(self):
    for name in ('A', 'B', 'C', 'D', 'E', 'F'):
      self.touch(f'sub-{name}/dwi/sub-{name}_dwi.nii.gz')
    self.touch('derivatives/masks/sub-A_mask.nii.gz', 'derivatives/masks/sub-F_mask.nii.gz')
    rows = ['participant_id\tage\tgroup\tsplit', 'sub-A\t81\tn/a\ttest', 'B\t50\tnegative\ttest']
    rows += [
      'sub-C\t40\tpositive\ttrain',
      'sub-D\t1\thealthy\tvalidation',
      'sub-E\t1\thealthy\thealthy',
    ]
    rows += ['sub-E\t1\thealthy\thealthy', 'sub-G\t1\thealthy\thealthy', 'sub-F\t1\tpositive\thealthy']
    (self.root / 'participants.tsv').write_text('\n'.join(rows))
    _, problems, cases = self.find('bids')
    self.assertEqual(
      [(case.case_id, case.group, case.split) for case in cases],
      [('sub-A', 'positive', 'test'), ('sub-B', 'negative', 'test')],
    )
    self.assertEqual(sorted(problems), ['sub-C', 'sub-D', 'sub-E', 'sub-F', 'sub-G'])
    self.assertRegex(problems['sub-C'], 'lesion: missing file')
    self.assertRegex(problems['sub-D'], 'unknown split, expected one of healthy, train, test')
    self.assertRegex(problems['sub-E'], '2 rows for the subject, expected one')
    self.assertRegex(problems['sub-F'], 'lesion and the split healthy, expected train or test')
    self.assertRegex(problems['sub-G'], 'in participants.tsv, but has no folder')

  def test_a_table_without_these_columns_is_ignored(self):
    self.touch('sub-A/dwi/sub-A_dwi.nii.gz')
    (self.root / 'participants.tsv').write_text('participant_id\tage\nsub-Z\t80\n')
    found, problems, _ = self.find('bids', without_mask='healthy')
    self.assertEqual((list(found), problems), (['sub-A'], {}))

  def test_labels_with_other_characters_are_not_passed_on(self):
    self.touch('sub-John Doe 1950/dwi/x.nii.gz', 'sub-A/dwi/sub-A_dwi.nii.gz')
    found, problems, _ = self.find('bids', without_mask='healthy')
    self.assertEqual(list(found), ['sub-A'])
    self.assertEqual(list(problems), ['sub-unnamed002'])
    self.assertRegex(problems['sub-unnamed002'], '^its label holds other than letters and digits')

  def test_links_to_folders_are_refused(self):
    elsewhere = Path(tfds.testing.make_tmp_dir())
    self.touch('sub-A/dwi/sub-A_dwi.nii.gz')
    (self.root / 'sub-B').symlink_to(elsewhere)
    _, problems, _ = self.find('bids', without_mask='healthy')
    self.assertRegex(problems['sub-B'], 'is a link to a folder')
    (self.root / 'derivatives').symlink_to(elsewhere)
    with self.assertRaisesRegex(InputError, 'derivatives: is a link to a folder'):
      self.find('bids')

  def test_refuses_what_is_no_cohort(self):
    with self.assertRaisesRegex(InputError, 'holds no folder sub-.*, expected the layout of bids'):
      self.find('bids')
    with self.assertRaisesRegex(InputError, 'no such folder'):
      find_cases('bids', self.root / 'absent', ('dwi',))
    with self.assertRaisesRegex(InputError, "source is 'adni', expected one of"):
      self.find('adni')
    with self.assertRaisesRegex(InputError, "contrast 'swi': soop has"):
      self.find('soop', 'dwi', 'swi')
    for contrasts in (('lesion',), ('DWI',), ('a/b',)):
      with self.assertRaisesRegex(InputError, 'expected small letters and digits'):
        self.find('bids', *contrasts)
    with self.assertRaisesRegex(InputError, 'expected one or more, each once'):
      self.find('bids', 'dwi', 'dwi')
    with self.assertRaisesRegex(InputError, "without_mask is 'ill', expected negative or healthy"):
      self.find('bids', without_mask='ill')


if __name__ == '__main__':
  tf.test.main()
