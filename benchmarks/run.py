"""Times the project against plain PyTorch and the machine's matrix products; `make bench` calls it.

  python -m benchmarks.run [--quick] [--only TEXT ...] [--pytorch PYTHON] [--other_stack PYTHON]
    [--threads N] [--output FILE]

Each library works in a process of its own and they take turns, so that a neighbour's load falls on
both alike. Compare within one run only, on a machine that does nothing else.
"""

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks import results
from benchmarks.experiments import EXPERIMENTS, OTHER_STACK_EXPERIMENTS, Experiment
from benchmarks.remote import Worker

_SIDES = {
  'tensorflow': 'benchmarks.tensorflow_side',
  'other_stack': 'benchmarks.tensorflow_side',
  'pytorch': 'benchmarks.pytorch_side',
}
# Threads of a library spin for a while after their work.
_REST_SECONDS = 0.3


def main() -> None:
  options = _options()
  known = [*EXPERIMENTS, *(OTHER_STACK_EXPERIMENTS if options.other_stack else ())]
  chosen = [e for e in known if not options.only or any(text in e.name for text in options.only)]
  if not chosen:
    sys.exit(f'error: --only {options.only} fits none of {[e.name for e in known]}')
  pythons = {
    'tensorflow': sys.executable,
    'other_stack': options.other_stack,
    'pytorch': options.pytorch,
  }
  needed = {side for e in chosen for side, _ in e.runs}
  start = lambda side: Worker(
    [pythons[side], '-m', _SIDES[side], str(options.threads)], options.threads
  )
  workers = {side: start(side) for side in _SIDES if side in needed}
  rounds, turn_seconds = (2, 0.0) if options.quick else (9, 1.0)
  rows, measured = [], {}
  for experiment in chosen:
    if experiment.is_timed:
      facts, calls = measure(experiment, workers, rounds, turn_seconds)
    else:
      facts, calls = prepare_alone(experiment, start), {each: [] for each in experiment.runs}
    rows += experiment.rows(facts, calls)
    measured[experiment.name] = [
      {'side': side, 'case': case, 'facts': facts[side, case], 'calls': calls[side, case]}
      for side, case in experiment.runs
    ]
  facts = {side: worker.close() for side, worker in workers.items()}
  for side, known_facts in facts.items():
    print(f'{side}: ' + ', '.join(f'{name} {value}' for name, value in known_facts.items()))
  print(results.table(rows))
  report = {'machine': _machine(), 'workers': facts, 'quick': options.quick, 'rounds': rounds}
  report |= {'rows': [row.to_json() for row in rows], 'measured': measured}
  Path(options.output).write_text(json.dumps(report, indent=1) + '\n')


def measure(
  experiment: Experiment, workers: dict[str, Worker], rounds: int, turn_seconds: float
) -> tuple[dict, dict]:
  """Facts and calls of each run, which take turns, one call or `turn_seconds` each."""
  facts = {}
  for side, case in experiment.runs:
    print(f'{experiment.name}: {case} in {side}', file=sys.stderr)
    facts[side, case] = workers[side].ask('prepare', case)
  _check_parameters(experiment.name, facts)
  calls = {run: [] for run in experiment.runs}
  for _ in range(rounds):
    for side, case in experiment.runs:
      time.sleep(_REST_SECONDS)
      calls[side, case] += workers[side].ask('time', case, turn_seconds)
  for side, case in experiment.runs:
    workers[side].ask('release', case)
  return facts, calls


def prepare_alone(experiment: Experiment, start: Callable[[str], Worker]) -> dict:
  """Facts of each run, prepared by a worker that has done nothing before."""
  facts = {}
  for side, case in experiment.runs:
    print(f'{experiment.name}: {case} in {side}', file=sys.stderr)
    worker = start(side)
    facts[side, case] = worker.ask('prepare', case)
    worker.close()
  _check_parameters(experiment.name, facts)
  return facts


def _check_parameters(name: str, facts: dict[tuple[str, str], dict[str, Any]]) -> None:
  """Refuses to compare networks that differ in size."""
  counts = {side: fact['parameters'] for (side, _), fact in facts.items() if 'parameters' in fact}
  if len({json.dumps(count, sort_keys=True) for count in counts.values()}) > 1:
    raise ValueError(f'{name}: the sides have different numbers of weights, {counts}')
  for count in list(counts.values())[:1]:
    print(f'  weights on each side: {count}', file=sys.stderr)


def _machine() -> dict[str, Any]:
  cpus = Path('/proc/cpuinfo')
  lines = cpus.read_text().splitlines() if cpus.exists() else []
  models = [line.split(':', 1)[1].strip() for line in lines if line.startswith('model name')]
  return {
    'cpu': models[0] if models else platform.processor(),
    'cores': os.cpu_count(),
    'system': platform.platform(),
    'python': platform.python_version(),
  }


def _options() -> argparse.Namespace:
  parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
  parser.add_argument('--quick', action='store_true', help='two rounds instead of nine')
  parser.add_argument('--only', nargs='+', default=[], help='experiments whose name holds a text')
  parser.add_argument('--pytorch', default='.venv-bench/bin/python', help='a Python that has PyTorch')
  parser.add_argument('--other_stack', help='a Python of the other stack, to compare with it too')
  parser.add_argument('--threads', type=int, default=os.cpu_count(), help='of each library')
  parser.add_argument('--output', default='bench.json', help='where all timings go')
  return parser.parse_args()


if __name__ == '__main__':
  main()
