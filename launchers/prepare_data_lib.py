"""Prepares a cohort case by case, in parallel, and says what became of each."""

import contextlib
import dataclasses
import functools
import signal
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import tqdm

from launchers import subject_pool
from launchers.console import say, say_interrupted
from launchers.prepare_options import Options, folders, read_patterns, read_settings
from launchers.reports.quality.page import write_page
from stroke_tfds.errors import InputError, printable
from stroke_tfds.preparation import dicom, quality, sessions
from stroke_tfds.preparation.case import hash_inputs, prepare_case
from stroke_tfds.preparation.find_cases import Case, Problem, find_cases
from stroke_tfds.preparation.folder import PreparedFolder, Settings
from stroke_tfds.preparation.tables import (
  FAILED,
  PREPARED,
  SUSPICIOUS,
  CaseRecord,
  Participant,
)

_TABLES_EVERY_S = 60
_PRELOAD = ('launchers.prepare_data_lib',)


@dataclasses.dataclass(frozen=True)
class _Shared:
  """What each process needs beside the case."""

  root: Path
  output: Path
  settings: Settings
  template: quality.Template


@dataclasses.dataclass(frozen=True)
class _Failure:
  """A case that could not be prepared, or, if `fatal`, an output that cannot be written."""

  reason: str
  fatal: bool = False


def prepare_data(options: Options) -> int:
  """Prepares what is not done yet, writes tables and the quality page, prints a summary.

  Returns:
    The exit status: 0, or 1 if any case failed, or 130 after Ctrl-C.

  Raises:
    InputError: Options that do not fit, an input without cases, an output that another run writes,
      or a full disk.
  """
  settings = read_settings(options)
  root, output = folders(options)
  with _found(options, root, settings.contrasts) as (readable, cases, problems):
    if not cases:
      reasons = _told(problems[0]) if problems else 'there is none'
      raise InputError(
        f'{root}: no case fits the layout of {options.source} ({reasons}); see --help for the layouts'
      )
    folder = PreparedFolder.create(output, settings)
    with folder.locked():
      shared = _Shared(readable, output, settings, quality.load_template(settings.grid))
      _write_key(output, [*cases, *problems])
      return _prepare_all(_Run(readable, folder, cases, problems), shared, options)


@contextlib.contextmanager
def _found(
  options: Options, root: Path, contrasts: tuple[str, ...]
) -> Iterator[tuple[Path, list[Case], list[Problem]]]:
  """The folder that files lie in, cases and problems; DICOM files are converted for that time."""
  find = functools.partial(
    find_cases, options.source, contrasts=contrasts, without_mask=options.without_mask
  )
  if options.source != dicom.SOURCE:
    yield root, *find(root)
    return
  with dicom.as_bids(root, contrasts, read_patterns(options), options.workers) as converted:
    yield converted.root, *dicom.name_folders(converted, root, find)


def _told(problem: Problem) -> str:
  where = f' [{problem.where}]' if problem.where not in ('', problem.case_id) else ''
  return f'{problem.case_id}: {problem.reason}{where}'


def _write_key(output: Path, found: list[Case | Problem]) -> None:
  """Keeps which case is which session for the owner: the folder itself has numbers alone."""
  labels = {one.case_id: one.session for one in found if one.session}
  if not labels:
    return
  try:
    say(
      f'{sessions.write_key(output, labels)} says which case is what in the input: keep it to yourself'
    )
  except InputError as error:
    say(f'which case is what in the input is written nowhere: {error}')


def _prepare_all(run: '_Run', shared: _Shared, options: Options) -> int:
  signal.signal(signal.SIGTERM, signal.default_int_handler)  # As batch queues end a job.
  try:
    run.prepare(shared, options.workers)
  except KeyboardInterrupt:
    run.write_tables()
    return say_interrupted()
  run.write_tables()
  run.print_summary()
  page = write_page(run.folder, viewer=options.viewer)
  if run.count(SUSPICIOUS):
    say(
      f'{run.count(SUSPICIOUS)} suspicious cases will be left out of data sets, unless built with '
      '"with_suspicious": true'
    )
  say(f'look at {page} before you use the data')
  return 1 if run.count(FAILED) else 0


