"""Commands of a chain, each run once: what is done is not done again, whoever did it."""

import contextlib
import dataclasses
import fcntl
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from launchers.console import say, shell_line
from launchers.gin_files import gin_lines, gin_values, import_options
from stroke_tfds import files
from stroke_tfds.errors import InputError

_LOOK_AGAIN_SECONDS = 0.2
# As workdirs that were begun before know a setting -> as it is known now.
_RENAMED = {'train_unet.window': 'train_unet.evaluated_epochs'}


@dataclasses.dataclass(frozen=True)
class Stage:
  """A command with a name for people.

  Attributes:
    name: Unique in its chain.
    command: Program and arguments.
    product: Folder that the stage fills.
    mark: Pattern in that folder of the file that is written last.
    settings: What else decides the product, as lines of gin; a done stage is refused under others.
    lock: File that other chains with the same product lock as well; one of the chain when None.
  """

  name: str
  command: Sequence[str]
  product: Path
  mark: str
  settings: tuple[str, ...] = ()
  lock: Path | None = None

  def is_done(self) -> bool:
    return any(self.product.glob(self.mark))

  def __str__(self) -> str:
    program = Path(self.command[0]).name
    return shell_line([program, *self.command[1:]])


class StageRunner:
  """Runs stages and keeps what each took, a file per stage in a folder, for later starts.

  Args:
    folder: Of the chain alone; processes that work on one chain share it.
  """

  def __init__(self, folder: Path):
    self._folder = folder
    self._running: set[int] = set()
    self._is_stopped = False

  def seconds(self) -> dict[str, float]:
    """Wall-clock seconds by stage, all its starts together but those that were killed."""
    facts = [read_facts(path) for path in sorted(self._folder.glob('*.json'))]
    return {stage['name']: stage['seconds'] for stage in facts if stage['seconds']}

  def run(
    self, stage: Stage, to_log: bool = False, environment: Mapping[str, str] | None = None
  ) -> bool:
    """Runs a stage unless its product is there; waits where another process is at it.

    Args:
      stage: What to run.
      to_log: Whether its output goes to a file in the folder rather than to the terminal.
      environment: Variables that it sees besides those of this process.

    Returns:
      Whether it was run now.

    Raises:
      InputError: The command failed; its own message stands above, or in the log. Or the stage was run
        before with other settings.
    """
    self._folder.mkdir(parents=True, exist_ok=True)
    with self._alone(stage) as lock:
      before = self._read(stage)
      if stage.is_done():
        _check_settings(stage, before.get('settings', stage.settings))
        say(f'{stage.name}: done already ({stage.product})')
        return False
      say(f'{stage.name}\n  {stage}')
      seconds_before = before.get('seconds', 0.0)
      # Now, for a child that ends after this process.
      self._write(stage, seconds_before)
      log = self._file(stage, 'log') if to_log else None
      start = time.monotonic()
      status, peak_kib = self._call(stage.command, lock, log, environment or {})
      if status:
        raise InputError(
          f'{stage.name}: ended with exit status {status}: {stage}{_last_line(log) if log else ""}'
        )
      seconds, peak_gib = time.monotonic() - start, peak_kib / 2**20
      # 0 stands for a stage that has not ended under our eyes.
      self._write(stage, seconds_before + max(seconds, 0.1), peak_gib)
      say(f'{stage.name}: {seconds:.1f} s, {peak_gib:.2f} GiB')
      return True

  @contextlib.contextmanager
  def stopped_if_interrupted(self) -> Iterator[None]:
    """Around threads that run stages: an interruption of this one ends their commands."""
    try:
      yield
    except KeyboardInterrupt:
      self._is_stopped = True
      for process_id in list(self._running):
        # Its thread may just have seen its end.
        with contextlib.suppress(ProcessLookupError):
          os.kill(process_id, signal.SIGTERM)
      raise

  def _call(
    self, command: Sequence[str], lock: int, log: Path | None, environment: Mapping[str, str]
  ) -> tuple[int, int]:
    """Exit status, and the largest memory in KiB."""
    with contextlib.ExitStack() as stack:
      output = stack.enter_context(log.open('a')) if log else None
      try:
        process = subprocess.Popen(
          command,
          stdout=output,
          stderr=output and subprocess.STDOUT,
          env={**os.environ, **environment},
          pass_fds=[lock],
        )
      except FileNotFoundError as error:
        raise InputError(f'{command[0]}: no such program, expected it on the PATH') from error
      self._running.add(process.pid)
      try:
        if self._is_stopped:
          process.terminate()
        _, status, usage = os.wait4(process.pid, 0)
      except BaseException:
        process.kill()
        raise
      finally:
        self._running.discard(process.pid)
    process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, usage.ru_maxrss

  def _read(self, stage: Stage) -> dict[str, Any]:
    path = self._file(stage, 'json')
    return read_facts(path) if path.exists() else {}

  def _write(self, stage: Stage, seconds: float, peak_gib: float = 0.0) -> None:
    facts = {
      'name': stage.name,
      'seconds': round(seconds, 1),
      'peak_memory_gib': round(peak_gib, 2),
      'settings': stage.settings,
    }
    files.write_whole(self._file(stage, 'json'), (json.dumps(facts) + '\n').encode())

  @contextlib.contextmanager
  def _alone(self, stage: Stage) -> Iterator[int]:
    """Holds the stage's lock, which a child inherits: it outlives a killed parent with the child."""
    path = stage.lock or self._file(stage, 'lock')
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open('w') as file:
      try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
      except BlockingIOError:
        say(f'{stage.name}: another process is at it, waiting')
        self._wait_for(file, stage)
      self._check_goes_on(stage)
      yield file.fileno()

  def _wait_for(self, file: IO[str], stage: Stage) -> None:
    """Takes a lock that another process has; looks again and again, since this one may be stopped."""
    while True:
      self._check_goes_on(stage)
      try:
        return fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
      except BlockingIOError:
        time.sleep(_LOOK_AGAIN_SECONDS)

  def _check_goes_on(self, stage: Stage) -> None:
    if self._is_stopped:
      raise InputError(f'{stage.name}: interrupted')

  def _file(self, stage: Stage, kind: str) -> Path:
    return self._folder / f'{slug(stage.name)}.{kind}'


