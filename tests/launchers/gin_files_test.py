"""Gin files: found, refused where they could run what is not ours, read."""

import os
import sys
import tempfile
from pathlib import Path
from unittest import mock

import gin
import tensorflow as tf
from absl import flags
from absl.testing import flagsaver, parameterized

from launchers import gin_files, stages, train_unet_lib  # noqa: F401
from stroke_tfds.errors import InputError
from tests.launchers import gin_testing


class ParseGinTest(gin_testing.GinTestCase):
  def test_finds_a_packaged_file_by_bare_name_and_overrides_it(self):
    gin_files.parse_gin(['unet_mini.gin'], ['train_unet.epochs = 7'])
    self.assertEqual(gin.query_parameter('train_unet.epochs'), 7)
    self.assertEqual(gin.query_parameter('train_unet.batch_size'), 2)

  def test_reads_a_file_of_the_user(self):
    path = Path(self.get_temp_dir()) / 'mine.gin'
    path.write_text("include 'unet_mini.gin'\ntrain_unet.seed = 11\n")
    gin_files.parse_gin([str(path)], [])
    self.assertEqual(gin.query_parameter('train_unet.seed'), 11)

  def test_is_not_misled_by_folders_of_the_user(self):
    folder = Path(self.get_temp_dir()) / 'home'
    (folder / 'models').mkdir(parents=True)
    with mock.patch.object(sys, 'path', [str(folder), *sys.path]):
      gin_files.parse_gin(['unet_mini.gin'], [])
    self.assertEqual(gin.query_parameter('train_unet.epochs'), 12)

  def test_names_an_unknown_parameter(self):
    with self.assertRaisesRegex(InputError, 'train_unet.*epoks'):
      gin_files.parse_gin(['unet_mini.gin'], ['train_unet.epoks = 7'])

  def test_names_an_unknown_configurable(self):
    with self.assertRaisesRegex(InputError, 'train_nothing'):
      gin_files.parse_gin([], ['train_nothing.epochs = 7'])

  def test_names_a_missing_file(self):
    with self.assertRaisesRegex(InputError, 'no_such_file.gin'):
      gin_files.parse_gin(['no_such_file.gin'], [])

  def test_names_a_syntax_error(self):
    with self.assertRaisesRegex(InputError, 'gin configuration'):
      gin_files.parse_gin([], ['train_unet.epochs = '])


