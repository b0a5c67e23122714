import dataclasses
import errno
import json
import time
from pathlib import Path
from unittest import mock

import tensorflow as tf
import tensorflow_datasets as tfds

from stroke_tfds import builder, fingerprints
from stroke_tfds.errors import InputError
from stroke_tfds.files import locked


@dataclasses.dataclass
class _Config(builder.StrictConfig):
  value: int = 1

  @property
  def fingerprint(self) -> str:
    return fingerprints.fingerprint({'value': self.value})


class _Builder(builder.StrictBuilder, skip_registration=True):
  VERSION = tfds.core.Version('1.0.0')
  BUILDER_CONFIGS = [_Config(name='one')]

  def _info(self):
    return tfds.core.DatasetInfo(
      builder=self,
      features=tfds.features.FeaturesDict({'value': tf.int64}),
      metadata=tfds.core.MetadataDict(fingerprint=self.builder_config.fingerprint),
    )

  def _split_generators(self, dl_manager):
    return {'train': self._generate_examples()}

  def _generate_examples(self):
    yield 0, {'value': self.builder_config.value}


class StrictConfigTest(tf.test.TestCase):
  def test_unknown_field_is_named(self):
    with self.assertRaisesRegex(InputError, r"'valeu' is unknown, expected some of .*'value'"):
      _Config(name='a', valeu=3)
    self.assertEqual(_Config(name='a', value=3).value, 3)

  def test_a_version_that_is_none_is_named(self):
    for version in ('x', 0.2, '1.0', {}):
      with self.assertRaisesRegex(InputError, 'version is .*, expected one such as'):
        _Config(name='a', version=version)
    self.assertEqual(_Config(name='a', version='1.0.0').version, '1.0.0')

  def test_custom_names_end_in_the_fingerprint_and_built_in_ones_do_not(self):
    config = _Config(value=4)
    config.complete_name()
    self.assertEqual(config.name, f'custom-{config.fingerprint}')
    config = _Config(name='mine', value=4)
    config.complete_name()
    self.assertEqual(config.name, f'mine-{config.fingerprint}')
    config = _Config.built_in('mini', 'Small.', value=5)
    self.assertEqual((config.name, config.description, config.value), ('mini', 'Small.', 5))

  def test_checks_of_fields(self):
    for name in ('', 'a_1.b-c', 'a' * 100):
      _Config(name=name).check_name()
    for name in ('a/b', '..%', 'a b', 3, 'a' * 101, 'a' * 300):
      with self.subTest(name), self.assertRaisesRegex(InputError, f'name is {name!r}'):
        _Config(name=name).check_name()
    _Config(value=2).check_count('value', 2)
    for value in (1, 2.0, True, '2', None):
      with self.subTest(value), self.assertRaisesRegex(InputError, f'value is {value!r}, .* from 2'):
        _Config(value=value).check_count('value', 2)


class StrictBuilderTest(tf.test.TestCase):
  def test_reuses_its_own_folder_and_refuses_another_config_under_its_name(self):
    data_dir = self.get_temp_dir()
    made = _Builder(data_dir=data_dir, config=_Config(name='custom', value=2))
    made.download_and_prepare()
    again = _Builder(data_dir=data_dir, config=_Config(name='custom', value=2))
    self.assertTrue(again.is_prepared())
    with self.assertRaisesRegex(InputError, 'custom.*holds data of fingerprint') as caught:
      _Builder(data_dir=data_dir, config=_Config(name='custom', value=3))
    self.assertIn(made.builder_config.fingerprint, str(caught.exception))

  def test_refuses_a_folder_without_a_fingerprint(self):
    data_dir = self.get_temp_dir()
    made = _Builder(data_dir=data_dir, config=_Config(name='old', value=2))
    made.download_and_prepare()
    (Path(made.data_path) / 'metadata.json').write_text(json.dumps({'fingerprint': 'none'}))
    with self.assertRaisesRegex(InputError, 'fingerprint none'):
      _Builder(data_dir=data_dir, config=_Config(name='old', value=2))


class OneBuildTest(tf.test.TestCase):
  def setUp(self):
    super().setUp()
    self.data_dir = Path(self.get_temp_dir())
    self.builder = _Builder(data_dir=str(self.data_dir), config=_Config(name='a', value=2))

  def test_what_a_killed_build_left_is_cleared_and_other_sets_stay(self):
    left = self.data_dir / self.builder.name / 'a' / 'incomplete.ABC123_1.0.0'
    other = self.data_dir / self.builder.name / 'b' / 'incomplete.ABC123_1.0.0'
    for folder in (left, other):
      folder.mkdir(parents=True)
      (folder / 'half').touch()
    self.builder.download_and_prepare()
    self.assertEqual((left.exists(), other.exists()), (False, True))
    self.assertLen(list(self.builder.as_dataset(split='train')), 1)

  def test_refuses_to_build_what_another_program_builds(self):
    (self.data_dir / 'downloads').mkdir()
    with locked(self.data_dir / 'downloads' / f'.{self.builder.name}-a.lock'):
      with self.assertRaisesRegex(InputError, '^[^\n]*another run writes there[^\n]*$'):
        self.builder.download_and_prepare()
      self.assertFalse(Path(self.builder.data_path).exists())
    self.builder.download_and_prepare()
    self.assertTrue(self.builder.is_prepared())

  def test_a_full_disk_is_one_line_and_leaves_no_set(self):
    full = tf.errors.ResourceExhaustedError(None, None, 'x.tfrecord; No space left on device')
    for error in (OSError(errno.ENOSPC, 'No space', 'x'), full, OSError(errno.EROFS, 'ro', 'x')):
      with mock.patch.object(_Builder, '_generate_examples', side_effect=error):
        with self.assertRaisesRegex(InputError, 'disk full: x|x: Read-only file system'):
          self.builder.download_and_prepare()
      self.assertFalse(self.builder.is_prepared())
    with mock.patch.object(_Builder, '_generate_examples', side_effect=OSError('odd')):
      with self.assertRaisesRegex(OSError, 'odd'):
        self.builder.download_and_prepare()


class MapInOrderTest(tf.test.TestCase):
  def test_order_of_the_items_whatever_takes_long(self):
    def make(item: int) -> int:
      time.sleep(0.02 if item % 3 == 0 else 0)
      return 10 * item

    self.assertEqual(list(builder.map_in_order(make, range(20))), [10 * i for i in range(20)])
    self.assertEmpty(list(builder.map_in_order(make, [])))

  def test_only_a_few_are_made_ahead(self):
    started = []
    made = builder.map_in_order(started.append, range(1000))
    next(made)
    self.assertLess(len(started), 20)

  def test_an_error_is_passed_on(self):
    with self.assertRaisesRegex(ZeroDivisionError, 'division'):
      list(builder.map_in_order(lambda item: 1 // item, [1, 0, 1]))


if __name__ == '__main__':
  tf.test.main()
