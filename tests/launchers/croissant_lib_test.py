"""Metadata beside a built set: mlcroissant finds no error in them, and they say what the set holds."""

import hashlib
import json
import re
from pathlib import Path

import mlcroissant as mlc
import tensorflow as tf
import tensorflow_datasets as tfds

from launchers.croissant_lib import write_croissant
from stroke_tfds.errors import InputError
from stroke_tfds.label_schemes import ASEG28
from tests import slice_sets, tiny


class CroissantTest(tf.test.TestCase):
  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    cls.data_dir = tfds.testing.make_tmp_dir()
    counts = {'n_healthy': 1, 'n_train': 1, 'n_test': 1, 'n_test_negative': 0}
    cls.name = tiny.build_phantom(cls.data_dir, **counts)
    cls.path = write_croissant(cls.name, cls.data_dir)
    cls.dataset = mlc.Dataset(cls.path)
    cls.metadata = cls.dataset.metadata

  def test_it_is_valid_and_lies_in_the_folder_of_the_set(self):
    self.assertEqual(self.path, Path(self.data_dir) / self.name / '3.0.0' / 'croissant.json')
    # Only where the set is published that is known.
    (warning,) = self.metadata.ctx.issues.warnings
    self.assertIn('datePublished', warning)
    self.assertEqual(self.metadata.license, ['https://spdx.org/licenses/Apache-2.0'])
    self.assertNotIn(self.data_dir, self.path.read_text('utf-8'))

  def test_files_have_the_checksums_of_what_is_there(self):
    beside = {path.name for path in self.path.parent.iterdir()} - {self.path.name}
    files = {file.name: file for file in self.metadata.file_objects}
    self.assertEqual(set(files), beside)
    for name, file in files.items():
      content = (self.path.parent / file.content_url).read_bytes()
      self.assertEqual(file.sha256, hashlib.sha256(content).hexdigest())
      self.assertEqual(file.content_size, f'{len(content)} B')
      self.assertEqual('tfrecord' in file.encoding_formats[0], 'tfrecord' in name)

  def test_splits_and_structures_can_be_read(self):
    splits = {row['splits/name']: row['splits/n_cases'] for row in self.dataset.records('splits')}
    self.assertEqual(splits, {'healthy': 1, 'test': 1, 'train': 1})
    names = [row['structures/name'] for row in self.dataset.records('structures')]
    self.assertSequenceEqual(names, ASEG28.names)

  def test_refuses_a_set_of_which_a_file_is_missing(self):
    shard = next(self.path.parent.glob('*test.tfrecord*'))
    away = shard.rename(Path(self.data_dir) / shard.name)
    with self.assertRaisesRegex(InputError, f'{shard.name}: not there, expected all files of phantom'):
      write_croissant(self.name, self.data_dir)
    away.rename(shard)

  def test_fields_are_those_of_an_example(self):
    builder = tfds.builder(self.name, data_dir=self.data_dir)
    example = next(iter(tfds.as_numpy(builder.as_dataset(split='train'))))
    (cases,) = (one for one in self.metadata.record_sets if one.id == 'cases')
    fields = {field.name: field for field in cases.fields}
    self.assertEqual(set(fields), {*example, 'split'})
    for name in ('image', 'labels', 'lesion'):
      self.assertEqual(fields[name].array_shape_tuple, example[name].shape)
      kind = {'float16': mlc.DataType.FLOAT16, 'uint8': mlc.DataType.UINT8}[example[name].dtype.name]
      self.assertEqual(list(map(str, fields[name].data_types)), [str(kind)])
    (shards,) = self.metadata.file_sets
    found = [path for glob in shards.includes for path in self.path.parent.glob(glob)]
    self.assertLen(found, 3)
    (transform,) = fields['split'].source.transforms
    splits = {re.sub(transform.regex, r'\1', path.name) for path in found}
    self.assertEqual(splits, {'healthy', 'test', 'train'})

  def test_the_same_bytes_again_and_what_is_not_built(self):
    before = self.path.read_bytes()
    self.assertEqual(write_croissant(self.name, self.data_dir).read_bytes(), before)
    self.assertEqual(json.loads(before)['name'], f'{self.name}-3.0.0'.replace('/', '-'))
    with self.assertRaisesRegex(InputError, 'phantom_stroke/mini. is not built'):
      write_croissant('phantom_stroke/mini', self.data_dir)


class SlicesTest(slice_sets.SlicesCase):
  def test_of_slices(self):
    builder = self.builder()
    made = self.examples(builder)
    path = write_croissant(f'synthetic_slices/{builder.builder_config.name}', str(self.root / 'data'))
    dataset = mlc.Dataset(path)
    (split,) = dataset.records('splits')
    self.assertEqual(split['splits/n_slices'], len(made))
    names = [row['classes/name'] for row in dataset.records('classes')]
    self.assertSequenceEqual(names, tiny.JOINT_CLASSES)


if __name__ == '__main__':
  tf.test.main()
