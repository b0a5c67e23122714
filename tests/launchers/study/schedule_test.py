"""Order, waiting, failures and the time left, with commands that do next to nothing."""

import contextlib
import fcntl
import functools
import io
import os
import signal
import sys
import threading
import time
from pathlib import Path
from unittest import mock

import tensorflow as tf
import tensorflow_datasets as tfds

from launchers import stages
from launchers.run_folder import FAILED
from launchers.stages import Stage, StageRunner
from launchers.study import schedule
from launchers.study.schedule import needed_by, run_tasks
from launchers.study.tasks import Task
from stroke_tfds.errors import InputError


class _Runner:
  """Remembers what is run, in which order and how many at a time."""

  def __init__(self, done=(), failing=(), seconds=0.0):
    self.ran, self.most, self.environments = [], 0, []
    self._done, self._failing, self._seconds = done, failing, seconds
    self._running, self._lock = 0, threading.Lock()

  stopped_if_interrupted = contextlib.nullcontext

  def run(self, stage, to_log=False, environment=None):
    with self._lock:
      self._running += 1
      self.most = max(self.most, self._running)
      self.ran.append(stage)
      self.environments.append((to_log, environment))
    time.sleep(self._seconds)
    with self._lock:
      self._running -= 1
    if stage in self._failing:
      raise InputError(f'{stage}: ended with exit status 1')
    return stage not in self._done


def _task(name, *needs):
  return Task(name, needs, lambda: name)


class OrderTest(tf.test.TestCase):
  tasks = [_task('a'), _task('b', 'a'), _task('c', 'a'), _task('d', 'b', 'c'), _task('e')]

  def run_tasks(self, runner, tasks=None, **options):
    run_tasks(self.tasks if tasks is None else tasks, runner, **options)

  def test_one_by_one_in_the_order_given(self):
    runner, after = _Runner(), []
    self.run_tasks(runner, after=lambda task: after.append(task.name))
    self.assertEqual(runner.ran, list('abcde'))
    self.assertEqual(after, list('abcde'))
    self.assertEqual(runner.most, 1)
    self.assertEqual(runner.environments[0], (False, {}))

  def test_once_nothing_may_start_what_runs_is_waited_for(self):
    for workers, begun in ((1, 'ab'), (2, 'ae')):
      runner, asked = _Runner(seconds=0.05), iter([True, workers == 1, *[False] * 9])
      may_start = functools.partial(next, asked)
      left = run_tasks(self.tasks, runner, workers=workers, may_start=may_start)
      self.assertCountEqual(runner.ran, begun)
      self.assertEqual([task.name for task in left], sorted(set('abcde') - set(begun)))

  def test_nothing_is_left_of_what_may_run(self):
    self.assertEqual(run_tasks(self.tasks, _Runner()), [])

  def test_a_learning_rate_that_fails_is_left_out_alone(self):
    """For good, where its training cannot come out right; whatever else fails takes the arm along."""
    folder = Path(tfds.testing.make_tmp_dir())
    trial = lambda rate: Stage(f'x at {rate}', ['train'], folder / str(rate), 'finished.json')
    trials = {rate: trial(rate) for rate in (1, 2)}
    tasks = [Task(one.name, (), lambda one=one: one, search=('x', 1)) for one in trials.values()]
    tasks += [_task('x', 'x at 1', 'x at 2'), _task('y', 'x')]

    def ran(failing):
      runner, after = _Runner(failing=failing), []
      self.run_tasks(runner, tasks, after=lambda task: after.append(task.name))
      return [getattr(stage, 'name', stage) for stage in runner.ran], after

    with self.assertRaisesRegex(InputError, 'ended with exit status 1'):
      ran([trials[2]])
    trials[2].product.mkdir()
    (trials[2].product / FAILED).write_text('{}')
    self.assertEqual(ran([]), (['x at 1', 'x', 'y'], ['x at 1', 'x', 'y']))

  def test_several_at_a_time_wait_for_what_they_need(self):
    runner, after = _Runner(seconds=0.1), []
    self.run_tasks(runner, workers=2, after=lambda task: after.append(task.name))
    self.assertEqual(runner.most, 2)
    self.assertCountEqual(runner.ran, list('abcde'))
    # While a runs, nothing but e can.
    self.assertEqual(runner.ran[:2], ['a', 'e'])
    self.assertCountEqual(runner.ran[2:4], ['b', 'c'])
    self.assertEqual(runner.ran[4], 'd')

  def test_a_stage_is_not_asked_for_before_what_it_needs_is_done(self):
    """Its command may be known only then."""
    done = []

    def stage():
      self.assertEqual(done, ['a'])
      return 'b'

    tasks = [_task('a'), Task('b', ('a',), stage)]
    self.run_tasks(_Runner(), tasks, after=lambda task: done.append(task.name), workers=2)

  def test_with_workers_each_has_its_share_of_the_cores(self):
    runner = _Runner()
    with mock.patch.object(schedule.os, 'sched_getaffinity', return_value=set(range(7))):
      self.run_tasks(runner, workers=3)
    threads = {'TF_NUM_INTRAOP_THREADS': '2', 'TF_NUM_INTEROP_THREADS': '1'}
    self.assertEqual(runner.environments, [(True, threads)] * 5)

  def test_what_does_not_need_a_failed_one_is_run(self):
    for workers in (1, 2):
      runner, after = _Runner(failing=['b']), mock.Mock()
      with self.assertRaisesRegex(InputError, '^b: ended with exit status 1'):
        self.run_tasks(runner, workers=workers, after=after)
      self.assertCountEqual(runner.ran, ['a', 'b', 'c', 'e'])
      self.assertCountEqual([call.args[0].name for call in after.call_args_list], ['a', 'c', 'e'])

  def test_several_failures_are_counted(self):
    runner = _Runner(failing=['a', 'e'])
    with self.assertRaisesRegex(InputError, '^2 stages failed; the first: a: ended with'):
      self.run_tasks(runner)
    self.assertEqual(runner.ran, ['a', 'e'])

  def test_other_errors_end_it_at_once(self):
    def broken(task):
      raise KeyError(task.name)

    runner = _Runner()
    with self.assertRaises(KeyError):
      self.run_tasks(runner, after=broken)
    self.assertEqual(runner.ran, ['a'])

  def test_what_comes_after_a_task_can_refuse(self):
    def refuse(task):
      raise InputError(f'{task.name} holds a test case')

    runner = _Runner()
    with self.assertRaisesRegex(InputError, 'a holds a test case'):
      self.run_tasks(runner, after=refuse)
    self.assertEqual(runner.ran, ['a', 'e'])

  def test_what_can_never_run_is_an_error(self):
    with self.assertRaisesRegex(ValueError, r"\['b'\] need what is no task before them"):
      self.run_tasks(_Runner(), [_task('b', 'x')])

  def test_with_real_commands(self):
    folder = Path(tfds.testing.make_tmp_dir())

    def task(name, *needs):
      code = ';'.join(
        [*(f'open({str(folder / need)!r})' for need in needs), f'open({str(folder / name)!r}, "w")']
      )
      return Task(name, needs, lambda: Stage(name, [sys.executable, '-c', code], folder, name))

    runner = StageRunner(folder / 'stages')
    for _ in range(2):
      run_tasks([task('a'), task('b', 'a'), task('c', 'a', 'b')], runner, workers=2)
    self.assertEqual(set(runner.seconds()), {'a', 'b', 'c'})
    self.assertTrue((folder / 'stages' / f'{stages.slug("c")}.log').exists())


