"""Cases, folders and fields that a config of a prepared folder takes, leaves out or refuses."""

from pathlib import Path

import tensorflow as tf
import tensorflow_datasets as tfds

from stroke_tfds import prepared
from stroke_tfds.bids_stroke import bids_stroke_dataset_builder as bids_stroke
from stroke_tfds.errors import InputError
from stroke_tfds.preparation.tables import POSITIVE, SUSPICIOUS
from stroke_tfds.soop import soop_dataset_builder as soop
from tests.prepared_builder import build, examples_by_split, make_builder
from tests.prepared_folder import TINY, cohort, participant, write_folder


class LeftOutTest(tf.test.TestCase):
  def setUp(self):
    super().setUp()
    self.root = Path(self.get_temp_dir())
    suspicious = participant('sub-p1', POSITIVE, status=SUSPICIOUS)
    self.cases = [participant('sub-p0'), suspicious, participant('sub-p2'), participant('sub-p3')]
    self.folder = write_folder(self.root / 'prepared', self.cases)

  def build(self, **fields) -> tfds.core.DatasetBuilder:
    builder = make_builder(self.root / 'data', **fields)
    build(builder, self.root / 'prepared')
    return builder

  def built(self, **fields) -> set[str]:
    splits = examples_by_split(self.build(**fields))
    return {case_id for examples in splits.values() for case_id in examples}

  def test_excluded_and_suspicious_cases(self):
    self.assertEqual(self.built(), {'sub-p0', 'sub-p2', 'sub-p3'})
    self.assertEqual(self.built(exclude=['sub-p2']), {'sub-p0', 'sub-p3'})
    everyone = {'sub-p0', 'sub-p1', 'sub-p2', 'sub-p3'}
    self.assertEqual(self.built(with_suspicious=True), everyone)
    self.assertEqual(self.built(with_suspicious=True, exclude=['sub-p2']), everyone - {'sub-p2'})

  def test_the_others_stay_in_their_splits(self):
    fields = {'test_share': 0.5, 'with_suspicious': True}
    everyone = examples_by_split(self.build(**fields))
    for case_id in ('sub-p0', 'sub-p1', 'sub-p2', 'sub-p3'):
      left = examples_by_split(self.build(**fields, exclude=[case_id]))
      for split, examples in everyone.items():
        self.assertEqual(set(left.get(split, ())), set(examples) - {case_id})

  def test_nobody_left(self):
    with self.assertRaisesRegex(InputError, 'the config leaves out all cases'):
      self.build(exclude=[case.case_id for case in self.cases])

  def test_nobody_left_to_train(self):
    cases = [participant(f'sub-p{i}', status=SUSPICIOUS) for i in range(4)]
    self.folder.write_tables(cases, [])
    with self.assertRaisesRegex(InputError, 'leaves out all cases, .*"with_suspicious": true'):
      self.build()
    cases = [participant(f'sub-p{i}', split='train', status=SUSPICIOUS) for i in range(3)]
    self.folder.write_tables([*cases, participant('sub-p3', split='test')], [])
    with self.assertRaisesRegex(InputError, 'leaves out the split train, .*"with_suspicious": true'):
      self.build()

  def test_suspicious_cases_are_told_of(self):
    for fields, told, option in (
      ({}, 'left out', 'true'),
      ({'with_suspicious': True}, 'used', 'false'),
    ):
      with self.assertLogs('absl', 'WARNING') as caught:
        self.build(**fields)
      self.assertIn(f'1 of 4 cases are suspicious and {told}', caught.output[-1])
      self.assertIn(f'"with_suspicious": {option} in --config', caught.output[-1])

  def test_the_cases_of_a_split_of_the_table_are_left_out_too(self):
    cases = [participant(f'sub-p{i}', split='test' if i == 3 else 'train') for i in range(4)]
    self.folder.write_tables(cases, [])
    splits = self.build(exclude=['sub-p0']).info.splits
    self.assertEqual({k: v.num_examples for k, v in splits.items()}, {'train': 2, 'test': 1})

  def test_a_case_that_is_not_there(self):
    with self.assertRaisesRegex(InputError, 'exclude names sub-q1, expected a case id of .*tsv$'):
      self.build(exclude=['sub-p1', 'sub-q1'])

  def test_a_case_that_became_suspicious_makes_other_data_where_these_are_left_out(self):
    for with_suspicious in (True, False):
      self.folder.write_tables(self.cases, [])
      self.build(with_suspicious=with_suspicious)
      changed = [*self.cases[:3], participant('sub-p3', POSITIVE, status=SUSPICIOUS)]
      self.folder.write_tables(changed, [])
      if with_suspicious:
        self.build(with_suspicious=True)
      else:
        with self.assertRaisesRegex(InputError, 'holds data of fingerprint'):
          self.build(with_suspicious=False)


