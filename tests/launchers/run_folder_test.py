import json
from pathlib import Path

import gin
import tensorflow as tf

from launchers.run_folder import RunFolder
from stroke_tfds.errors import InputError


@gin.configurable
def job(epochs=1, rate=0.1):
  return epochs, rate


class RunFolderTest(tf.test.TestCase):
  def setUp(self):
    super().setUp()
    gin.clear_config()
    self.path = Path(self.get_temp_dir()) / 'run'

  def tearDown(self):
    gin.clear_config()
    super().tearDown()

  def test_writes_the_configuration_and_accepts_it_again(self):
    gin.parse_config('job.epochs = 3')
    RunFolder(self.path)
    self.assertIn('job.epochs = 3', (self.path / 'config.gin').read_text())
    self.assertFalse(RunFolder(self.path).is_finished())

  def test_refuses_another_value_naming_both(self):
    gin.parse_config('job.epochs = 3')
    RunFolder(self.path)
    gin.parse_config('job.epochs = 4')
    with self.assertRaisesRegex(InputError, r'run holds another configuration.*epochs = 3.*epochs = 4'):
      RunFolder(self.path)

  def test_refuses_a_value_that_is_gone(self):
    gin.parse_config('job.epochs = 3\njob.rate = 0.5')
    RunFolder(self.path)
    gin.clear_config()
    gin.parse_config('job.epochs = 3')
    with self.assertRaisesRegex(InputError, r'job\.rate = 0\.5.*now absent'):
      RunFolder(self.path)

  def test_refuses_a_folder_of_something_else(self):
    self.path.mkdir()
    (self.path / 'thesis.txt').write_text('precious')
    with self.assertRaisesRegex(InputError, 'holds files but no config.gin'):
      RunFolder(self.path)
    self.assertEqual((self.path / 'thesis.txt').read_text(), 'precious')

  def test_remembers_that_it_is_finished(self):
    RunFolder(self.path).finish({'dice': 0.5})
    self.assertTrue(RunFolder(self.path).is_finished())
    self.assertEqual(json.loads((self.path / 'finished.json').read_text()), {'dice': 0.5})


if __name__ == '__main__':
  tf.test.main()
