import importlib.metadata
import sys
from pathlib import Path
from unittest import mock

import tensorflow as tf

from launchers import doctor


class DoctorTest(tf.test.TestCase):
  def test_python(self):
    self.assertEqual(doctor.python((3, 12, 1)).found, '3.12.1, modern stack')
    self.assertEqual(doctor.python((3, 10, 0)).found, '3.10.0, classic stack')
    for version in ((3, 9, 2), (3, 14, 0)):
      self.assertEqual(doctor.python(version).problem, 'expected 3.10 to 3.13')

  def test_needs(self):
    numpy = importlib.metadata.version('numpy')
    for text, expected in {
      'numpy': '',
      'numpy <1': f'numpy <1, found {numpy}',
      'nothing-of-this-name >=1': 'nothing-of-this-name is missing',
      'nothing-of-this-name; python_version < "3"': '',
      'nothing-of-this-name; extra == "gpu"': '',
    }.items():
      self.assertEqual(doctor.unmet_need(text), expected)

  def test_disk(self):
    for free_gib, n_problems in ((100, 0), (1, 1)):
      with mock.patch.object(doctor.shutil, 'disk_usage') as usage:
        usage.return_value.free = free_gib * 2**30
        self.assertEqual(bool(doctor.disk(Path('.')).problem), n_problems)

  def test_a_gpu_that_tensorflow_does_not_see(self):
    with mock.patch.object(doctor.shutil, 'which', return_value='/bin/nvidia-smi'):
      with mock.patch.object(tf.config, 'list_physical_devices', return_value=[]):
        stack, gpu = doctor.stack_and_gpu()
    self.assertIn(f'{tf.__version__} with Keras', stack.found)
    self.assertEqual(stack.problem, '')
    self.assertIn('keras-itm[gpu]', gpu.problem)

  def test_status_is_1_where_something_has_to_be_mended(self):
    fine, bad = doctor.Finding('a', '1'), doctor.Finding('b', '2', 'expected 3')
    for findings, status in (([fine], 0), ([fine, bad], 1)):
      with mock.patch.object(doctor, 'findings', return_value=findings):
        with mock.patch.object(sys, 'argv', ['doctor']):
          self.assertEqual(doctor.main(), status)

  def test_arguments(self):
    for argument, status in (('--help', 0), ('--bogus', 2), ('nonsense', 2)):
      with mock.patch.object(sys, 'argv', ['doctor', argument]):
        with self.assertRaises(SystemExit) as end:
          doctor.main()
      self.assertEqual(end.exception.code, status)


if __name__ == '__main__':
  tf.test.main()
