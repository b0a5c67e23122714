"""Beam's workers make the parts of a set, into the folder where a build keeps what it has made.

That folder is in the data folder, which all workers share. TFDS' own writer for Beam would divide the
examples among files in another way than a build on one machine does.
"""

import dataclasses
import re
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
_BY_BEAM = re.compile(r' \[while running .*')


def make_parts(builder: Any, config: tfds.download.DownloadConfig) -> None:
  """Has the parts made that are not there yet.

  Args:
    builder: A `ResumableBuilder`, whose module imports this one.
    config: With Beam's runner and options.

  Raises:
    InputError: What a worker refuses, such as a bundle that it does not find; or a folder that workers
      do not share.
  """
  n_parts = sum(map(len, builder.parts_by_split().values()))
  missing = builder.cache.missing(n_parts)
  starts = sorted({index - index % _AT_A_TIME for index in missing})
  chunks = [(start, min(start + _AT_A_TIME, n_parts)) for start in starts]
  if not chunks:
    return
  options = config.beam_options or PipelineOptions()
  try:
    with beam.Pipeline(runner=config.beam_runner, options=options) as pipeline:
      worker = _Worker(type(builder), builder._original_state)
      _ = pipeline | beam.Create(chunks) | beam.Reshuffle() | 'Parts' >> beam.ParDo(worker)
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
