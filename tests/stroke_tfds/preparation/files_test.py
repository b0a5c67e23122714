import hashlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import tensorflow as tf
import tensorflow_datasets as tfds

from stroke_tfds.errors import InputError
from stroke_tfds.files import locked
from stroke_tfds.preparation import files


class FilesTest(tf.test.TestCase):
  def setUp(self):
    super().setUp()
    self.path = Path(tfds.testing.make_tmp_dir()) / 'folder' / 'table.tsv'

  def test_json_has_sorted_keys(self):
    files.write_json(self.path, {'b': 1, 'a': [2]})
    self.assertEqual(self.path.read_text(), '{\n  "a": [\n    2\n  ],\n  "b": 1\n}\n')
    self.assertEqual(files.sha256(self.path), hashlib.sha256(self.path.read_bytes()).hexdigest())

  def test_text_makes_its_folder(self):
    files.write_text(self.path, 'Größe\n')
    self.assertEqual(self.path.read_bytes(), 'Größe\n'.encode())
    with self.assertRaisesRegex(InputError, 'below: cannot be written .Not a directory'):
      files.write_text(self.path / 'below' / 'a.txt', '')

  def test_a_lock_has_one_holder_and_ends_with_its_program(self):
    files.write_text(self.path, '')
    refused = lambda: self.assertRaisesRegex(InputError, '^[^\n]*folder: another run writes there')
    with locked(self.path), refused(), locked(self.path):
      self.fail('held twice')
    code = 'import fcntl, sys, time; f = open(sys.argv[1], "r+b"); fcntl.flock(f, fcntl.LOCK_EX); '
    code += 'print("held", flush=True); time.sleep(60)'
    command = [sys.executable, '-c', code, str(self.path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as holder:
      self.assertEqual(holder.stdout.readline(), b'held\n')
      with refused(), locked(self.path):
        self.fail('held twice')
      os.kill(holder.pid, signal.SIGKILL)
    with locked(self.path):
      self.assertEqual(os.listdir(self.path.parent), ['table.tsv'])

  def test_versions(self):
    self.assertRegex(files.package_version('numpy'), r'^[12]\.\d+\.\d+')
    self.assertEqual(files.package_version('no-such-package'), 'not installed')


if __name__ == '__main__':
  tf.test.main()
