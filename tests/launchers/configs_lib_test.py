import subprocess
import sys
from pathlib import Path

import gin
import tensorflow as tf
from absl.testing import parameterized
from gin import config as gin_config

from launchers import gin_files, gin_parameters
from launchers.configs_lib import text_of
from launchers.packaged_gin import packaged_files
from stroke_tfds.errors import InputError

_ALL = sorted(packaged_files())


@gin.configurable
def documented(workdir, first, second=2, third=gin.REQUIRED, fourth=gin.REQUIRED):
  """Has parameters.

  Args:
    workdir: Not by gin.
    first: Has no default.
    second: Goes on
      in the next line: so.
    third: Last.

  Returns:
    fourth: Not an argument.
  """
  return workdir, first, second, third, fourth


class ParametersTest(tf.test.TestCase):
  def test_defaults_and_lines_of_the_docstring(self):
    second, third, fourth = gin_parameters.parameters_of(documented)
    self.assertEqual((second.name, second.shown), ('second', '2'))
    self.assertEqual(second.text, 'Goes on in the next line: so.')
    self.assertEqual((third.shown, third.text), ('required', 'Last.'))
    self.assertEqual(fourth.text, '')
    self.assertIn('documented.second = 2\n      Goes on in', gin_parameters.help_of('documented'))
    self.assertEqual(gin_parameters.help_of('unknown_to_gin'), '')


class TextTest(tf.test.TestCase, parameterized.TestCase):
  def tearDown(self):
    gin.clear_config()
    super().tearDown()

  def test_what_is_set_and_what_is_not(self):
    lines = text_of('pix2pix10_mini.gin').splitlines()
    self.assertIn('Pix2Pix.l1_weight = 10.0', lines)
    self.assertIn('train_itm.epochs = 20  # Epochs in all.', lines)
    self.assertIn('# train_itm.seed = 0  # Of weights, order and dropout.', lines)
    self.assertIn("clinical = ['phantom_stroke/mini:train']", lines)
    self.assertTrue(any(line.startswith('# hardware.precision = ') for line in lines))
    self.assertTrue(any(line.startswith('generator/Adam.learning_rate = ') for line in lines))

  @parameterized.parameters(_ALL)
  def test_says_the_same_as_the_file(self, name):
    """What it prints, read as gin, binds what the file binds."""
    text = text_of(name)
    gin_files.parse_gin([name], [], is_part=True)
    expected = _bound()
    gin.clear_config()
    gin.parse_config(text)
    self.assertEqual(_bound(), expected)

  def test_is_a_file_that_its_program_reads(self):
    """Also where nothing else has imported what it names."""
    for name, program in (('pix2pix10_mini.gin', 'train_itm'), ('flow_mini.gin', 'train_itm')):
      file = Path(self.get_temp_dir()) / name
      file.write_text(text_of(name))
      code = f"""
from launchers import {program}_lib
from launchers.gin_files import parse_gin
parse_gin([{str(file)!r}], [])
"""
      done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=False)
      self.assertEqual(done.returncode, 0, done.stderr[-2000:])

  def test_refuses_what_is_no_file(self):
    with self.assertRaisesRegex(InputError, "gin file 'pix2pix10_nimi.gin': not there"):
      text_of('pix2pix10_nimi.gin')


def _bound() -> dict:
  """All that gin has values for."""
  return {key: {n: repr(v) for n, v in values.items()} for key, values in gin_config._CONFIG.items()}


if __name__ == '__main__':
  tf.test.main()