class InterruptedTest(tf.test.TestCase):
  def test_commands_end_with_the_study(self):
    """What waits for another process begins no more."""
    folder = Path(tfds.testing.make_tmp_dir())
    names = ('a', 'b', 'c')
    code = 'import pathlib, time; pathlib.Path({!r}).touch(); time.sleep(600)'
    command = lambda name: [sys.executable, '-c', code.format(str(folder / name))]
    stage = lambda name: Stage(name, command(name), folder, f'{name}.done')
    tasks = [Task(name, (), functools.partial(stage, name)) for name in names]
    runner = StageRunner(folder / 'stages')
    (folder / 'stages').mkdir()
    lock = (folder / 'stages' / 'c.lock').open('w')
    fcntl.flock(lock, fcntl.LOCK_EX)

    def interrupt():
      while not all((folder / name).exists() for name in names[:2]):
        time.sleep(0.02)
      os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with self.assertRaises(KeyboardInterrupt):
      run_tasks(tasks, runner, workers=3)
    thread.join()
    lock.close()
    self.assertFalse((folder / 'c').exists())
    with self.assertRaisesRegex(InputError, '^c: interrupted$'):
      runner.run(stage('c'))
    self.assertEqual(runner.seconds(), {})
    # Its locks are free: a second start need not wait for children of the first.
    (folder / 'a.done').touch()
    self.assertFalse(StageRunner(folder / 'stages').run(stage('a')))


class NeededByTest(tf.test.TestCase):
  def test_all_that_is_needed_in_order(self):
    names = lambda wanted: [task.name for task in needed_by(OrderTest.tasks, wanted)]
    self.assertEqual(names(['c']), ['a', 'c'])
    self.assertEqual(names(['d']), ['a', 'b', 'c', 'd'])
    self.assertEqual(names(['e', 'b']), ['a', 'b', 'e'])
    self.assertEqual(names([]), [])


class ProgressTest(tf.test.TestCase):
  def lines(self, runner, cost, fails=False):
    """What is said when each task takes as many minutes as it costs."""
    clock = [0.0]

    def run(stage, **options):
      ran = _Runner.run(runner, stage, **options)
      clock[0] += 60 * cost[stage] * ran
      return ran

    output = io.StringIO()
    proxy = mock.Mock(run=run, stopped_if_interrupted=contextlib.nullcontext)
    with mock.patch.object(schedule.time, 'monotonic', lambda: clock[0]):
      with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
        with mock.patch.object(schedule, 'say', print):
          with self.assertRaises(InputError) if fails else contextlib.nullcontext():
            run_tasks([_task(name) for name in cost], proxy, cost=lambda task: cost[task.name])
    return output.getvalue().splitlines()

  def test_time_left_follows_the_cost_of_what_is_left(self):
    self.assertEqual(
      self.lines(_Runner(), {'a': 10, 'b': 20, 'c': 5}),
      [
        '1 of 3 stages done, about 25 min left',
        '2 of 3 stages done, about 5 min left',
        '3 of 3 stages done, about 0 min left',
      ],
    )

  def test_what_was_done_before_counts_as_done_but_not_for_the_speed(self):
    lines = self.lines(_Runner(done=['a']), {'a': 100, 'b': 20, 'c': 5})
    self.assertEqual(lines[0], '2 of 3 stages done, about 5 min left')

  def test_what_is_left_out_is_no_time_left(self):
    self.assertEqual(
      self.lines(_Runner(failing=['a']), {'a': 100, 'b': 20, 'c': 5}, fails=True),
      [
        'a: ended with exit status 1; left out with it: nothing',
        '1 of 2 stages done, about 5 min left',
        '2 of 2 stages done, about 0 min left',
      ],
    )

  def test_a_stage_that_was_done_but_has_to_be_made_again(self):
    self.assertEqual(self.lines(_Runner(), {'a': 0}), [])


if __name__ == '__main__':
  tf.test.main()
