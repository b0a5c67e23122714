"""The other end of `worker.serve`: a process that is asked to prepare and to time."""

import json
import os
import subprocess
from typing import Any


class WorkerError(RuntimeError):
  """A worker failed; the message holds its traceback."""


class Worker:
  """A child process, idle while it is not asked."""

  def __init__(self, command: list[str], threads: int):
    """Starts it; both sides get the same number of threads.

    Raises:
      WorkerError: It ended before its first word.
    """
    variables = {'OMP_NUM_THREADS': str(threads), 'TF_CPP_MIN_LOG_LEVEL': '3'}
    self._command = command
    self._process = subprocess.Popen(
      command,
      stdin=subprocess.PIPE,
      stdout=subprocess.PIPE,
      text=True,
      env={**os.environ, **variables},
    )
    self.facts = self._answer()

  def ask(self, verb: str, *args: Any) -> Any:
    """The result of a request, see `worker.serve`.

    Raises:
      WorkerError: The worker failed at it.
    """
    self._process.stdin.write(json.dumps([verb, *args]) + '\n')
    self._process.stdin.flush()
    return self._answer()

  def close(self) -> dict[str, Any]:
    """Ends the process and returns its facts."""
    self._process.stdin.close()
    self._process.wait()
    return self.facts

  def _answer(self) -> Any:
    line = self._process.stdout.readline()
    answer = json.loads(line) if line else {'error': 'it ended without an answer'}
    if 'error' in answer:
      raise WorkerError(f'{" ".join(self._command)}: {answer["error"]}')
    return answer['result']
