import errno
import hashlib
import os
from pathlib import Path
from unittest import mock

import tensorflow as tf
import tensorflow_datasets as tfds

from stroke_tfds.errors import InputError
from stroke_tfds.preparation import files


class FilesTest(tf.test.TestCase):
  def setUp(self):
    super().setUp()
    self.path = Path(tfds.testing.make_tmp_dir()) / 'folder' / 'table.tsv'

  def test_json_has_sorted_keys(self):
    files.write_json(self.path, {'b': 1, 'a': [2]})
    self.assertEqual(self.path.read_text(), '{\n  "a": [\n    2\n  ],\n  "b": 1\n}\n')
    self.assertEqual(files.sha256(self.path), hashlib.sha256(self.path.read_bytes()).hexdigest())

  def test_an_error_leaves_the_former_file_and_nothing_else(self):
    files.write_text(self.path, 'former')
    for number, words in ((errno.ENOSPC, 'disk full'), (errno.EACCES, 'Permission denied')):
      error = OSError(number, os.strerror(number))
      with mock.patch.object(os, 'replace', side_effect=error):
        with self.assertRaisesRegex(InputError, f'table.tsv: cannot be written: {words}'):
          files.write_text(self.path, 'new')
    self.assertEqual(self.path.read_text(), 'former')
    self.assertEqual(os.listdir(self.path.parent), ['table.tsv'])

  def test_versions(self):
    self.assertRegex(files.package_version('numpy'), r'^1\.\d+\.\d+')
    self.assertEqual(files.package_version('no-such-package'), 'not installed')


if __name__ == '__main__':
  tf.test.main()
