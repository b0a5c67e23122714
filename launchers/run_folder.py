"""The folder of a training: what it was asked to do, what it has done, whether it is done."""

import json
import os
import tempfile
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import gin

from launchers.console import say
from stroke_tfds import files
from stroke_tfds.errors import InputError

_BEFORE_WORK = {'config.gin', 'operative_config.gin'}
_held: dict[Path, AbstractContextManager[None]] = {}  # Folders of this process -> their locks.


def output_folder(workdir: str | os.PathLike[str]) -> Path:
  """The folder of a command that only looks and compares, made when it is not there.

  Raises:
    InputError: It is a file.
  """
  folder = Path(workdir)
  if folder.exists() and not folder.is_dir():
    raise InputError(f'{workdir} is a file, expected a folder for the comparison')
  folder.mkdir(parents=True, exist_ok=True)
  return folder


FAILED = 'failed.json'  # Of a training that cannot come out right.


class RunFolder:
  """A workdir with config.gin, checkpoints/, tensorboard/, metrics.csv, samples/, bundle/.

  Args:
    path: The workdir; made when it is not there.
    is_chief: Whether this process writes it. Another one of the same training does all that the
      chief does, but in a folder that is thrown away.

  Raises:
    InputError: The folder holds another configuration than the one asked for now, with which a run has
      made something; or another program runs in it.
  """

  def __init__(self, path: str | os.PathLike[str], is_chief: bool = True):
    self.checkpoints_to_resume = Path(path) / 'checkpoints'
    self._finished = Path(path) / 'finished.json'
    if not is_chief:
      # Lives as long as the object.
      self._thrown_away = tempfile.TemporaryDirectory()
    self.path = Path(path if is_chief else self._thrown_away.name)
    config = self.path / 'config.gin'
    asked = gin.config_str()
    held = _names(self.path) if self.path.exists() else set()
    if held and config.name not in held:
      raise InputError(
        f'{self.path}: holds files but no config.gin, expected an empty or new folder, or a run'
      )
    if is_chief and self.path.is_dir():
      _hold(self.path)
    if config.exists() and not _has_made_nothing(self.path):
      _refuse_difference(config, asked)
    elif config.exists():
      files.write_whole(config, asked.encode())
    else:
      with files.errors_named(self.path):
        self.path.mkdir(parents=True, exist_ok=True)
      if is_chief:
        _hold(self.path)
      files.write_whole(config, asked.encode())

  @property
  def checkpoints(self) -> Path:
    return self.path / 'checkpoints'

  @property
  def tensorboard(self) -> Path:
    return self.path / 'tensorboard'

  @property
  def samples(self) -> Path:
    return self.path / 'samples'

  @property
  def metrics(self) -> Path:
    return self.path / 'metrics.csv'

  @property
  def bundle(self) -> Path:
    return self.path / 'bundle'

  def is_finished(self) -> bool:
    """Whether the run has ended; says so."""
    if self._finished.exists():
      say(f'{self.path} is finished: {self._finished.read_text().strip()}')
    return self._finished.exists()

  def write_operative_config(self) -> str:
    """Writes the gin values that were really used; call it once the model is built."""
    text = gin.operative_config_str()
    (self.path / 'operative_config.gin').write_text(text)
    return text

  def finish(self, facts: dict[str, Any]) -> None:
    """Marks the run as ended, with its results."""
    files.write_whole(self.path / self._finished.name, (json.dumps(facts) + '\n').encode())
    say(f'{self.path} is finished: {json.dumps(facts)}')

  def fail(self, reason: str) -> None:
    """Marks the run as one that cannot come out right."""
    files.write_whole(self.path / FAILED, (json.dumps({'reason': reason}) + '\n').encode())


def _hold(folder: Path) -> None:
  """Keeps other programs out of the folder until this one ends."""
  folder = folder.resolve()
  if folder not in _held:
    lock = files.locked(folder / '.lock')
    lock.__enter__()
    _held[folder] = lock


def _has_made_nothing(folder: Path) -> bool:
  """Whether a run ended before its work began, as one with a mistake in its command does."""
  return _names(folder) <= _BEFORE_WORK


def _names(folder: Path) -> set[str]:
  """Of what lies in a folder, without hidden files."""
  return {file.name for file in folder.iterdir() if not file.name.startswith('.')}


def _refuse_difference(config: Path, asked: str) -> None:
  found_lines, asked_lines = _bindings(config.read_text()), _bindings(asked)
  for line in asked_lines:
    if line not in found_lines:
      name = line.split('=')[0].strip()
      there = [other for other in found_lines if other.split('=')[0].strip() == name]
      raise InputError(
        f'{config.parent} holds another configuration: it has {there[0] if there else f"no {name}"!r}, '
        f'asked for is {line!r}; repeat its command or name another --workdir'
      )
  for line in found_lines:
    if line not in asked_lines:
      raise InputError(
        f'{config.parent} holds another configuration: it has {line!r}, now absent; '
        'repeat its command or name another --workdir'
      )


def _bindings(text: str) -> list[str]:
  lines = text.replace('\\\n', ' ').splitlines()
  return [' '.join(line.split()) for line in lines if line.strip() and not line.startswith('#')]