class RefusedFolderTest(tf.test.TestCase):
  def assertRefused(self, message: str, folder: Path, **fields) -> None:
    builder = make_builder(tfds.testing.make_tmp_dir(), **fields)
    with self.assertRaisesRegex(InputError, message) as caught:
      build(builder, folder)
    self.assertNotIn('\n', str(caught.exception))
    self.assertFalse(builder.is_prepared())

  def test_missing_or_empty(self):
    empty = Path(self.get_temp_dir())
    advice = 'built from a folder made by python -m launchers.prepare_data.*--manual_dir DIR .*empty.$'
    self.assertRefused(advice, Path('/no/such/folder'))
    self.assertRefused(advice, empty)

  def test_not_prepared(self):
    folder = Path(self.get_temp_dir())
    (folder / 'scan.nii.gz').write_bytes(b'')
    self.assertRefused('expected a folder made by python -m launchers.prepare_data', folder)

  def test_of_another_source(self):
    folder = Path(self.get_temp_dir()) / 'prepared'
    write_folder(folder, cohort(2), source='isles22')
    self.assertRefused(
      'was prepared with --source=isles22, the data set soop expected --source=soop',
      folder,
      module=soop,
    )

  def test_contrast_that_the_folder_lacks(self):
    folder = Path(self.get_temp_dir()) / 'prepared'
    write_folder(folder, cohort(2))
    message = (
      r"contrasts \['dwi'\], expected \['dwi', 'adc'\]; prepare it again with --contrasts=dwi,adc"
    )
    self.assertRefused(message, folder, contrasts=['dwi', 'adc'])

  def test_grid_that_is_finer_or_larger(self):
    folder = Path(self.get_temp_dir()) / 'prepared'
    write_folder(folder, cohort(2))
    larger = {**TINY, 'corner_mm': [-96.0, -114.0, -57.0]}
    longer = {**TINY, 'shape': [17, 16, 4]}
    for grid in ('mini', larger, longer):
      self.assertRefused(
        'was prepared on the grid .*fine.* prepare it again with --grid', folder, grid=grid
      )

  def test_another_label_scheme(self):
    folder = Path(self.get_temp_dir()) / 'prepared'
    write_folder(folder, cohort(2))
    file = folder / 'dataset_description.json'
    file.write_text(file.read_text().replace('"aseg28"', '"aseg33"'))
    self.assertRefused('has the label scheme aseg33, expected aseg28', folder)

  def test_positive_case_without_lesion_on_the_grid(self):
    folder = Path(self.get_temp_dir()) / 'prepared'
    write_folder(folder, cohort(2))
    beside = {**TINY, 'shape': [8, 16, 4]}  # The lesion begins where this grid ends.
    self.assertRefused('sub-p[01]: is positive but has no lesion on the grid tiny', folder, grid=beside)
    advice = r'or leave it out by --config with "exclude": \["sub-p[01]"\]$'
    self.assertRefused(advice, folder, grid=beside)


class ConfigTest(tf.test.TestCase):
  def test_built_in(self):
    for module, negatives in ((bids_stroke, 1.0), (soop, 0.5)):
      mini, paper = module.Builder.BUILDER_CONFIGS
      self.assertEqual((mini.name, mini.grid.shape), ('mini', (64, 64, 16)))
      self.assertEqual((paper.name, paper.grid.shape), ('paper', (128, 128, 32)))
      self.assertEqual(mini.negatives_in_test, negatives)
      self.assertEqual((mini.test_share, mini.seed, mini.contrasts), (0.2, 0, ('dwi',)))

  def test_name_carries_every_field(self):
    changes = (
      {'seed': 1},
      {'test_share': 0.3},
      {'grid': 'mini'},
      {'contrasts': ['adc']},
      {'negatives_in_test': 0.3},
      {'exclude': ['sub-1']},
      {'with_suspicious': True},
    )
    names = {prepared.PreparedConfig(**{'grid': TINY, **change}).name for change in ({}, *changes)}
    self.assertLen(names, 8)
    for name in names:
      self.assertRegex(name, '^custom-[0-9a-f]{12}$')

  def test_names_of_sets_that_say_what_becomes_of_suspicious_cases(self):
    # A default that changes must not give one name to two sets.
    self.assertEqual(prepared.PreparedConfig(with_suspicious=True).name, 'custom-64fe78b5e2c4')
    self.assertEqual(prepared.PreparedConfig(with_suspicious=False).name, 'custom-fd842d85d872')
    self.assertEqual(prepared.PreparedConfig().name, 'custom-fd842d85d872')

  def test_mistakes_are_named_in_one_line(self):
    cases = (
      ({'test_share': -0.1}, 'test_share is -0.1, expected a number from 0 to below 1'),
      ({'test_share': 1}, 'test_share is 1'),
      ({'test_share': '0.2'}, "test_share is '0.2'"),
      ({'test_share': float('nan')}, 'test_share is nan'),
      ({'negatives_in_test': 1.5}, 'negatives_in_test is 1.5, expected a number from 0 to 1'),
      ({'negatives_in_test': True}, 'negatives_in_test is True'),
      ({'contrasts': 'dwi'}, "contrasts is 'dwi', expected a list"),
      ({'contrasts': []}, r'contrasts is \[\]'),
      ({'contrasts': ['dwi', 'DWI']}, 'each once'),
      ({'contrasts': ['../dwi']}, 'contrasts is'),
      ({'contrasts': 3}, 'contrasts is 3'),
      ({'exclude': 'sub-1'}, "exclude is 'sub-1', expected a list"),
      ({'exclude': [1]}, r'exclude is \[1\]'),
      ({'with_suspicious': 'no'}, "with_suspicious is 'no', expected true or false"),
      ({'seed': -1}, 'seed is -1'),
      ({'grid': 'maxi'}, 'maxi'),
      ({'name': 'a/b'}, 'a/b'),
      ({'n_train': 3}, "'n_train' is unknown"),
    )
    for fields, message in cases:
      with self.subTest(fields), self.assertRaisesRegex(InputError, message) as caught:
        prepared.PreparedConfig(**fields)
      self.assertNotIn('\n', str(caught.exception))


if __name__ == '__main__':
  tf.test.main()
