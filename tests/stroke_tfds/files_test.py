import errno
import os
from pathlib import Path
from unittest import mock

import tensorflow as tf
import tensorflow_datasets as tfds

from stroke_tfds import files
from stroke_tfds.errors import InputError


class WriteWholeTest(tf.test.TestCase):
  def setUp(self):
    super().setUp()
    self.path = Path(tfds.testing.make_tmp_dir()) / 'a.bin'

  def test_replaces(self):
    for content in (b'one', b'two'):
      files.write_whole(self.path, content)
      self.assertEqual(self.path.read_bytes(), content)
    self.assertEqual(os.listdir(self.path.parent), ['a.bin'])

  def test_an_error_leaves_the_former_file_and_nothing_else(self):
    files.write_whole(self.path, b'former')
    for number, words in (
      (errno.ENOSPC, 'disk full, expected room for the output'),
      (errno.EDQUOT, 'disk full, expected room for the output'),
      (errno.EIO, r'cannot be written \(Input/output error\), expected a folder that may be'),
    ):
      error = OSError(number, os.strerror(number), '/elsewhere')
      for owner, name in ((os, 'replace'), (Path, 'write_bytes')):
        with mock.patch.object(owner, name, side_effect=error):
          with self.assertRaisesRegex(InputError, f'^{self.path}: {words}[^\n]*$') as caught:
            files.write_whole(self.path, b'new')
          self.assertNotIn('elsewhere', str(caught.exception))
          with self.assertRaises(OSError):
            files.replace(self.path, b'new')
    self.assertEqual(self.path.read_bytes(), b'former')
    self.assertEqual(os.listdir(self.path.parent), ['a.bin'])

  def test_missing_folder(self):
    with self.assertRaisesRegex(InputError, r'cannot be written \(No such file or directory\)'):
      files.write_whole(self.path / 'absent' / 'b.bin', b'')


if __name__ == '__main__':
  tf.test.main()
