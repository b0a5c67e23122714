import functools
import json
from pathlib import Path

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from stroke_tfds import prepared
from stroke_tfds.bids_stroke import bids_stroke_dataset_builder as bids_stroke
from stroke_tfds.errors import InputError
from stroke_tfds.imaging.mni152 import brain_tissue
from stroke_tfds.preparation.folder import PreparedFolder
from stroke_tfds.preparation.tables import HEALTHY, NEGATIVE, SUSPICIOUS
from stroke_tfds.soop import soop_dataset_builder as soop
from stroke_tfds.sources import open_sources
from tests.prepared_builder import build, examples_by_split, make_builder
from tests.prepared_folder import FINE, TINY, cohort, participant, write_folder


@functools.cache
def _built() -> tuple[Path, tfds.core.DatasetBuilder]:
  """A folder with two contrasts, and the data set made from it."""
  root = Path(tfds.testing.make_tmp_dir())
  cases = [*cohort(4, 1), participant('sub-h0', HEALTHY), participant('sub-p0_ses-02', NEGATIVE)]
  cases[0] = participant('sub-p0_ses-01')
  write_folder(root / 'prepared', cases, contrasts=('dwi', 'adc'))
  builder = make_builder(root / 'data', contrasts=['ADC', 'dwi'])
  build(builder, root / 'prepared')
  return root, builder


