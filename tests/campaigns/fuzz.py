"""Reads thousands of changed inputs: each is read, or refused by the product's own error in one line.

  python -m tests.campaigns.fuzz --inputs=5000 --seed=0

Prints one line and ends with status 0, or names each kind of failure before it and ends with 1: another
exception, a message of several lines or with a text of a header, more than 20 s, an end of the process.
`--only=GinFiles --first=120 --inputs=1` makes one input again.
"""

import collections
import contextlib
import dataclasses
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from absl import app, flags

_INPUTS = flags.DEFINE_integer('inputs', 5000, 'How many, of all kinds together.', 1)
_SEED = flags.DEFINE_string('seed', '0', 'Other seeds make other inputs.')
_ONLY = flags.DEFINE_list('only', [], 'Kinds; all when absent.')
_FIRST = flags.DEFINE_integer('first', 0, 'Index of the first input of each kind.', 0)
_WORKER = flags.DEFINE_string('worker', '', 'For its own use: the kind that this process reads.')

_MODULES = ('folder_inputs', 'image_inputs', 'run_inputs', 'setting_inputs')
_TIMEOUT_S = 20
_SILENCE_S = 120  # Of a process in which no alarm rings, since it computes outside Python.
_MAX_MESSAGE = 3000
_MAX_DEATHS = 20
READ, REFUSED = 'read', 'refused'
_OURS = ('/stroke_tfds/', '/keras_itm/', '/launchers/', '/stroke_eval/')


class _Late(BaseException):
  """An input takes too long; no reader can catch it by mistake."""


@dataclasses.dataclass
class Tally:
  """What became of the inputs: outcome -> count, and a line for each way to fail."""

  outcomes: collections.Counter = dataclasses.field(default_factory=collections.Counter)
  failures: dict[tuple[str, str], str] = dataclasses.field(default_factory=dict)

  def add(self, kind: str, report: dict[str, Any]) -> None:
    self.outcomes[report['outcome']] += 1
    if report['outcome'] not in (READ, REFUSED):
      place = report['where'] or report['detail'][:40]
      line = f'{kind} {report["index"]}: {report["outcome"]} at {place}: {report["detail"][:200]}'
      self.failures.setdefault((kind, report['outcome'] + place), line)

  @property
  def n_failed(self) -> int:
    return self.outcomes.total() - self.outcomes[READ] - self.outcomes[REFUSED]


def shares(kinds: dict[str, Any], n_inputs: int) -> dict[str, int]:
  """How many inputs of each kind."""
  whole = sum(kind.SHARE for kind in kinds.values())
  return {name: max(1, round(n_inputs * kind.SHARE / whole)) for name, kind in kinds.items()}


def load_kinds(only: list[str]) -> dict[str, Any]:
  """Name -> class of the kinds asked for."""
  import importlib

  from tests.campaigns.kinds import KINDS

  for module in _MODULES:
    importlib.import_module(f'tests.campaigns.{module}')
  unknown = sorted(set(only) - set(KINDS))
  if unknown:
    raise app.UsageError(f'kind {unknown[0]!r} is unknown, expected some of {sorted(KINDS)}')
  return {name: KINDS[name] for name in sorted(only or KINDS)}


def run(kind: str, seed: str, first: int, n_inputs: int, tally: Tally) -> None:
  """Reads inputs of a kind in another process, which is started again after one that kills it."""
  index, end = first, first + n_inputs
  for _ in range(_MAX_DEATHS):
    with _worker(kind, seed, index, end) as process:
      begun = None
      for report in _reports(process):
        begun = report['index'] if report['outcome'] == 'begun' else None
        if begun is None:
          tally.add(kind, report)
          index = report['index'] + 1
    if index == end:
      return
    died = {'outcome': 'process ended', 'where': '', 'detail': f'status {process.returncode}'}
    tally.add(kind, {'index': begun, **died})
    if begun is None:  # Not an input's doing.
      return
    index = begun + 1


