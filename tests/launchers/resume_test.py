"""A training that is killed and started again ends as one left alone, bit for bit."""

import csv
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds
from absl.testing import parameterized

from keras_itm import training_state
from tests import tiny
from tests.launchers import small_systems


class ResumeTest(tf.test.TestCase, parameterized.TestCase):
  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    cls.folder = Path(tfds.testing.make_tmp_dir())
    cls.data_dir = str(cls.folder / 'data')
    cls.cohort = tiny.build_phantom(cls.data_dir)

  def bindings(self, system):
    return [*small_systems.bindings(system, self.cohort), 'fit.checkpoint_every = 2']

  def train(self, system, workdir, stop_at=None):
    """In this process; as if killed when a step is done."""
    count = training_state.CountSteps.on_train_batch_end

    def count_and_stop(callback, batch, logs=None):
      count(callback, batch, logs)
      if callback._state.step == stop_at:
        raise KeyboardInterrupt

    training_state.CountSteps.on_train_batch_end = count_and_stop
    try:
      small_systems.train(system, workdir, self.data_dir, self.bindings(system))
    except KeyboardInterrupt:
      self.assertIsNotNone(stop_at)
    finally:
      training_state.CountSteps.on_train_batch_end = count

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

  @parameterized.parameters(*(set(small_systems.SYSTEMS) - {'cyclegan_mini.gin'}))
  def test_stopped_twice(self, system):
    """At step 5, in the middle of an epoch, one step after a checkpoint, and at step 6, at its end."""
    alone, stopped = self.folder / f'{system}_alone', self.folder / f'{system}_stopped'
    self.train(system, alone)
    for step in (5, 6, None):
      self.train(system, stopped, stop_at=step)
    self.assert_same_end(alone, stopped)

  def test_killed(self):
    """By SIGKILL, in processes of their own, with the image pool of cycleGAN."""
    system = 'cyclegan_mini.gin'
    alone, killed = self.folder / 'alone', self.folder / 'killed'
    command = [sys.executable, '-m', 'tests.launchers.killed_training']
    flags = [f'--gin_file={system}', f'--data_dir={self.data_dir}']
    flags += [f'--gin_bindings={line}' for line in self.bindings(system)]
    for workdir, step in ((alone, 0), (killed, 5), (killed, 0)):
      arguments = [*command, str(step), *small_systems.launcher(system), *flags, f'--workdir={workdir}']
      done = subprocess.run(arguments, capture_output=True, text=True, check=False)
      self.assertEqual(done.returncode, -signal.SIGKILL if step else 0, done.stderr[-2000:])
    self.assertIn('resumed after step 4 of 9', done.stderr)
    self.assert_same_end(alone, killed)


if __name__ == '__main__':
  tf.test.main()