class _Run:
  """One start of the program: what is known of each case."""

  def __init__(self, root: Path, folder: PreparedFolder, cases: list[Case], problems: list[Problem]):
    self.folder = folder
    self._root = root
    self._cases = {case.case_id: case for case in cases}
    self._failures = {}
    for problem in problems:
      self._fail(problem.case_id, problem.reason, problem.where)
    self._done = {case.case_id for case in cases if self._is_done(case)}
    self._records: dict[str, CaseRecord] = {}

  def _is_done(self, case: Case) -> bool:
    """Whether nothing is left to do, and the group that an empty mask gave it is still allowed."""
    if not self.folder.is_done(case.case_id, hash_inputs(case)):
      return False
    return self.folder.sidecar(case.case_id)['group'] in (case.group, case.group_if_empty)

  def prepare(self, shared: _Shared, n_workers: int) -> None:
    """Prepares the cases that are not done; stops when the disk is full."""
    waiting = [case for case in self._cases.values() if case.case_id not in self._done]
    say(
      f'{len(self._cases) + len(self._failures)} cases: {len(self._done)} done, '
      f'{len(waiting)} to prepare, {len(self._failures)} cannot be read'
    )
    if not waiting:
      return
    results = subject_pool.run(_prepare, shared, waiting, n_workers, _PRELOAD)
    written = time.monotonic()
    for case, result in tqdm.tqdm(results, total=len(waiting), unit='case', file=sys.stderr):
      if result is None:
        self._done.add(case.case_id)
      else:
        self._take_failure(case, result)
      if time.monotonic() - written > _TABLES_EVERY_S:
        self.write_tables()
        written = time.monotonic()

  def _take_failure(self, case: Case, result: Any) -> None:
    if isinstance(result, _Failure) and result.fatal:
      raise InputError(
        f'{result.reason}; {len(self._done)} cases are done and kept, the same command goes on'
      )
    if isinstance(result, subject_pool.Raised):
      say(result.trace)
    path = case.files.get(result.reason.split(':')[0])
    self._fail(case.case_id, result.reason, str(path.relative_to(self._root)) if path else '')

  def _fail(self, case_id: str, reason: str, where: str) -> None:
    self._failures[case_id] = reason
    told = f'{case_id} failed: {reason}' + (f' [{where}]' if where and where != case_id else '')
    say(printable(told))

  def write_tables(self) -> None:
    """Writes both tables as far as things are known."""
    records = [CaseRecord(case_id, FAILED, reason) for case_id, reason in self._failures.items()]
    participants, first_of = [], {}
    for case_id in sorted(self._done):
      sidecar, case = self.folder.sidecar(case_id), self._cases[case_id]
      twin = first_of.setdefault(sidecar['image_sha256'], case)
      if twin.subject != case.subject:
        reason = f'the same image as {twin.case_id}, expected another scan for another subject'
        records.append(CaseRecord(case_id, FAILED, reason))
        continue
      status = SUSPICIOUS if sidecar['suspicions'] else PREPARED
      records.append(_record(case_id, status, sidecar))
      group = sidecar['group']  # An empty mask may have changed it.
      participants.append(Participant(case.subject, case_id, group, case.split, status))
    self._records = {record.case_id: record for record in records}
    self.folder.write_tables(participants, records)

  def count(self, status: str) -> int:
    return sum(record.status == status for record in self._records.values())

  def print_summary(self) -> None:
    """Prints how many cases are of which status, and the reason of each that is not good."""
    print('\n'.join(map(printable, _summary(self._records.values()))))


def _record(case_id: str, status: str, sidecar: dict[str, Any]) -> CaseRecord:
  figures, suspicions = sidecar['quality'], sidecar['suspicions']
  reason = '; '.join(f'{name} is {figures[name]:g}, {text}' for name, text in suspicions.items())
  return CaseRecord(case_id, status, reason, sidecar['seconds'], figures)


def _summary(records: Iterable[CaseRecord]) -> list[str]:
  lines = []
  for status in (PREPARED, SUSPICIOUS, FAILED):
    of_it = sorted((r for r in records if r.status == status), key=lambda record: record.case_id)
    lines.append(f'{status:<12}{len(of_it):>6}')
    if status != PREPARED:
      lines += [f'  {record.case_id:<24} {record.reason}' for record in of_it]
  return lines


def _prepare(shared: _Shared, case: Case) -> _Failure | None:
  """Prepares and writes one case; runs in a process of its own."""
  started = time.monotonic()
  inputs = hash_inputs(case)  # Before the files are read: a change meanwhile is then noticed.
  try:
    made = prepare_case(case, shared.settings, shared.root, shared.template)
  except InputError as error:
    return _Failure(str(error))
  facts = {'seconds': round(time.monotonic() - started, 1), 'inputs': inputs, **made.facts}
  try:
    folder = PreparedFolder(shared.output)
    folder.write_case(case.case_id, made.image, made.labels, made.lesion_fraction, facts)
  except InputError as error:
    return _Failure(str(error), fatal=True)
  return None
