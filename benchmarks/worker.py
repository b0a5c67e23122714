"""A process that prepares and times cases on request: one JSON value a line in, one out."""

import dataclasses
import json
import os
import sys
import time
import traceback
from collections.abc import Callable
from typing import Any


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

  Requests are [verb, name, ...]: `prepare` makes a case, runs it once and answers its facts; `time`,
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
    cases[name] = makers[name]()
    cases[name].run()
    return cases[name].facts
  if verb == 'time':
    return timings(cases[name].run, *args)
  if verb == 'release':
    del cases[name]
    return None
  raise ValueError(f'request {verb!r}, expected prepare, time or release')


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
