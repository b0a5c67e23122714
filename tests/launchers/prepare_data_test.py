import dataclasses
from unittest import mock

import tensorflow as tf
from absl import flags
from absl.testing import flagsaver

from launchers import prepare_data
from launchers.prepare_options import Options, read_settings
from launchers.subject_pool import available_cores
from stroke_tfds.errors import InputError


class MainTest(tf.test.TestCase):
  def run_main(self, *arguments):
    """The exit status and what the library was called with."""
    with flagsaver.flagsaver():
      left = flags.FLAGS(['prepare_data', *arguments])
      with mock.patch.object(prepare_data, 'prepare_data', return_value=1) as called:
        return prepare_data.main(left), called.call_args.args[0]

  def test_flags_become_options(self):
    status, options = self.run_main('--source=soop', '--input=in', '--output=out')
    self.assertEqual(status, 1)
    self.assertEqual(options, Options('soop', 'in', 'out', workers=available_cores()))
    _, options = self.run_main(
      '--source=isles22',
      '--input=in',
      '--output=out',
      '--workers=3',
      '--contrasts=dwi,adc',
      '--registration=affine',
      '--grid=mini',
      '--without_mask=negative',
      '--intensity_scaling=parenchyma_median',
    )
    expected = Options('isles22', 'in', 'out', 3, ('dwi', 'adc'), 'affine', 'mini', 'negative')
    expected = dataclasses.replace(expected, intensity_scaling='parenchyma_median')
    self.assertEqual(options, expected)
    settings = read_settings(dataclasses.replace(options, registration='none'))
    self.assertEqual(settings.intensity_scaling, 'parenchyma_median')

  def test_refuses_what_is_not_known(self):
    with self.assertRaisesRegex(InputError, "unexpected argument 'in'"):
      self.run_main('--source=soop', 'in')
    for argument in (
      '--source=adni',
      '--workers=0',
      '--registration=rigid',
      '--without_mask=ill',
      '--intensity_scaling=mean',
    ):
      with self.assertRaises(flags.IllegalFlagValueError):
        self.run_main(argument)


if __name__ == '__main__':
  tf.test.main()
