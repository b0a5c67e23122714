"""Processes that work on one subject each; one that dies takes its own subject with it and no other.

`concurrent.futures` gives all up when one process dies, as one does that runs out of memory.
"""

import contextlib
import dataclasses
import multiprocessing
import os
import signal
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from multiprocessing import connection
from typing import Any


@dataclasses.dataclass(frozen=True)
class Died:
  """Instead of a result: the process of a task ended. `exit_code` is negative for a signal."""

  exit_code: int

  @property
  def reason(self) -> str:
    if self.exit_code >= 0:
      return f'its process ended with status {self.exit_code}'
    name = signal.Signals(-self.exit_code).name
    memory = ', as when memory runs out' if name == 'SIGKILL' else ''
    return f'its process was ended by {name}{memory}'


@dataclasses.dataclass(frozen=True)
class Raised:
  """Instead of a result: an exception that the work did not expect."""

  name: str
  trace: str

  @property
  def reason(self) -> str:
    return f'unexpected {self.name}; its traceback was printed'


def run(
  work: Callable[[Any, Any], Any],
  shared: Any,
  tasks: Sequence[Any],
  n_workers: int,
  preload: Sequence[str] = (),
) -> Iterator[tuple[Any, Any]]:
  """Runs `work(shared, task)` for all tasks and yields (task, result) as they come.

  Args:
    work: A function of a module; it runs in other processes.
    shared: Its first argument, sent once to each process.
    tasks: Its second argument, one after the other.
    n_workers: How many processes.
    preload: Modules that are imported once for all processes.

  Yields:
    The task with what `work` returned, or `Died`, or `Raised`. When the caller stops early, the
    processes are ended.
  """
  context = multiprocessing.get_context('forkserver')
  context.set_forkserver_preload(list(preload))
  waiting = list(reversed(tasks))
  workers: list[_Worker] = []
  try:
    for _ in range(min(n_workers, len(waiting))):
      workers.append(_Worker(context, work, shared, waiting.pop()))
    while workers:
      ready = connection.wait([worker.pipe for worker in workers])
      for worker in [worker for worker in workers if worker.pipe in ready]:
        task, result = worker.task, worker.take()
        if isinstance(result, Died):
          workers.remove(worker)
          if waiting:
            workers.append(_Worker(context, work, shared, waiting.pop()))
        elif waiting:
          worker.give(waiting.pop())
        else:
          workers.remove(worker)
          worker.stop()
        yield task, result
  finally:
    for worker in workers:
      worker.stop(at_once=True)


class _Worker:
  """A process and the task that it has."""

  def __init__(self, context: Any, work: Callable[[Any, Any], Any], shared: Any, task: Any):
    self.pipe, theirs = context.Pipe()
    self._process = context.Process(target=_serve, args=(theirs, work, shared), daemon=True)
    self._process.start()
    theirs.close()
    self.give(task)

  def give(self, task: Any) -> None:
    self.task = task
    with contextlib.suppress(BrokenPipeError):  # It died between two tasks; `take` will tell.
      self.pipe.send(task)

  def take(self) -> Any:
    """The result of the task that the process had."""
    try:
      return self.pipe.recv()
    except (EOFError, ConnectionResetError):
      self._process.join()
      self.pipe.close()
      return Died(self._process.exitcode or 0)

  def stop(self, at_once: bool = False) -> None:
    if at_once:
      self._process.terminate()
    self.pipe.close()
    self._process.join()


def _serve(pipe: connection.Connection, work: Callable[[Any, Any], Any], shared: Any) -> None:
  """Works until the other end is closed, or, in the midst of work, until its program ends."""
  signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes; the parent decides.
  threading.Thread(target=_end_with_the_program, daemon=True).start()
  while True:
    try:
      task = pipe.recv()
    except (EOFError, ConnectionResetError):
      return
    try:
      result = work(shared, task)
    except Exception as error:  # The boundary of a process: passed on, by `Raised`.
      result = Raised(type(error).__name__, traceback.format_exc())
    try:
      pipe.send(result)
    except BrokenPipeError:
      return


def _end_with_the_program() -> None:
  """Ends this process when its program was killed: it would write into what the next one makes."""
  multiprocessing.parent_process().join()  # The program, not the server that forked this process.
  os._exit(1)


def available_cores() -> int:
  """Cores that this process may use."""
  return len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count() or 1
