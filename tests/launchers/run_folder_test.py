import json
import subprocess
import sys
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
    RunFolder(self.path).metrics.touch()
    gin.parse_config('job.epochs = 4')
    with self.assertRaisesRegex(InputError, r'run holds another configuration.*epochs = 3.*epochs = 4'):
      RunFolder(self.path)

  def test_refuses_a_value_that_is_gone(self):
    gin.parse_config('job.epochs = 3\njob.rate = 0.5')
    RunFolder(self.path).metrics.touch()
    gin.clear_config()
    gin.parse_config('job.epochs = 3')
    with self.assertRaisesRegex(InputError, r'job\.rate = 0\.5.*now absent'):
      RunFolder(self.path)

  def test_a_command_that_made_nothing_does_not_bind_the_corrected_one(self):
    gin.parse_config('job.epochs = 3')
    RunFolder(self.path).write_operative_config()
    gin.parse_config('job.epochs = 4')
    RunFolder(self.path)
    self.assertIn('job.epochs = 4', (self.path / 'config.gin').read_text())

  def test_one_program_at_a_time_and_a_dead_one_does_not_count(self):
    run = f'from launchers.run_folder import RunFolder; RunFolder({str(self.path)!r})'
    start = lambda more='': subprocess.Popen(
      [sys.executable, '-c', run + more], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with start("; print('in', flush=True); input()") as other:
      self.assertEqual(other.stdout.readline(), 'in\n')
      with self.assertRaisesRegex(InputError, '^[^\n]*run: another run writes there[^\n]*$'):
        RunFolder(self.path)
      other.kill()
    RunFolder(self.path)
    RunFolder(self.path)  # The same program may.
    RunFolder(self.path, is_chief=False)  # And those that work for another one's run.
    with start() as third:
      self.assertEqual(third.wait(), 1)

  def test_refuses_a_folder_of_something_else(self):
    self.path.mkdir()
    (self.path / 'thesis.txt').write_text('precious')
    with self.assertRaisesRegex(InputError, 'holds files but no config.gin'):
      RunFolder(self.path)
    self.assertEqual((self.path / 'thesis.txt').read_text(), 'precious')
    self.assertLen(list(self.path.iterdir()), 1)

  def test_remembers_that_it_is_finished(self):
    RunFolder(self.path).finish({'dice': 0.5})
    self.assertTrue(RunFolder(self.path).is_finished())
    self.assertEqual(json.loads((self.path / 'finished.json').read_text()), {'dice': 0.5})


if __name__ == '__main__':
  tf.test.main()