def read_facts(path: Path) -> dict[str, Any]:
  """What is kept of a stage.

  Raises:
    InputError: The file is damaged.
  """
  try:
    facts = files.read_json(path)
    lines = facts.get('settings', [])
    if isinstance(facts['name'], str) and all(isinstance(line, str) for line in lines):
      return {**facts, 'seconds': float(facts['seconds'])}
    raise ValueError('other values than a stage has')
  except (ValueError, TypeError, KeyError, AttributeError) as error:
    raise InputError(f'{path}: damaged ({error}); delete it, the same command goes on') from error


def _check_settings(stage: Stage, before: Sequence[str]) -> None:
  """A stage whose settings were changed must not go by what the old ones made."""
  if tuple(before) == stage.settings:
    return
  earlier, asked = _named_as_now(gin_values(before)), gin_values(stage.settings)
  for name in dict.fromkeys([*earlier, *asked]):
    one, other = (f'{name} = {of[name]!r}' if name in of else 'nothing' for of in (earlier, asked))
    if one != other:
      raise InputError(
        f'{stage.name}: {stage.product} was made with {one!r}, asked for is {other!r}; expected the '
        'same settings, another name or another --workdir'
      )


def _named_as_now(settings: Mapping[str, Any]) -> dict[str, Any]:
  return {_RENAMED.get(name, name): value for name, value in settings.items()}


def slug(name: str) -> str:
  """A name as a file's: `clinical + SPADE` becomes `clinical_SPADE`."""
  return '_'.join(re.findall(r'[\w.-]+', name))


def build(name: str, product: str, options: Sequence[str], data_dir: str) -> Stage:
  """`tfds build` of a data set.

  Args:
    name: Of the stage.
    product: TFDS name with its config.
    options: What stands after `tfds build`.
    data_dir: TFDS data folder.
  """
  tfds = Path(sys.executable).with_name('tfds')
  command = [
    str(tfds) if tfds.exists() else tfds.name,
    'build',
    '--imports',
    'stroke_tfds',
    *options,
    '--data_dir',
    data_dir,
  ]
  # Not the folder of a build that was killed, `incomplete.*`.
  mark, lock = '[0-9]*/dataset_info.json', Path(data_dir) / f'.{slug(product)}.lock'
  return Stage(name, command, Path(data_dir) / product, mark, lock=lock)


def train(
  name: str, launcher: str, gin_file: str, folder: Path, data_dir: str, bindings: Sequence[str] = ()
) -> Stage:
  """A launcher that trains, with a gin file and bindings over it."""
  options = [f'--gin_file={gin_file}', *(f'--gin_bindings={line}' for line in bindings)]
  command = launch(launcher, folder, data_dir, [*options, *import_options()])
  # The folder of a run to start from may have been moved since.
  values = [re.sub(r"(\.start = ').*/", r'\1', line) for line in bindings]
  return Stage(name, command, folder, 'finished.json', (*gin_lines(gin_file), *values))


def launch(launcher: str, folder: Path, data_dir: str, options: Sequence[str]) -> list[str]:
  """The command of a launcher of this package."""
  command = [sys.executable, '-m', f'launchers.{launcher}', *options]
  return [*command, f'--workdir={folder}', f'--data_dir={data_dir}']


def _last_line(log: Path) -> str:
  lines = [line for line in log.read_text(errors='replace').splitlines() if line.strip()]
  return f'; {log} ends in: {lines[-1] if lines else "nothing"}'