@contextlib.contextmanager
def _worker(kind: str, seed: str, first: int, end: int) -> Iterator[subprocess.Popen]:
  command = [sys.executable, '-m', 'tests.campaigns.fuzz', f'--worker={kind}', f'--seed={seed}']
  command += [f'--first={first}', f'--inputs={end - first}']
  with tempfile.TemporaryDirectory() as folder:
    environment = os.environ | {'TMPDIR': folder, 'CUDA_VISIBLE_DEVICES': ''}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
      yield process


def _reports(process: subprocess.Popen) -> Iterator[dict[str, Any]]:
  """What a worker says; one that stays silent is ended."""
  for line in process.stdout:
    timer = threading.Timer(_SILENCE_S, process.kill)
    timer.start()
    try:
      yield json.loads(line)
    finally:
      timer.cancel()


def work(kind: str, seed: str, first: int, n_inputs: int) -> None:
  """Reads inputs in this process and says what became of each, a line of JSON."""
  os.environ['TF_CPP_MIN_LOG_LEVEL'] = '3'
  out = os.fdopen(os.dup(1), 'w')
  null = os.open(os.devnull, os.O_WRONLY)
  os.dup2(null, 1)
  os.dup2(null, 2)
  say = lambda **report: print(json.dumps(report), file=out, flush=True)
  signal.signal(signal.SIGALRM, _raise_late)
  made = load_kinds([kind])[kind](Path(tempfile.mkdtemp()))
  for index in range(first, first + n_inputs):
    read = made.make(index, random.Random(f'{seed} {kind} {index}'))
    say(index=index, outcome='begun')
    signal.setitimer(signal.ITIMER_REAL, _TIMEOUT_S)
    try:
      outcome, detail, where = _read(read)
    finally:
      signal.setitimer(signal.ITIMER_REAL, 0)
    say(index=index, outcome=outcome, detail=detail, where=where)
  out.close()
  os._exit(0)  # TensorFlow's threads may hang at the end of a process.


def _raise_late(*_: Any) -> None:
  raise _Late


def _read(read: Any) -> tuple[str, str, str]:
  """Outcome, detail and the place in our code."""
  from keras_itm.bundle import BundleError
  from keras_itm.checks import TrainingError
  from stroke_tfds.errors import InputError
  from tests.campaigns.image_inputs import SECRET

  try:
    read()
  except (BundleError, InputError, TrainingError) as error:
    text = str(error)
    if '\n' in text.strip() or len(text) > _MAX_MESSAGE:
      return 'no short line', ' '.join(text.split()), ''
    return ('text of a header told', text, '') if SECRET in text else (REFUSED, '', '')
  except _Late:
    return 'late', f'more than {_TIMEOUT_S} s', ''
  except BaseException as error:
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if any(part in frame.filename for part in _OURS)][-3:]
    places = ' < '.join(f'{Path(frame.filename).name}:{frame.lineno}' for frame in reversed(ours))
    return type(error).__name__, ' '.join(str(error).split())[:300], places
  return READ, '', ''


def main(argv: list[str]) -> int:
  if _WORKER.value:
    work(_WORKER.value, _SEED.value, _FIRST.value, _INPUTS.value)
  os.environ['TF_CPP_MIN_LOG_LEVEL'] = '3'
  began, tally = time.monotonic(), Tally()
  counts = shares(load_kinds(_ONLY.value), _INPUTS.value)
  for kind, count in counts.items():
    run(kind, _SEED.value, _FIRST.value, count, tally)
  for line in tally.failures.values():
    print(line)
  outcomes, seconds = tally.outcomes, time.monotonic() - began
  print(
    f'fuzz: {outcomes.total()} inputs of {len(counts)} kinds, seed {_SEED.value}, {seconds:.0f} s: '
    f'{outcomes[READ]} read, {outcomes[REFUSED]} refused, {tally.n_failed} failed'
  )
  return 1 if tally.n_failed else 0


if __name__ == '__main__':
  app.run(main)
