"""A process that prepares and times cases on request: one JSON value a line in, one out."""

import dataclasses
import json
import os
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

_PROCESS = Path('/proc/self')  # Linux alone has it.


@dataclasses.dataclass(frozen=True)
class Case:
  """Something to time.

  Attributes:
    run: The work, done when it returns. May return seconds by stage.
    facts: What the reader of the results should know, such as `parameters`; JSON values.
  """

  run: Callable[[], dict[str, float] | None]
  facts: dict[str, Any] = dataclasses.field(default_factory=dict)


def serve(makers: dict[str, Callable[[], Case]], facts: dict[str, Any]) -> None:
  """Answers requests until the input ends; the first line out holds the facts of this process.

  Requests are [verb, name, ...]: `prepare` makes a case, runs it once and answers its facts, and
  `memory_mib`, by how much the process has grown at most (None where the system does not say); `time`,
  followed by seconds, runs it at least once and at least so long; `release` forgets it. An answer is
  {'result': ...} or {'error': the traceback}.
  """
  # Libraries print as they like; that must not meet the answers.
  answers = os.fdopen(os.dup(sys.stdout.fileno()), 'w', buffering=1)
  os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
  print(json.dumps({'result': facts}), file=answers)
  cases = {}
  for line in sys.stdin:
    try:
      answer = {'result': _do(makers, cases, *json.loads(line))}
    except Exception:
      answer = {'error': traceback.format_exc()}
    print(json.dumps(answer), file=answers)


def _do(makers: dict, cases: dict[str, Case], verb: str, name: str, *args: Any) -> Any:
  if verb == 'prepare':
    before = _memory_mib('VmRSS', reset_peak=True)
    cases[name] = makers[name]()
    cases[name].run()
    peak = _memory_mib('VmHWM')
    grown = None if before is None or peak is None else peak - before
    return {**cases[name].facts, 'memory_mib': grown}
  if verb == 'time':
    return timings(cases[name].run, *args)
  if verb == 'release':
    del cases[name]
    return None
  raise ValueError(f'request {verb!r}, expected prepare, time or release')


def _memory_mib(field: str, reset_peak: bool = False) -> float | None:
  """Memory of this process, now (VmRSS) or at most since its peak was reset (VmHWM)."""
  try:
    if reset_peak:
      (_PROCESS / 'clear_refs').write_text('5')
    lines = (_PROCESS / 'status').read_text().splitlines()
  except OSError:
    return None
  return next((int(line.split()[1]) / 1024 for line in lines if line.startswith(field)), None)


def timings(run: Callable[[], dict[str, float] | None], at_least: float) -> list[dict[str, float]]:
  """Seconds of each call; one call or more, until `at_least` seconds are over.

  They are `total`, `cpu` (of all threads, hardly touched by a neighbour's load) and those by stage.
  """
  calls, spent = [], 0.0
  while not calls or spent < at_least:
    start, cpu_start = time.perf_counter(), time.process_time()
    stages = run()
    total, cpu = time.perf_counter() - start, time.process_time() - cpu_start
    calls.append({**(stages or {}), 'total': total, 'cpu': cpu})
    spent += total
  return calls
