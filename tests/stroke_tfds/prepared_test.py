import functools
import json
from pathlib import Path

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from stroke_tfds import prepared
from stroke_tfds.bids_stroke import bids_stroke_dataset_builder as bids_stroke
from stroke_tfds.errors import InputError
from stroke_tfds.preparation.tables import HEALTHY, NEGATIVE, POSITIVE, SUSPICIOUS
from stroke_tfds.soop import soop_dataset_builder as soop
from stroke_tfds.sources import open_sources
from tests.prepared_folder import FINE, TINY, cohort, participant, write_folder


def _builder(data_dir, *, module=bids_stroke, **fields) -> tfds.core.DatasetBuilder:
  config = type(module.Builder.BUILDER_CONFIGS[0])(**{'name': 'tiny', 'grid': TINY, **fields})
  return module.Builder(config=config, data_dir=str(data_dir))


def _prepare(builder: tfds.core.DatasetBuilder, folder: Path) -> None:
  config = tfds.download.DownloadConfig(manual_dir=str(folder))
  builder.download_and_prepare(download_config=config)


def _examples(builder: tfds.core.DatasetBuilder) -> dict[str, dict[str, dict]]:
  """Examples of each split by subject_id."""
  return {
    split: {e['subject_id'].decode(): e for e in builder.as_dataset(split=split).as_numpy_iterator()}
    for split in builder.info.splits
  }


@functools.cache
def _built() -> tuple[Path, tfds.core.DatasetBuilder]:
  """A folder with two contrasts, and the data set made from it."""
  root = Path(tfds.testing.make_tmp_dir())
  cases = [*cohort(4, 1), participant('sub-h0', HEALTHY), participant('sub-p0_ses-02', NEGATIVE)]
  cases[0] = participant('sub-p0_ses-01')
  write_folder(root / 'prepared', cases, contrasts=('dwi', 'adc'))
  builder = _builder(root / 'data', contrasts=['ADC', 'dwi'])
  _prepare(builder, root / 'prepared')
  return root, builder


class ExampleTest(tf.test.TestCase):
  def test_who_is_where(self):
    splits = _examples(_built()[1])
    self.assertEqual(list(splits['healthy']), ['sub-h0'])
    self.assertLen(splits['train'] | splits['test'], 6)
    self.assertIn('sub-n0', splits['test'])
    together = {'sub-p0_ses-01', 'sub-p0_ses-02'}
    self.assertIn(len(together & set(splits['train'])), (0, 2))

  def test_images_are_block_means_in_the_order_of_the_config(self):
    root, builder = _built()
    made = _examples(builder)['healthy']['sub-h0']['image']
    stored = prepared.PreparedFolder(root / 'prepared').load('sub-h0')[0]
    means = stored.reshape(16, 2, 16, 2, 4, 2, 2).mean((1, 3, 5))
    self.assertAllClose(made, means[..., ::-1], atol=1e-3)
    self.assertEqual(builder.info.metadata['contrasts'], ['ADC', 'DWI'])

  def test_labels_and_lesion(self):
    for examples in _examples(_built()[1]).values():
      for case_id, example in examples.items():
        self.assertAllEqual(np.unique(example['labels'][:8]), [2])
        self.assertAllEqual(np.unique(example['labels'][8:]), [1])
        has_lesion = case_id.startswith('sub-p') and case_id != 'sub-p0_ses-02'
        # One voxel of 12 x 12 x 32 mm is the eight of the folder.
        self.assertAllEqual(
          np.argwhere(example['lesion']), [[8, 8, 2]] if has_lesion else np.zeros((0, 3))
        )
        self.assertAllClose(example['lesion_volume_ml'], 4.608 if has_lesion else 0.0)

  def test_provenance(self):
    example = _examples(_built()[1])['healthy']['sub-h0']
    self.assertEqual(
      json.loads(example['provenance']),
      {
        'source': 'bids',
        'preparation': '1.0.0',
        'registration': 'none',
        'labels_from': 'template',
        'subject': 'sub-h0',
        'case_id': 'sub-h0',
        'group': 'healthy',
      },
    )

  def test_a_small_lesion_stays(self):
    root = Path(self.get_temp_dir())
    folder = write_folder(root / 'prepared', cohort(2))
    fraction = np.zeros(FINE.shape, np.float32)
    fraction[3, 4, 5] = 0.25  # A 32nd of the voxel of the data set.
    image, labels, _, sidecar = folder.load('sub-p0')
    folder.write_case('sub-p0', image, labels, fraction, sidecar)
    builder = _builder(root / 'data')
    _prepare(builder, root / 'prepared')
    splits = _examples(builder)
    lesion = (splits['train'] | splits['test'])['sub-p0']['lesion']
    self.assertAllEqual(np.argwhere(lesion), [[1, 2, 2]])


