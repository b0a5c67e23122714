"""Mistakes in gin files and bindings: each ends in one line that helps."""

from collections.abc import Callable, Mapping, Sequence

import gin
import tensorflow as tf
from absl.testing import parameterized

from launchers import gin_files, gin_mistakes, run_study_lib, train_itm_lib, train_unet_lib
from stroke_tfds.errors import InputError
from tests.launchers import gin_testing

assert run_study_lib and train_itm_lib and train_unet_lib


class MistakesTest(parameterized.TestCase, gin_testing.GinTestCase):
  @parameterized.parameters(
    ('train_unet.start = runs/a', "'runs' is no value .*in quotation marks"),
    ('train_unet.sources = ["a"', 'not closed'),
    ('train_unet.start = """a', 'not closed'),
    ('import keras_itm.nothing', 'keras_itm.nothing.* line 1'),
    ('import keras_itm.nothing', 'a module that is installed'),
    ('train_unet.epoch = 3', 'did you mean epochs[?]'),
    ('train_unt.epochs = 3', 'did you mean train_unet'),
    ('train_unet.network = @unet_4d', 'did you mean unet_3d'),
    ('train_unet.epochs = "three"', "train_unet.epochs is 'three', expected a whole number"),
    ('train_unet.epochs = 2.5', 'train_unet.epochs is 2.5'),
    ('train_unet.epochs = True', 'train_unet.epochs is True'),
    ('train_unet.sources = 3', 'train_unet.sources is 3, expected a list'),
    ('train_unet.sources = "a/b:train"', 'expected a list'),
    ('n = [1, "x"]\ntrain_unet.evaluated_epochs = %n', r"evaluated_epochs is \[1, 'x'\]"),
    ('fit.checkpoint_every = "a"', "fit.checkpoint_every is 'a'"),
    ('train_unet.epochs = %no_such_macro', 'no_such_macro'),
    ('x = %x\ntrain_unet.epochs = %x', 'a macro names itself'),
    (
      'train_unet.epochs = ' + '[' * 3000 + ']' * 3000,
      'brackets are too deep',
    ),
  )
  def test_is_told_in_one_line(self, bindings, message):
    with self.assertRaisesRegex(InputError, f'^[^\n]*{message}[^\n]*$'):
      gin_files.parse_gin(['unet_mini.gin'], bindings.split('\n'))

  def test_a_mistyped_file(self):
    with self.assertRaisesRegex(InputError, 'unet_mni.gin.*did you mean unet_mini.gin'):
      gin_files.parse_gin(['unet_mni.gin'], [])

  def test_finds_the_program_that_a_file_is_for(self):
    for file, program in (
      ('pix2pix10_mini.gin', 'launchers.train_itm'),
      ('phantom_study_mini.gin', 'launchers.run_study'),
    ):
      gin.clear_config()
      gin_files.parse_gin([file], [])
      self.assertEqual(gin_mistakes.others_bound('train_unet'), [program])
    gin.clear_config()
    gin_files.parse_gin(['unet_mini.gin'], [])
    self.assertEqual(gin_mistakes.others_bound('train_unet'), [])

  @parameterized.parameters(
    (1, float, True),
    (None, int | None, True),
    (None, int, False),
    ((1, 2), tuple[int, int], True),
    ((1, 2, 3), tuple[int, int], False),
    ([1, 2], tuple[int, ...], True),
    (('a', 1), Sequence[str], False),
    ({}, Mapping[str, int], True),
    ([], Mapping[str, int], False),
    ('a', Callable[..., int], True),
    ('a', str | Sequence[str], True),
  )
  def test_values_and_annotations(self, value, hint, fits):
    self.assertEqual(gin_mistakes.fits(value, hint), fits)


if __name__ == '__main__':
  tf.test.main()
