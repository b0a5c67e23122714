"""Two processes on this machine train one model, and go on after one of them was killed."""

import csv
import json
import os
import signal
import socket
import subprocess
import sys

import pytest
import tensorflow as tf

from tests.launchers import small_systems

_SYSTEM = 'pix2pix10_mini.gin'


def _free_ports(n: int) -> list[int]:
  sockets = [socket.socket() for _ in range(n)]
  for made in sockets:
    made.bind(('127.0.0.1', 0))
  ports = [made.getsockname()[1] for made in sockets]
  for made in sockets:
    made.close()
  return ports


@pytest.mark.slow
class MultiWorkerTest(small_systems.SystemsTestCase):
  def start(self, workdir, kill_second_at=0):
    """Starts both workers and waits for them; returns exit statuses and what they said."""
    lines = [
      *small_systems.bindings(_SYSTEM, self.cohort),
      'fit.checkpoint_every = 2',
      "hardware.strategy = 'multi_worker'",
      'pix2pix_unet.dropout = 0.0',
    ]
    command = [sys.executable, '-m', 'tests.launchers.killed_training']
    flags = [f'--gin_file={_SYSTEM}', f'--data_dir={self.data_dir}', f'--workdir={workdir}']
    flags += [f'--gin_bindings={line}' for line in lines]
    cluster = {'worker': [f'127.0.0.1:{port}' for port in _free_ports(2)]}
    workers = []
    for index, step in enumerate((0, kill_second_at)):
      task = json.dumps({'cluster': cluster, 'task': {'type': 'worker', 'index': index}})
      arguments = [*command, str(step), *small_systems.launcher(_SYSTEM), *flags]
      options = {'stdout': subprocess.PIPE, 'stderr': subprocess.STDOUT, 'text': True}
      workers.append(subprocess.Popen(arguments, env={**os.environ, 'TF_CONFIG': task}, **options))
    said = [worker.communicate(timeout=1800)[0] for worker in workers]
    return [worker.returncode for worker in workers], said

  def metrics(self, workdir):
    rows = list(csv.DictReader((workdir / 'metrics.csv').open()))
    return [{name: float(row[name]) for name in row if name != 'seconds'} for row in rows]

  def test_trains_as_one_and_resumes(self):
    together, killed, alone = (self.folder / name for name in ('together', 'killed', 'alone'))
    statuses, said = self.start(together)
    self.assertEqual(statuses, [0, 0], said)
    self.train(_SYSTEM, 'alone', 'pix2pix_unet.dropout = 0.0')
    for one, other in zip(self.metrics(alone), self.metrics(together)):
      self.assertAllClose(one, other, rtol=1e-4, atol=1e-4)

    statuses, said = self.start(killed, kill_second_at=5)
    self.assertEqual(statuses[1], -signal.SIGKILL)
    self.assertEqual(statuses[0], 1, said[0])
    self.assertIn('another worker was lost', said[0])
    statuses, said = self.start(killed)
    self.assertEqual(statuses, [0, 0], said)
    self.assertIn('resumed after step 4 of 9', said[0])
    self.assertFalse((together / 'bundle.partial').exists())
    for one, other in zip(self.metrics(killed), self.metrics(together)):
      self.assertAllClose(one, other, rtol=1e-5, atol=1e-5)


if __name__ == '__main__':
  tf.test.main()