class SplitTest(tf.test.TestCase):
  def test_without_healthy_subjects_there_is_no_such_split(self):
    root = Path(self.get_temp_dir())
    write_folder(root / 'prepared', cohort(3))
    builder = _builder(root / 'data')
    _prepare(builder, root / 'prepared')
    self.assertEqual(
      {k: v.num_examples for k, v in builder.info.splits.items()}, {'train': 2, 'test': 1}
    )

  def test_no_subject_to_train(self):
    root = Path(self.get_temp_dir())
    write_folder(root / 'prepared', cohort(1, 2))
    with self.assertRaisesRegex(InputError, 'no subject is left for the split train'):
      _prepare(_builder(root / 'data'), root / 'prepared')
    self.assertFalse(list((root / 'data').rglob('*.tfrecord*')))

  def test_half_of_the_negatives_of_soop_are_healthy(self):
    root = Path(self.get_temp_dir())
    write_folder(root / 'prepared', cohort(2, 4), source='soop')
    builder = _builder(root / 'data', module=soop)
    _prepare(builder, root / 'prepared')
    counts = {k: v.num_examples for k, v in builder.info.splits.items()}
    self.assertEqual(counts, {'healthy': 2, 'train': 1, 'test': 3})


class LeftOutTest(tf.test.TestCase):
  def setUp(self):
    super().setUp()
    self.root = Path(self.get_temp_dir())
    suspicious = participant('sub-p1', POSITIVE, status=SUSPICIOUS)
    self.cases = [participant('sub-p0'), suspicious, participant('sub-p2'), participant('sub-p3')]
    self.folder = write_folder(self.root / 'prepared', self.cases)

  def build(self, **fields) -> tfds.core.DatasetBuilder:
    builder = _builder(self.root / 'data', **fields)
    _prepare(builder, self.root / 'prepared')
    return builder

  def built(self, **fields) -> set[str]:
    splits = _examples(self.build(**fields))
    return {case_id for examples in splits.values() for case_id in examples}

  def test_excluded_and_suspicious_cases(self):
    self.assertEqual(self.built(), {'sub-p0', 'sub-p1', 'sub-p2', 'sub-p3'})
    self.assertEqual(self.built(exclude=['sub-p2']), {'sub-p0', 'sub-p1', 'sub-p3'})
    self.assertEqual(self.built(with_suspicious=False), {'sub-p0', 'sub-p2', 'sub-p3'})

  def test_the_others_stay_in_their_splits(self):
    everyone = _examples(self.build(test_share=0.5))
    for case_id in ('sub-p0', 'sub-p1', 'sub-p2', 'sub-p3'):
      left = _examples(self.build(test_share=0.5, exclude=[case_id]))
      for split, examples in everyone.items():
        self.assertEqual(set(left.get(split, ())), set(examples) - {case_id})

  def test_nobody_left(self):
    with self.assertRaisesRegex(InputError, 'the config leaves out all cases'):
      self.build(exclude=[case.case_id for case in self.cases])

  def test_suspicious_cases_are_told_of(self):
    with self.assertLogs('absl', 'WARNING') as caught:
      self.build()
    self.assertIn('1 of 4 cases are suspicious', caught.output[-1])

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


