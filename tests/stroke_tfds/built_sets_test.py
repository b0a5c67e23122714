"""Data sets of strangers are looked at before TFDS imports what they name."""

import json
import pathlib
import sys
from unittest import mock

import tensorflow as tf
import tensorflow_datasets as tfds
from absl.testing import parameterized

from stroke_tfds import sources
from stroke_tfds.errors import InputError
from tests import tiny


class StrangersSetTest(parameterized.TestCase, tf.test.TestCase):
  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    cls.built = pathlib.Path(tfds.testing.make_tmp_dir())
    counts = {'n_healthy': 1, 'n_train': 1, 'n_test': 1, 'n_test_negative': 0}
    cls.name = tiny.build_phantom(str(cls.built), **counts).replace('phantom_stroke', 'strangers_set')
    (cls.built / 'phantom_stroke').rename(cls.built / 'strangers_set')
    for info in cls.built.rglob('dataset_info.json'):
      info.write_text(json.dumps({**json.loads(info.read_text()), 'name': 'strangers_set'}))

  def setUp(self):
    super().setUp()
    self.ran = self.built / 'ran'
    (self.built / 'of_a_stranger.py').write_text(f'open({str(self.ran)!r}, "w").write("x")')
    self.enter_context(mock.patch.object(sys, 'path', [str(self.built), *sys.path]))
    self.file = next(self.built.rglob('features.json'))
    before = self.file.read_text()
    self.addCleanup(lambda: self.file.write_text(before))
    self.features = json.loads(before)

  def tearDown(self):
    sys.modules.pop('of_a_stranger', None)
    self.ran.unlink(missing_ok=True)
    super().tearDown()

  def open(self):
    return sources.open_sources([f'{self.name}:train'], str(self.built), build=False)

  def assert_refused(self, pattern):
    with self.assertRaisesRegex(InputError, pattern) as caught:
      self.open()
    self.assertIn('features.json', str(caught.exception))
    self.assertNotIn('\n', str(caught.exception))
    self.assertFalse(self.ran.exists())

  def test_opens(self):
    self.assertEqual(self.open()[0].n_examples, 1)

  @parameterized.parameters('pythonClassName', 'python_class_name')
  def test_a_feature_of_another_module(self, key):
    image = self.features['featuresDict']['features']['image']
    image.pop('pythonClassName')
    image[key] = 'of_a_stranger.Tensor'
    self.file.write_text(json.dumps(self.features))
    self.assert_refused("'of_a_stranger.Tensor'")

  @parameterized.parameters(
    'of_a_stranger.X',
    'tensorflow_datasets.core.featuresx.X',
    'tensorflow_datasets.scripts.X',
    'os.path.X',
    'X',
  )
  def test_the_root(self, named):
    self.file.write_text(json.dumps({**self.features, 'pythonClassName': named}))
    self.assert_refused(f"'{named}'")

  def test_the_form_of_early_releases(self):
    self.file.write_text(json.dumps({'type': 'of_a_stranger.X', 'content': {}}))
    self.assert_refused("'of_a_stranger.X'")

  def test_another_version_or_config_of_it(self):
    """TFDS chooses among what is there."""
    for place in ('9.9.9', 'other/1.0.0'):
      other = self.built / 'strangers_set' / place / 'features.json'
      other.parent.mkdir(parents=True)
      other.write_text(json.dumps({'pythonClassName': 'of_a_stranger.X'}))
      self.assert_refused("'of_a_stranger.X'")
      other.unlink()
      other.parent.rmdir()

  def test_damaged(self):
    for content in ('', '{', '[' * 100_000, '{}' + ' ' * 2**24):
      self.file.write_text(content)
      self.assert_refused('expected')

  def test_other_files_of_it(self):
    info = self.file.with_name('dataset_info.json')
    before = info.read_text()
    self.addCleanup(lambda: info.write_text(before))
    info.write_text(before[:50])
    with self.assertRaisesRegex(InputError, 'dataset_info.json: damaged'):
      self.open()


if __name__ == '__main__':
  tf.test.main()