class ImportsTest(parameterized.TestCase, tf.test.TestCase):
  def setUp(self):
    super().setUp()
    gin.clear_config()
    self.folder = Path(tempfile.mkdtemp(dir=self.get_temp_dir()))
    self.ran = self.folder / 'ran'
    (self.folder / 'of_a_stranger.py').write_text(f'open({str(self.ran)!r}, "w").write("x")')
    self.enter_context(mock.patch.object(sys, 'path', [str(self.folder), *sys.path]))

  def tearDown(self):
    gin.clear_config()
    sys.modules.pop('of_a_stranger', None)
    super().tearDown()

  def write(self, name, *lines):
    (self.folder / name).write_text('\n'.join(lines) + '\n')
    return str(self.folder / name)

  def assert_refused(self, pattern, files=(), bindings=()):
    """In one line, before any module is imported."""
    with self.assertRaisesRegex(InputError, pattern) as caught:
      gin_files.parse_gin(list(files), list(bindings))
    self.assertNotIn('\n', str(caught.exception))
    self.assertFalse(self.ran.exists())

  @parameterized.parameters(
    'import of_a_stranger',
    'import of_a_stranger as keras_itm',
    'from of_a_stranger import x',
    'from of_a_stranger import x as y',
    'import subprocess',
    'import keras_itm_of_a_stranger',
    'import launchersx.app',
    'from __gin__ import dynamic_registration',
    'import __gin__',
    'import gin.tf.external_configurables',
  )
  def test_in_a_file(self, line):
    file = self.write('a.gin', 'train_unet.epochs = 1', '', line)
    self.assert_refused(f'a.gin line 3: .{line}., expected imports of keras_itm, launchers', [file])

  def test_in_what_is_included(self):
    self.write('c.gin', 'import of_a_stranger')
    self.write('b.gin', '', f'include "{self.folder}/c.gin"  # more')
    file = self.write('a.gin', "include 'unet_mini.gin'", f"include '{self.folder / 'b.gin'}'")
    self.assert_refused('c.gin line 1: .import of_a_stranger', [file])

  @parameterized.parameters(
    (['import of_a_stranger'], 1),
    (['train_unet.epochs = 1\nimport of_a_stranger'], 2),
    (['train_unet.epochs = [', '1]', 'import of_a_stranger'], 3),
  )
  def test_in_bindings(self, bindings, line):
    self.assert_refused(f'--gin_bindings line {line}: .import of_a_stranger', bindings=bindings)

  def test_a_file_included_by_bindings(self):
    file = self.write('a.gin', 'import of_a_stranger')
    self.assert_refused('a.gin line 1', bindings=[f'include {file!r}'])

  def test_a_package_is_not_imported_to_look_for_a_file(self):
    """Gin looks for a file beside the code of a package, which it imports to find it."""
    (self.folder / 'pack').mkdir()
    (self.folder / 'of_a_stranger.py').rename(self.folder / 'pack' / '__init__.py')
    self.write('pack/x.gin', '')
    file = self.write('a.gin', "include 'pack/inner/x.gin'")
    self.assert_refused("a.gin line 1: gin file 'pack/inner/x.gin': not there", [file])
    self.assert_refused("gin file 'pack/inner/x.gin': not there", ['pack/inner/x.gin'])

  def test_dynamic_registration_runs_nothing(self):
    owned = self.folder / 'owned'
    file = self.write(
      'a.gin',
      'from __gin__ import dynamic_registration',
      'import subprocess',
      'import launchers.train_unet_lib',
      'launchers.train_unet_lib.train_unet.sources = @subprocess.getoutput()',
      f"subprocess.getoutput.cmd = 'touch {owned}'",
    )
    self.assert_refused('a.gin line 1: .from __gin__ import dynamic_registration', [file])
    self.assertFalse(owned.exists())

  def test_what_the_user_names(self):
    file = self.write('a.gin', 'import of_a_stranger')
    flags.FLAGS.mark_as_parsed()
    self.addCleanup(flags.FLAGS.unparse_flags)
    with flagsaver.flagsaver(gin_imports=['of_a_strange', 'of_a_stranger']):
      gin_files.parse_gin([file], [])
      self.assertEqual(gin_files.import_options(), ['--gin_imports=of_a_strange,of_a_stranger'])
      stage = stages.train('x', 'train_unet', file, self.folder / 'run', 'data')
      self.assertIn('--gin_imports=of_a_strange,of_a_stranger', stage.command)
    self.assertTrue(self.ran.exists())
    self.assertEqual(gin_files.import_options(), [])

  def test_our_own_packages(self):
    gin_files.parse_gin([], ['import keras_itm.augmentation', 'from stroke_tfds import sources'])

  def test_settings_of_a_stage(self):
    """A study reads the files of its stages without doing what they say."""
    file = self.write('a.gin', 'import of_a_stranger')
    with self.assertRaisesRegex(InputError, 'a.gin line 1'):
      gin_files.gin_lines(file)
    self.assertEqual(gin_files.gin_values(['import of_a_stranger', 'a.b = @c()']), {'a.b': '@c()'})
    self.assertFalse(self.ran.exists())


class NoGinTest(tf.test.TestCase):
  def test_one_line_that_names_the_file(self):
    folder = Path(self.get_temp_dir())
    loop = folder / 'loop.gin'
    texts = {
      'open.gin': b'train_unet.sources = ["a"\n',
      'latin.gin': b'# caf\xe9\ntrain_unet.epochs = 1\n',
      'deep.gin': b'a.b = ' + b'[' * 3000 + b']' * 3000,
      'large.gin': b'#' * (2**20 + 1),
      'unquoted.gin': b'train_unet.epochs = 1\ntrain_unet.start = runs/x\n',
      'loop.gin': f'include {str(loop)!r}\n'.encode(),
      'nul.gin': b'a.b = "\x00"\n',
    }
    for name, text in texts.items():
      (folder / name).write_bytes(text)
    os.mkfifo(folder / 'pipe.gin')
    for name in [*texts, 'pipe.gin', 'none.gin']:
      with self.subTest(name):
        with self.assertRaisesRegex(InputError, name) as caught:
          gin_files.parse_gin([str(folder / name)], [])
        self.assertNotIn('\n', str(caught.exception))
    with self.assertRaisesRegex(InputError, 'unquoted.gin line 2'):
      gin_files.parse_gin([str(folder / 'unquoted.gin')], [])

  def test_an_import_of_ours_that_is_not_there(self):
    with self.assertRaisesRegex(InputError, 'keras_itm.nothing'):
      gin_files.parse_gin([], ['import keras_itm.nothing'])


class GinValuesTest(tf.test.TestCase):
  def test_the_last_binding_of_a_name_with_macros_of_any_place(self):
    lines = [
      'a/f.x = %two',
      'g.y = {"k": [@h, @a/h(), %none]}',
      'two = (%one, 2)',
      'one = 1',
      'g.y = 3',
    ]
    self.assertEqual(gin_files.gin_values(lines), {'a/f.x': (1, 2), 'g.y': 3})
    self.assertEqual(repr(gin_files.gin_values(lines[:2])['g.y']), "{'k': [@h, @a/h(), %none]}")

  def test_what_is_no_gin(self):
    with self.assertRaisesRegex(InputError, 'gin configuration'):
      gin_files.gin_values(['f.x = '])


if __name__ == '__main__':
  tf.test.main()
