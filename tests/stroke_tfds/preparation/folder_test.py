import dataclasses
import json
import os
from pathlib import Path

import nibabel as nib
import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from stroke_tfds.errors import InputError
from stroke_tfds.fingerprints import fingerprint
from stroke_tfds.preparation.folder import PreparedFolder, Settings
from stroke_tfds.preparation.tables import CaseRecord, Participant
from tests.stroke_tfds.preparation.made_up_scans import GRID

_SETTINGS = Settings('bids', ('dwi', 'adc'), 'none', GRID)
_STEM = 'sub-1/dwi/sub-1_space-MNI152NLin2009aSym_'
_ROW = Participant('sub-1', 'sub-1', 'positive', '', 'prepared')


class PreparedFolderTest(tf.test.TestCase):
  def setUp(self):
    super().setUp()
    self.path = Path(tfds.testing.make_tmp_dir()) / 'out'
    self.folder = PreparedFolder.create(self.path, _SETTINGS)
    rng = np.random.default_rng(0)
    self.image = rng.random((*GRID.shape, 2), np.float32)
    self.labels = rng.integers(0, 28, GRID.shape).astype(np.uint8)
    self.fraction = rng.random(GRID.shape, np.float32)

  def write(self, case_id='sub-1', fraction=True, **facts):
    sidecar = {'inputs': 'abc', 'group': 'positive', 'seconds': 1.5, 'labels_from': 'template'}
    sidecar |= {'quality': {}, 'suspicions': {}, 'image_sha256': '', **facts}
    fraction = self.fraction if fraction else None
    self.folder.write_case(case_id, self.image, self.labels, fraction, sidecar)

  def test_reads_what_it_wrote(self):
    self.write()
    image, labels, fraction, sidecar = PreparedFolder(self.path).load('sub-1')
    self.assertAllEqual(image, self.image)
    self.assertAllEqual(labels, self.labels)
    self.assertEqual(labels.dtype, np.uint8)
    self.assertAllEqual(fraction, self.fraction)
    self.assertEqual(sidecar['group'], 'positive')

  def test_files_are_where_the_contract_says(self):
    self.write()
    self.write('sub-2_ses-01', fraction=False)
    names = sorted(str(path.relative_to(self.path)) for path in self.path.rglob('*') if path.is_file())
    endings = ['desc-aseg28_dseg.nii.gz', 'desc-preproc_adc.nii.gz', 'desc-preproc_dwi.json']
    endings += ['desc-preproc_dwi.nii.gz']
    second = 'sub-2/ses-01/dwi/sub-2_ses-01_space-MNI152NLin2009aSym_'
    self.assertEqual(
      names,
      ['dataset_description.json']
      + [_STEM + ending for ending in [*endings, 'label-lesion_probseg.nii.gz']]
      + [second + ending for ending in endings],
    )
    stored = nib.load(self.path / f'{_STEM}desc-preproc_adc.nii.gz')
    self.assertAllEqual(np.asarray(stored.dataobj), self.image[..., 1])
    self.assertAllClose(stored.affine, GRID.affine)
    description = json.loads((self.path / 'dataset_description.json').read_text())
    self.assertEqual(description['DatasetType'], 'derivative')
    self.assertEqual(description['Preparation']['contrasts'], ['dwi', 'adc'])

  def test_case_without_lesion_has_an_empty_fraction(self):
    self.write(fraction=False)
    self.assertAllEqual(self.folder.load('sub-1')[2], np.zeros(GRID.shape))

  def test_a_case_that_lost_its_lesion_keeps_no_file_of_it(self):
    self.write()
    self.write(fraction=False)
    self.assertFalse((self.path / f'{_STEM}label-lesion_probseg.nii.gz').exists())
    self.assertLen(list((self.path / 'sub-1' / 'dwi').iterdir()), 4)

  def test_a_sidecar_that_lacks_something_is_named(self):
    self.write()
    path = self.path / f'{_STEM}desc-preproc_dwi.json'
    for name in ('case_id', 'group', 'seconds', 'labels_from', 'quality', 'suspicions', 'inputs'):
      stored = json.loads(path.read_text())
      path.write_text(json.dumps({key: value for key, value in stored.items() if key != name}))
      with self.assertRaisesRegex(InputError, f"sub-1: .*dwi.json lacks .'{name}'.; delete it, run"):
        self.folder.sidecar('sub-1')
      self.assertFalse(self.folder.is_done('sub-1', 'abc'))
      path.write_text(json.dumps(stored))

  def test_suspicions_of_the_first_release_are_read(self):
    self.write(suspicions=['look at it'])
    self.assertEqual(self.folder.sidecar('sub-1')['suspicions'], {'look at it': ''})

  def test_a_damaged_sidecar_is_refused_and_its_case_made_again(self):
    self.write()
    file = next(self.path.rglob('*desc-preproc_dwi.json'))
    case_id = json.loads(file.read_text())['case_id']
    sound = json.loads(file.read_text())
    for damaged in (
      *([], 3, None, 'x', '[' * 5000, {**sound, 'quality': [1]}, {**sound, 'outputs': 'dwi'}),
      *({**sound, 'seconds': 'a\nb'}, {**sound, 'quality': {'x': 'y'}}, {**sound, 'group': None}),
    ):
      file.write_text(damaged if isinstance(damaged, str) else json.dumps(damaged))
      with self.subTest(str(damaged)[:50]):
        with self.assertRaisesRegex(InputError, f'^{case_id}: [^\n]*run prepare_data again$'):
          PreparedFolder(self.path).sidecar(case_id)
        self.assertFalse(PreparedFolder(self.path).is_done(case_id, sound['inputs']))
    file.unlink()
    os.mkfifo(file)
    with self.assertRaisesRegex(InputError, 'no regular file'):
      PreparedFolder(self.path).sidecar(case_id)

  def test_done_means_all_files_of_the_same_input(self):
    self.assertFalse(self.folder.is_done('sub-1', 'abc'))
    self.write()
    self.assertTrue(self.folder.is_done('sub-1', 'abc'))
    self.assertFalse(self.folder.is_done('sub-1', 'other'))
    (self.path / f'{_STEM}desc-preproc_adc.nii.gz').unlink()
    self.assertFalse(self.folder.is_done('sub-1', 'abc'))
    self.write()
    (self.path / f'{_STEM}desc-preproc_dwi.json').write_text('{"inp')
    self.assertFalse(self.folder.is_done('sub-1', 'abc'))

  def test_sidecar_goes_before_the_volumes_change(self):
    self.write()
    (self.path / f'{_STEM}desc-preproc_adc.nii.gz').unlink()
    (self.path / f'{_STEM}desc-preproc_adc.nii.gz').mkdir()  # Where the next one cannot be written.
    with self.assertRaisesRegex(InputError, 'desc-preproc_adc.nii.gz: cannot be written'):
      self.write()
    self.assertFalse((self.path / f'{_STEM}desc-preproc_dwi.json').exists())

  def test_what_a_kill_left_is_removed(self):
    self.write()
    leftovers = [self.path / f'sub-1/dwi/.{Path(_STEM).name}desc-preproc_adc.nii.gz.123']
    leftovers.append(self.path / '.cases.tsv.123')
    for path in leftovers:
      path.touch()
    self.write()
    self.folder.write_tables([_ROW], [])
    for path in leftovers:
      self.assertFalse(path.exists())

  def test_notices_a_file_that_was_changed_or_is_missing(self):
    self.write()
    path = self.path / f'{_STEM}label-lesion_probseg.nii.gz'
    nib.save(nib.Nifti1Image(1 - self.fraction, GRID.affine), path)
    with self.assertRaisesRegex(
      InputError, 'sub-1: .*probseg.nii.gz is not the file that was prepared'
    ):
      self.folder.load('sub-1')
    path.unlink()
    with self.assertRaisesRegex(InputError, 'sub-1: .*probseg.nii.gz is missing'):
      self.folder.load('sub-1')

  def test_tables_come_back_sorted(self):
    rows = [Participant('sub-2', 'sub-2', 'healthy', 'healthy', 'suspicious'), _ROW]
    records = [
      CaseRecord('sub-3', 'failed', 'adc: missing file'),
      CaseRecord('sub-1', 'prepared', '', 1.5, {'brain_dice': 0.9}),
    ]
    self.folder.write_tables(rows, records)
    read = PreparedFolder(self.path)
    self.assertEqual(read.cases, rows[::-1])
    self.assertEqual(read.records, records[::-1])
    self.assertEqual(
      (self.path / 'participants.tsv').read_text().splitlines()[1],
      'sub-1\tsub-1\tpositive\tn/a\tprepared',
    )

  def test_fingerprint_follows_voxels_subjects_groups_and_splits(self):
    self.write()
    prints = []
    for change in ('none', 'split', 'group', 'subject', 'voxels', 'suspicious'):
      row = {'group': _ROW.group, 'split': '', 'status': 'prepared'}
      row |= {'split': {'split': 'test'}, 'group': {'group': 'negative'}}.get(change, {})
      row |= {'status': 'suspicious'} if change == 'suspicious' else {}
      if change == 'voxels':
        self.labels[0, 0, 0] ^= 1
        self.write()
      subject = 'sub-2' if change == 'subject' else 'sub-1'
      self.folder.write_tables([Participant(subject, 'sub-1', **row)], [])
      prints.append(PreparedFolder(self.path).fingerprint)
      self.assertEqual(self.folder.fingerprint, prints[-1])
    self.assertLen(set(prints[:5]), 5)
    self.assertEqual(prints[4], prints[5])

  def test_refuses_folders_of_other_things_and_of_other_settings(self):
    with self.assertRaisesRegex(
      InputError, 'holds no dataset_description.json, expected a folder made'
    ):
      PreparedFolder(tfds.testing.make_tmp_dir())
    other = Path(tfds.testing.make_tmp_dir())
    (other / 'thesis.txt').write_text('mine')
    with self.assertRaisesRegex(
      InputError, 'holds other files, expected an empty or a prepared folder'
    ):
      PreparedFolder.create(other, _SETTINGS)
    with self.assertRaisesRegex(InputError, "prepared with contrasts .*'adc'.*, now .'dwi'. is asked"):
      PreparedFolder.create(self.path, Settings('bids', ('dwi',), 'none', GRID))
    (self.path / 'dataset_description.json').write_text('{"Name": "raw"}')
    with self.assertRaisesRegex(InputError, 'not of a prepared folder'):
      PreparedFolder(self.path)

  def describe(self, **settings) -> None:
    """Changes settings of the folder's description; None takes one away."""
    path = self.path / 'dataset_description.json'
    described = json.loads(path.read_text())
    changed = {**described['Preparation'], **settings}
    described['Preparation'] = {name: value for name, value in changed.items() if value is not None}
    path.write_text(json.dumps(described))

  def test_a_folder_that_names_no_scaling_has_the_percentile(self):
    self.write()
    self.folder.write_tables([_ROW], [])
    before = PreparedFolder(self.path).fingerprint
    self.describe(intensity_scaling=None)
    earlier = PreparedFolder.create(self.path, _SETTINGS)
    self.assertEqual(earlier.intensity_scaling, 'percentile')
    self.assertEqual(earlier.fingerprint, before)
    # What a release that did not know the setting hashed.
    described = json.loads((self.path / 'dataset_description.json').read_text())['Preparation']
    cases = [['sub-1', 'sub-1', 'positive', '', earlier.sidecar('sub-1')['outputs']]]
    self.assertEqual(before, fingerprint([described, cases]))

  def test_another_scaling_is_another_folder(self):
    self.write()
    self.folder.write_tables([_ROW], [])
    before = self.folder.fingerprint
    asked = Settings(*dataclasses.astuple(_SETTINGS)[:3], GRID, 'parenchyma_median')
    message = 'was prepared with intensity_scaling percentile, now parenchyma_median is asked for'
    with self.assertRaisesRegex(InputError, message):
      PreparedFolder.create(self.path, asked)
    self.describe(intensity_scaling='parenchyma_median')
    made = PreparedFolder.create(self.path, asked)
    self.assertEqual(made.intensity_scaling, 'parenchyma_median')
    self.assertNotEqual(made.fingerprint, before)
    with self.assertRaisesRegex(InputError, 'with intensity_scaling parenchyma_median, now percentile'):
      PreparedFolder.create(self.path, _SETTINGS)

  def test_unknown_scalings(self):
    with self.assertRaisesRegex(InputError, "^intensity_scaling is 'mean', expected one of"):
      Settings('bids', ('dwi',), 'none', GRID, 'mean')
    for value in ('mean', ['percentile']):
      self.describe(intensity_scaling=value)
      with self.assertRaisesRegex(InputError, 'description.json: intensity_scaling is .*expected one'):
        PreparedFolder(self.path)

  def test_refuses_damaged_tables(self):
    with self.assertRaisesRegex(InputError, 'participants.tsv: cannot be read'):
      _ = self.folder.cases
    for text, error in (
      ('participant_id\tcase_id\nsub-1\tsub-1\n', 'line 2 has not the columns'),
      ('participant_id\tcase_id\tgroup\tsplit\tstatus\nsub-1\t../x\thealthy\tn/a\tprepared\n', 'x'),
      ('participant_id\tcase_id\tgroup\tsplit\tstatus\nsub-1\tsub-1\till\tn/a\tprepared\n', 'ill'),
      ('participant_id\tcase_id\tgroup\tsplit\tstatus\nsub-1\tsub-1\thealthy\tdev\tok\n', 'dev'),
      ('participant_id\tcase_id\tgroup\tsplit\tstatus\nsub-1\tsub-1\thealthy\tn/a\tOdd\n', 'Odd'),
    ):
      (self.path / 'participants.tsv').write_text(text)
      with self.assertRaisesRegex(InputError, error):
        _ = PreparedFolder(self.path).cases


if __name__ == '__main__':
  tf.test.main()
