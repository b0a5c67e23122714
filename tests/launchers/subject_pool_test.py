import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import tensorflow as tf

from launchers import subject_pool
from tests.launchers import pool_work

# One server of processes serves all tests of this program, and takes the list of its first user.
_PRELOAD = ('launchers.prepare_data_lib',)
_SHARED = {'greeting': 'hello '}
_PROJECT = Path(__file__).resolve().parents[2]


class RunTest(tf.test.TestCase):
  def run_tasks(self, tasks, n_workers=2):
    return list(subject_pool.run(pool_work.work, _SHARED, tasks, n_workers, _PRELOAD))

  def test_each_task_is_done_once_by_few_processes(self):
    tasks = [str(n) for n in range(20)]
    done = self.run_tasks(tasks)
    self.assertEqual({task: result[0] for task, result in done}, {t: f'hello {t}' for t in tasks})
    self.assertLen(done, 20)
    self.assertLessEqual(len({result[1] for _, result in done}), 2)

  def test_what_dies_or_raises_takes_no_other_task_along(self):
    done = dict(self.run_tasks(['1', 'die', '2', 'raise', 'leave', '3', 'die2', '4']))
    self.assertLen(done, 8)
    self.assertEqual(done['die'].reason, 'its process was ended by SIGKILL, as when memory runs out')
    self.assertEqual(done['leave'].reason, 'its process ended with status 3')
    self.assertEqual(done['raise'].reason, 'unexpected ZeroDivisionError; its traceback was printed')
    self.assertIn('on purpose', done['raise'].trace)
    for task in ('1', '2', '3', '4', 'die2'):
      self.assertEqual(done[task][0], f'hello {task}')

  def test_a_single_worker_that_dies_is_replaced(self):
    done = self.run_tasks(['die', 'die', '1'], n_workers=1)
    self.assertEqual([type(result).__name__ for _, result in done], ['Died', 'Died', 'tuple'])

  def test_processes_end_when_the_caller_stops(self):
    results = subject_pool.run(pool_work.work, _SHARED, ['1', 'slow', 'slow', 'slow'], 2, _PRELOAD)
    task, _ = next(results)
    self.assertEqual(task, '1')
    start = time.monotonic()
    results.close()
    self.assertLess(time.monotonic() - start, 20)

  def test_processes_at_work_end_when_their_program_is_killed(self):
    code = 'from launchers import subject_pool; from tests.launchers import pool_work; '
    code += 'list(subject_pool.run(pool_work.work, {}, ["tell", "tell"], 2))'
    command = [sys.executable, '-c', code]
    with subprocess.Popen(command, cwd=_PROJECT, stdout=subprocess.PIPE, text=True) as program:
      processes = [psutil.Process(int(program.stdout.readline())) for _ in range(2)]
      os.kill(program.pid, signal.SIGKILL)  # Alone, as by the system when memory runs out.
      deadline = time.monotonic() + 20
      while any(_is_alive(process) for process in processes) and time.monotonic() < deadline:
        time.sleep(0.02)
    self.assertFalse(any(_is_alive(process) for process in processes))

  def test_no_tasks(self):
    self.assertEmpty(self.run_tasks([]))


def _is_alive(process: psutil.Process) -> bool:
  try:
    return process.status() != psutil.STATUS_ZOMBIE
  except psutil.NoSuchProcess:
    return False


if __name__ == '__main__':
  tf.test.main()