class ExampleTest(tf.test.TestCase):
  def test_who_is_where(self):
    splits = examples_by_split(_built()[1])
    self.assertEqual(list(splits['healthy']), ['sub-h0'])
    self.assertLen(splits['train'] | splits['test'], 6)
    self.assertIn('sub-n0', splits['test'])
    together = {'sub-p0_ses-01', 'sub-p0_ses-02'}
    self.assertIn(len(together & set(splits['train'])), (0, 2))

  def test_images_are_block_means_in_the_order_of_the_config(self):
    root, builder = _built()
    made = examples_by_split(builder)['healthy']['sub-h0']['image']
    stored = prepared.PreparedFolder(root / 'prepared').load('sub-h0')[0]
    means = stored.reshape(16, 2, 16, 2, 4, 2, 2).mean((1, 3, 5))
    self.assertAllClose(made, means[..., ::-1], atol=1e-3)
    self.assertEqual(builder.info.metadata['contrasts'], ['ADC', 'DWI'])

  def test_labels_and_lesion(self):
    for examples in examples_by_split(_built()[1]).values():
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
    example = examples_by_split(_built()[1])['healthy']['sub-h0']
    self.assertEqual(
      json.loads(example['provenance']),
      {
        'source': 'bids',
        'preparation': '1.1.0',
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
    builder = make_builder(root / 'data')
    build(builder, root / 'prepared')
    splits = examples_by_split(builder)
    lesion = (splits['train'] | splits['test'])['sub-p0']['lesion']
    self.assertAllEqual(np.argwhere(lesion), [[1, 2, 2]])


class ScalingTest(tf.test.TestCase):
  def test_is_that_of_the_folder_and_measured_on_the_grid_of_the_set(self):
    root, grids = Path(self.get_temp_dir()), {'tiny': TINY, 'fine': FINE.to_json()}
    write_folder(root / 'prepared', cohort(2), scaling='parenchyma_median')
    for name, grid in grids.items():
      builder = make_builder(root / 'data', name=name, grid=grid)
      build(builder, root / 'prepared')
      stored = f'bids_stroke/{builder.builder_config.name}'
      [source] = open_sources([f'{stored}:train'], str(root / 'data'))
      self.assertEqual(source.intensity_scaling, 'parenchyma_median')
      made = next(source.examples().as_numpy_iterator())
      image, tissue = made['image'][..., 0].astype(np.float32), brain_tissue(source.grid)
      if name == 'tiny':
        self.assertAllClose(np.median(image[tissue]), 0.4, atol=1e-3)
      else:  # The folder's own: nothing is scaled again.
        kept = PreparedFolder(root / 'prepared').load(made['subject_id'].decode())[0][..., 0]
        self.assertAllClose(image, kept, atol=1e-3)

  def test_another_folder_for_the_same_set(self):
    root = Path(self.get_temp_dir())
    write_folder(root / 'one', cohort(2))
    write_folder(root / 'other', cohort(2), scaling='parenchyma_median')
    build(make_builder(root / 'data'), root / 'one')
    with self.assertRaisesRegex(InputError, 'holds data of fingerprint'):
      build(make_builder(root / 'data'), root / 'other')


class SplitTest(tf.test.TestCase):
  def test_without_healthy_subjects_there_is_no_such_split(self):
    root = Path(self.get_temp_dir())
    write_folder(root / 'prepared', cohort(3))
    builder = make_builder(root / 'data')
    build(builder, root / 'prepared')
    self.assertEqual(
      {k: v.num_examples for k, v in builder.info.splits.items()}, {'train': 2, 'test': 1}
    )

  def test_no_subject_to_train(self):
    root = Path(self.get_temp_dir())
    write_folder(root / 'prepared', cohort(1, 2))
    with self.assertRaisesRegex(InputError, 'no subject is left for the split train'):
      build(make_builder(root / 'data'), root / 'prepared')
    self.assertFalse(list((root / 'data').rglob('*.tfrecord*')))

  def test_signs_of_a_stroke_keep_negatives_out_of_healthy(self):
    root = Path(self.get_temp_dir())
    cases = cohort(2, 4)
    flagged = [participant(case.case_id, NEGATIVE, status=SUSPICIOUS) for case in cases[2:]]
    folder = write_folder(root / 'prepared', [*cases[:2], *flagged], source='soop')
    for case in flagged:
      image, labels, _, sidecar = folder.load(case.case_id)
      sidecar['quality'] = {'stroke_without_mask': 1.0}
      folder.write_case(case.case_id, image, labels, None, sidecar)
    for fields, expected in (
      ({}, {'train': 1, 'test': 1}),
      ({'with_suspicious': True}, {'train': 1, 'test': 5}),
    ):
      builder = make_builder(root / 'data', module=soop, **fields)
      build(builder, root / 'prepared')
      self.assertEqual({k: v.num_examples for k, v in builder.info.splits.items()}, expected)

  def test_half_of_the_negatives_of_soop_are_healthy(self):
    root = Path(self.get_temp_dir())
    write_folder(root / 'prepared', cohort(2, 4), source='soop')
    builder = make_builder(root / 'data', module=soop)
    build(builder, root / 'prepared')
    counts = {k: v.num_examples for k, v in builder.info.splits.items()}
    self.assertEqual(counts, {'healthy': 2, 'train': 1, 'test': 3})


class ReuseTest(tf.test.TestCase):
  def test_a_set_is_named_by_config_and_folder(self):
    root = Path(self.get_temp_dir())
    found = []
    for i, (seed, fields) in enumerate(((0, {}), (0, {}), (1, {}), (0, {'test_share': 0.4}))):
      write_folder(root / f'prepared{i}', cohort(3), seed=seed)
      builder = make_builder(root / f'data{i}', **fields)
      build(builder, root / f'prepared{i}')
      found.append(builder.info.metadata['fingerprint'])
    self.assertEqual(found[0], found[1])
    self.assertLen(set(found), 3)

  def test_same_folder_and_no_folder_are_fine_and_another_folder_is_refused(self):
    root, builder = _built()
    config = builder.builder_config
    stored = builder.info.metadata['fingerprint']
    again = bids_stroke.Builder(config=config, data_dir=str(root / 'data'))
    build(again, root / 'prepared')
    again.download_and_prepare()
    self.assertEqual(again.info.metadata['fingerprint'], stored)
    write_folder(root / 'other', cohort(3), contrasts=('dwi', 'adc'), seed=5)
    with self.assertRaisesRegex(
      InputError, f'fingerprint {stored}, expected .* made from .*other;'
    ) as caught:
      build(bids_stroke.Builder(config=config, data_dir=str(root / 'data')), root / 'other')
    self.assertNotIn('\n', str(caught.exception))

  def test_a_changed_group_is_another_folder(self):
    root = Path(self.get_temp_dir())
    folder = write_folder(root / 'prepared', cohort(3, 1))
    builder = make_builder(root / 'data')
    build(builder, root / 'prepared')
    folder.write_tables([*cohort(3), participant('sub-n0', HEALTHY)], [])
    with self.assertRaisesRegex(InputError, 'holds data of fingerprint'):
      build(builder, root / 'prepared')

  def test_another_config_under_the_same_name_is_refused(self):
    root = Path(self.get_temp_dir())
    write_folder(root / 'prepared', cohort(3))
    builder = make_builder(root / 'data')
    build(builder, root / 'prepared')
    other = prepared.PreparedConfig.built_in(builder.builder_config.name, '', grid=TINY, seed=1)
    with self.assertRaisesRegex(InputError, f'expected {other.fingerprint}'):
      bids_stroke.Builder(config=other, data_dir=str(root / 'data'))

  def test_overwriting_takes_the_new_folder(self):
    root = Path(self.get_temp_dir())
    for name, seed in (('one', 0), ('two', 1)):
      write_folder(root / name, cohort(3), seed=seed)
    builder = make_builder(root / 'data')
    build(builder, root / 'one')
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


if __name__ == '__main__':
  tf.test.main()
