"""Runs the tasks of a study, several at a time, and says how long it will go on."""

import contextlib
import os
import threading
import time
from collections.abc import Callable, Collection, Sequence
from concurrent import futures

from launchers.console import say
from launchers.run_folder import FAILED
from launchers.stages import StageRunner
from launchers.study.tasks import Task
from stroke_tfds.errors import InputError


def run_tasks(
  tasks: Sequence[Task],
  runner: StageRunner,
  *,
  workers: int = 1,
  after: Callable[[Task], None] = lambda task: None,
  cost: Callable[[Task], float] = lambda task: 1.0,
  may_start: Callable[[], bool] = lambda: True,
) -> list[Task]:
  """Runs each task once those that it needs are done, in the order given otherwise.

  Args:
    tasks: Each after those that it needs.
    runner: Runs their stages.
    workers: Tasks at a time. With more than one, each has its share of the cores and its output goes
      to a log.
    after: Called for each task that is done, also before this start.
    cost: How long a task takes relative to the others, for the time left; 0 for one that is done.
    may_start: Asked before a task is begun; once it says no, those that run are waited for.

  Returns:
    Tasks that were not begun since `may_start` said no.

  Raises:
    InputError: Tasks that failed, once all that do not need them are done. A learning rate at which a
      training cannot come out right is tried for good.
    ValueError: A task that needs what is none of them.
  """
  environment, progress = _share_of_cores(workers), _Progress(tasks, cost)

  def run(task: Task) -> None:
    if _cannot_come_out_right(task):
      progress.done(task, ran=False)
      return
    ran = runner.run(task.stage(), to_log=workers > 1, environment=environment)
    after(task)
    progress.done(task, ran)

  errors, left = _run_in_order(
    tasks, run, workers, progress, may_start, runner.stopped_if_interrupted()
  )
  if errors:
    more = f'{len(errors)} stages failed; the first: ' if len(errors) > 1 else ''
    raise InputError(f'{more}{errors[0]}') from errors[0]
  return left


def _cannot_come_out_right(task: Task) -> bool:
  """Whether it tried a learning rate at which nothing is learnt: other rates are better."""
  return bool(task.search) and (task.stage().product / FAILED).exists()


def _share_of_cores(workers: int) -> dict[str, str]:
  """Variables for the stages that run beside one another; none where one runs alone."""
  if workers == 1:
    return {}
  threads = str(max(1, len(os.sched_getaffinity(0)) // workers))
  return {'TF_NUM_INTRAOP_THREADS': threads, 'TF_NUM_INTEROP_THREADS': '1'}


def _run_in_order(
  tasks: Sequence[Task],
  run: Callable[[Task], None],
  workers: int,
  progress: '_Progress',
  may_start: Callable[[], bool],
  stopped_if_interrupted: contextlib.AbstractContextManager[None],
) -> tuple[list[InputError], list[Task]]:
  """Runs what can be run; returns the errors of the tasks that failed, and what was not begun."""
  waiting, running, done, errors = list(tasks), {}, set(), []
  with futures.ThreadPoolExecutor(workers) as pool, stopped_if_interrupted:
    while waiting or running:
      ready = [task for task in waiting if done.issuperset(task.needs)][: workers - len(running)]
      if ready and not may_start():
        if not running:
          return errors, waiting
        ready = []
      for task in ready:
        running[pool.submit(run, task)] = task
        waiting.remove(task)
      if not running:
        raise ValueError(f'{[task.name for task in waiting]} need what is no task before them')
      finished, _ = futures.wait(running, return_when=futures.FIRST_COMPLETED)
      for future in finished:
        task = running.pop(future)
        try:
          future.result()
          done.add(task.name)
        except InputError as error:
          if _cannot_come_out_right(task):
            done.add(task.name)
            progress.lose([task])
            say(f'{error}; left out with it: its learning rate')
            continue
          errors.append(error)
          lost = needed_after(waiting, task.name)
          waiting = [other for other in waiting if other not in lost]
          progress.lose([task, *lost])
          say(f'{error}; left out with it: {[other.name for other in lost] or "nothing"}')
  return errors, []


def needed_by(tasks: Sequence[Task], wanted: Collection[str]) -> list[Task]:
  """The wanted tasks with all that they need, in the order given."""
  names = set(wanted)
  for task in reversed(tasks):
    if task.name in names:
      names.update(task.needs)
  return [task for task in tasks if task.name in names]


def needed_after(tasks: Sequence[Task], name: str) -> list[Task]:
  """The tasks that cannot run without one, each after those that it needs."""
  lost = [name]
  for task in tasks:
    if not set(lost).isdisjoint(task.needs):
      lost.append(task.name)
  return [task for task in tasks if task.name in lost]


class _Progress:
  """Says how many tasks are done, and the time left by the speed of this start."""

  def __init__(self, tasks: Sequence[Task], cost: Callable[[Task], float]):
    self._left = {task.name: cost(task) for task in tasks}
    self._n_tasks = len(tasks)
    self._worked, self._start = 0.0, time.monotonic()
    self._lock = threading.Lock()

  def lose(self, tasks: Sequence[Task]) -> None:
    with self._lock:
      for task in tasks:
        self._left.pop(task.name)
      self._n_tasks -= len(tasks)

  def done(self, task: Task, ran: bool) -> None:
    with self._lock:
      cost = self._left.pop(task.name)
      # One that an earlier start has done says nothing of the speed.
      self._worked += cost if ran else 0.0
      if ran and self._worked:
        rate = (time.monotonic() - self._start) / self._worked
        minutes = rate * sum(self._left.values()) / 60
        n_done = self._n_tasks - len(self._left)
        say(f'{n_done} of {self._n_tasks} stages done, about {minutes:.0f} min left')
