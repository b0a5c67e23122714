import sys
from pathlib import Path
from unittest import mock

import gin
import tensorflow as tf

from launchers import app, train_unet_lib  # noqa: F401
from stroke_tfds.errors import InputError


class ParseGinTest(tf.test.TestCase):
  def setUp(self):
    super().setUp()
    gin.clear_config()

  def tearDown(self):
    gin.clear_config()
    super().tearDown()

  def test_finds_a_packaged_file_by_bare_name_and_overrides_it(self):
    app.parse_gin(['unet_mini.gin'], ['train_unet.epochs = 7'])
    self.assertEqual(gin.query_parameter('train_unet.epochs'), 7)
    self.assertEqual(gin.query_parameter('train_unet.batch_size'), 2)

  def test_reads_a_file_of_the_user(self):
    path = Path(self.get_temp_dir()) / 'mine.gin'
    path.write_text("include 'unet_mini.gin'\ntrain_unet.seed = 11\n")
    app.parse_gin([str(path)], [])
    self.assertEqual(gin.query_parameter('train_unet.seed'), 11)

  def test_is_not_misled_by_folders_of_the_user(self):
    folder = Path(self.get_temp_dir()) / 'home'
    (folder / 'models').mkdir(parents=True)
    with mock.patch.object(sys, 'path', [str(folder), *sys.path]):
      app.parse_gin(['unet_mini.gin'], [])
    self.assertEqual(gin.query_parameter('train_unet.epochs'), 12)

  def test_names_an_unknown_parameter(self):
    with self.assertRaisesRegex(InputError, 'train_unet.*epoks'):
      app.parse_gin(['unet_mini.gin'], ['train_unet.epoks = 7'])

  def test_names_an_unknown_configurable(self):
    with self.assertRaisesRegex(InputError, 'train_nothing'):
      app.parse_gin([], ['train_nothing.epochs = 7'])

  def test_refuses_bindings_that_no_stage_would_see(self):
    app._check_bindings(
      'run_study', ['run_study.n_seeds = 1', 'whole = 3', ' run_study.arms={"a.b": 1}']
    )
    for line in ('train_unet.batch_size = 4', 'a/Adam.learning_rate=1', 'run_studies.x = 1'):
      with self.assertRaisesRegex(
        InputError, f"gin_bindings '{line}': only run_study[.][*] can be bound here"
      ):
        app._check_bindings('run_study', [line])

  def test_names_a_missing_file(self):
    with self.assertRaisesRegex(InputError, 'no_such_file.gin'):
      app.parse_gin(['no_such_file.gin'], [])

  def test_names_a_syntax_error(self):
    with self.assertRaisesRegex(InputError, 'gin configuration'):
      app.parse_gin([], ['train_unet.epochs = '])


class GinValuesTest(tf.test.TestCase):
  def test_the_last_binding_of_a_name_with_macros_of_any_place(self):
    lines = [
      'a/f.x = %two',
      'g.y = {"k": [@h, @a/h(), %none]}',
      'two = (%one, 2)',
      'one = 1',
      'g.y = 3',
    ]
    self.assertEqual(app.gin_values(lines), {'a/f.x': (1, 2), 'g.y': 3})
    self.assertEqual(repr(app.gin_values(lines[:2])['g.y']), "{'k': [@h, @a/h(), %none]}")

  def test_what_is_no_gin(self):
    with self.assertRaisesRegex(InputError, 'gin configuration'):
      app.gin_values(['f.x = '])


if __name__ == '__main__':
  tf.test.main()
