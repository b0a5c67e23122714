"""Beam's workers make the parts of a set, into the folder where a build keeps what it has made.

That folder is in the data folder, which all workers share. TFDS' own writer for Beam would divide the
examples among files in another way than a build on one machine does.
"""

import contextlib
import dataclasses
import re
import signal
import threading
import traceback
from collections.abc import Iterator
from typing import Any

import apache_beam as beam
import tensorflow_datasets as tfds
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.utils.shared import Shared

from stroke_tfds.errors import InputError

_AT_A_TIME = 8
# A worker's error arrives as it is, or as the last line of a traceback.
_TOLD = re.compile(r'(?:^|\n)[\w.]*(?:InputError|BundleError|LesionDrawError): (.+)')
_EXITED = re.compile(r'Worker subprocess exited')
_BY_BEAM = re.compile(r' \[while running .*')


def make_parts(builder: Any, config: tfds.download.DownloadConfig) -> None:
  """Has the parts made that are not there yet.

  Args:
    builder: A `ResumableBuilder`, whose module imports this one.
    config: With Beam's runner and options.

  Raises:
    InputError: What a worker refuses, such as a bundle that it does not find; a worker that was killed;
      or a folder that workers do not share.
  """
  n_parts = sum(map(len, builder.parts_by_split().values()))
  missing = builder.cache.missing(n_parts)
  starts = sorted({index - index % _AT_A_TIME for index in missing})
  chunks = [(start, min(start + _AT_A_TIME, n_parts)) for start in starts]
  if not chunks:
    return
  options = config.beam_options or PipelineOptions()
  worker = _Worker(type(builder), builder._original_state)
  try:
    with _lost_workers_end_it(), beam.Pipeline(config.beam_runner, options) as pipeline:
      _ = pipeline | beam.Create(chunks) | beam.Reshuffle() | 'Parts' >> beam.ParDo(worker)
  except _WorkerLost as error:
    n_kept = n_parts - len(builder.cache.missing(n_parts))
    raise InputError(
      f'a Beam worker was lost ({error}); {n_kept} of {n_parts} {builder.PARTS} are kept, the same '
      'command goes on'
    ) from error
  except Exception as error:  # Each runner has its own.
    told = _told(error)
    if not told:
      raise
    raise InputError(f'a Beam worker: {told}') from error
  missing = builder.cache.missing(n_parts)
  if missing:
    raise InputError(
      f'{len(missing)} of {n_parts} {builder.PARTS} are not in {builder.cache.folder}, where Beam '
      'workers left them; expected a data folder that all workers share'
    )


class _WorkerLost(Exception):
  """Says how a process of a worker ended."""


@contextlib.contextmanager
def _lost_workers_end_it() -> Iterator[None]:
  """Beam's runner on one machine waits for ever for a process of its own that was killed.

  It tells of it by an error in a thread, which is passed on to the main one here.
  """
  if threading.current_thread() is not threading.main_thread():
    yield
    return
  main = threading.get_ident()
  lost: list[str] = []
  before = threading.excepthook

  def tell(args: threading.ExceptHookArgs) -> None:
    if not _EXITED.match(str(args.exc_value)):
      before(args)
    elif not lost:
      lost.append(str(args.exc_value))
      signal.pthread_kill(main, signal.SIGUSR1)

  def end(*_: Any) -> None:
    raise _WorkerLost(lost[0])

  threading.excepthook, handler = tell, signal.signal(signal.SIGUSR1, end)
  try:
    yield
  finally:
    threading.excepthook = before
    signal.signal(signal.SIGUSR1, handler)


def _told(error: Exception) -> str:
  found = _TOLD.findall(''.join(traceback.format_exception_only(error)))
  return _BY_BEAM.sub('', found[-1]) if found else ''


@dataclasses.dataclass
class _Opened:
  """A builder and its tools, used by one thread at a time: they take all cores by themselves."""

  builder: Any
  tools: Any
  lock: threading.Lock

  __hash__ = object.__hash__


class _Worker(beam.DoFn):
  """Makes parts; all threads of a process use the same tools."""

  def __init__(self, builder: type, state: dict[str, Any]):
    self._builder, self._state, self._shared = builder, state, Shared()

  def _open(self) -> _Opened:
    builder = self._builder(**self._state)
    builder.by_beam = True
    return _Opened(builder, builder.open_tools(), threading.Lock())

  def process(self, chunk: tuple[int, int]) -> Iterator[None]:
    opened = self._shared.acquire(self._open)
    with opened.lock:
      opened.builder.make_parts(opened.tools, range(*chunk))
    yield from ()
