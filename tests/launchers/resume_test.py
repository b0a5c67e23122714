"""A training that is killed and started again ends as one left alone, bit for bit."""

import csv
import signal
import subprocess
import sys
from unittest import mock

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from keras_itm import training_state
from tests.launchers import small_systems

_OFTEN = 'fit.checkpoint_every = 2'


class ResumeTest(small_systems.SystemsTestCase, parameterized.TestCase):
  def train_until(self, system, name, step):
    """In this process; as if killed when a step is done."""
    count = training_state.CountSteps.on_train_batch_end

    def count_and_stop(callback, batch, logs=None):
      count(callback, batch, logs)
      if callback._state.step == step:
        raise KeyboardInterrupt

    with mock.patch.object(training_state.CountSteps, 'on_train_batch_end', count_and_stop):
      with self.assertRaises(KeyboardInterrupt):
        self.train(system, name, _OFTEN)

  def assert_same_end(self, one, other):
    """All that the last checkpoints hold: weights, moments, averages, random states, pool, step."""
    readers = [tf.train.load_checkpoint(str(run / 'checkpoints')) for run in (one, other)]
    names = [set(reader.get_variable_to_shape_map()) for reader in readers]
    self.assertEqual(*names)
    self.assertGreater(len(names[0]), 20)
    for name in names[0] - {'_CHECKPOINTABLE_OBJECT_GRAPH', 'save_counter/.ATTRIBUTES/VARIABLE_VALUE'}:
      a, b = (reader.get_tensor(name) for reader in readers)
      np.testing.assert_array_equal(a, b, name)
    rows = [list(csv.DictReader((run / 'metrics.csv').open())) for run in (one, other)]
    for row in (*rows[0], *rows[1]):
      del row['seconds']
    self.assertEqual(*rows)

  @parameterized.parameters(*sorted(set(small_systems.SIZES) - {'cyclegan_mini.gin'}))
  def test_stopped_twice(self, system):
    """At step 5, in the middle of an epoch, one step after a checkpoint, and at step 6, at its end."""
    alone = self.train(system, f'{system}_alone', _OFTEN)
    for step in (5, 6):
      self.train_until(system, f'{system}_stopped', step)
    self.assert_same_end(alone, self.train(system, f'{system}_stopped', _OFTEN))

  def test_killed(self):
    """By SIGKILL, then by Ctrl-C, in processes of their own, with the image pool of cycleGAN."""
    system = 'cyclegan_mini.gin'
    alone, killed = self.folder / 'alone', self.folder / 'killed'
    command = [sys.executable, '-m', 'tests.launchers.killed_training']
    lines = [*small_systems.bindings(system, self.cohort), _OFTEN]
    flags = [f'--gin_file={system}', f'--data_dir={self.data_dir}']
    flags += [f'--gin_bindings={line}' for line in lines]
    said = {}
    for workdir, step, status in (
      (alone, '0', 0),
      (killed, '5', -signal.SIGKILL),
      (killed, 'SIGINT:7', 130),
      (killed, '0', 0),
    ):
      arguments = [*command, step, *small_systems.launcher(system), *flags, f'--workdir={workdir}']
      done = subprocess.run(arguments, capture_output=True, text=True, check=False)
      self.assertEqual(done.returncode, status, done.stderr[-2000:])
      said[step] = done.stderr
    self.assertIn('resumed after step 4 of 9', said['SIGINT:7'])
    self.assertIn('interrupted: what is done is kept', said['SIGINT:7'])
    self.assertNotIn('Traceback', said['SIGINT:7'])
    self.assertIn('resumed after step 6 of 9', said['0'])
    self.assert_same_end(alone, killed)


if __name__ == '__main__':
  tf.test.main()