class ReuseTest(tf.test.TestCase):
  def test_a_set_is_named_by_config_and_folder(self):
    root = Path(self.get_temp_dir())
    found = []
    for i, (seed, fields) in enumerate(((0, {}), (0, {}), (1, {}), (0, {'test_share': 0.4}))):
      write_folder(root / f'prepared{i}', cohort(3), seed=seed)
      builder = _builder(root / f'data{i}', **fields)
      _prepare(builder, root / f'prepared{i}')
      found.append(builder.info.metadata['fingerprint'])
    self.assertEqual(found[0], found[1])
    self.assertLen(set(found), 3)

  def test_same_folder_and_no_folder_are_fine_and_another_folder_is_refused(self):
    root, builder = _built()
    config = builder.builder_config
    stored = builder.info.metadata['fingerprint']
    again = bids_stroke.Builder(config=config, data_dir=str(root / 'data'))
    _prepare(again, root / 'prepared')
    again.download_and_prepare()
    self.assertEqual(again.info.metadata['fingerprint'], stored)
    write_folder(root / 'other', cohort(3), contrasts=('dwi', 'adc'), seed=5)
    with self.assertRaisesRegex(
      InputError, f'fingerprint {stored}, expected .* made from .*other;'
    ) as caught:
      _prepare(bids_stroke.Builder(config=config, data_dir=str(root / 'data')), root / 'other')
    self.assertNotIn('\n', str(caught.exception))

  def test_a_changed_group_is_another_folder(self):
    root = Path(self.get_temp_dir())
    folder = write_folder(root / 'prepared', cohort(3, 1))
    builder = _builder(root / 'data')
    _prepare(builder, root / 'prepared')
    folder.write_tables([*cohort(3), participant('sub-n0', HEALTHY)], [])
    with self.assertRaisesRegex(InputError, 'holds data of fingerprint'):
      _prepare(builder, root / 'prepared')

  def test_another_config_under_the_same_name_is_refused(self):
    root = Path(self.get_temp_dir())
    write_folder(root / 'prepared', cohort(3))
    builder = _builder(root / 'data')
    _prepare(builder, root / 'prepared')
    other = prepared.PreparedConfig.built_in(builder.builder_config.name, '', grid=TINY, seed=1)
    with self.assertRaisesRegex(InputError, f'expected {other.fingerprint}'):
      bids_stroke.Builder(config=other, data_dir=str(root / 'data'))

  def test_overwriting_takes_the_new_folder(self):
    root = Path(self.get_temp_dir())
    for name, seed in (('one', 0), ('two', 1)):
      write_folder(root / name, cohort(3), seed=seed)
    builder = _builder(root / 'data')
    _prepare(builder, root / 'one')
    first = builder.info.metadata['fingerprint']
    config = tfds.download.DownloadConfig(
      manual_dir=str(root / 'two'), download_mode=tfds.GenerateMode.REUSE_CACHE_IF_EXISTS
    )
    builder.download_and_prepare(download_config=config)
    opened = tfds.builder_from_directory(builder.data_dir)
    self.assertNotEqual(opened.info.metadata['fingerprint'], first)

  def test_opens_as_a_source_without_the_folder(self):
    root, builder = _built()
    name = f'bids_stroke/{builder.builder_config.name}'
    (source,) = open_sources([f'{name}:train'], str(root / 'data'), build=False)
    self.assertEqual(source.n_examples, builder.info.splits['train'].num_examples)
    self.assertEqual(source.metadata['fingerprint'], builder.info.metadata['fingerprint'])


class RefusedFolderTest(tf.test.TestCase):
  def assertRefused(self, message: str, folder: Path, **fields) -> None:
    builder = _builder(tfds.testing.make_tmp_dir(), **fields)
    with self.assertRaisesRegex(InputError, message) as caught:
      _prepare(builder, folder)
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
      {'with_suspicious': False},
    )
    names = {prepared.PreparedConfig(**{'grid': TINY, **change}).name for change in ({}, *changes)}
    self.assertLen(names, 8)
    for name in names:
      self.assertRegex(name, '^custom-[0-9a-f]{12}$')

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
