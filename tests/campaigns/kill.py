"""Kills builds, trainings, preparations and studies at random times, until each ends: the bytes stay.

  python -m tests.campaigns.kill --seconds=900 --seed=0

Each job is run once undisturbed, then again and again in a fresh folder with SIGKILL at random times,
restarted until it ends by itself; what it leaves is compared with the undisturbed one's, byte for byte.
Prints one line and ends with status 0, or names each job that failed, differed or left something over,
and ends with 1.
"""

import os
import random
import runpy
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

from absl import app, flags

_SECONDS = flags.DEFINE_float('seconds', 900, 'No round begins after this time.', 0)
_SEED = flags.DEFINE_integer('seed', 0, 'Of the times at which is killed.')
_ONLY = flags.DEFINE_list('only', [], 'Jobs; all when absent.')
_ROUNDS = flags.DEFINE_integer('rounds', 1000, 'Rounds over all jobs, at most.', 1)

_MAX_KILLS = 6
_POLL_S = 0.02
_OF_LAUNCHERS = ('gin_file', 'gin_bindings', 'gin_imports', 'workdir', 'data_dir')
_NOT_OF_PROGRAMS = ('seconds', 'seed', 'only', 'rounds')
# Imported once: a start then costs a fraction of a second.
_PRELOADED = (
  *('train_itm_lib', 'train_unet_lib', 'train_lesion_gan_lib'),
  *('prepare_data_lib', 'run_study_lib'),
)


def start(module: str, arguments: list[str], log: Path) -> int:
  """Runs a program in a fork of this process, which has run nothing of TensorFlow's; its id."""
  pid = os.fork()
  if pid:
    return pid
  os.setsid()
  _write_to(log)
  status = 1
  try:
    for name in list(flags.FLAGS):
      if name in _NOT_OF_PROGRAMS or (module.startswith('tensorflow') and name in _OF_LAUNCHERS):
        delattr(flags.FLAGS, name)
    flags.FLAGS.unparse_flags()
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name='__main__', alter_sys=True)
    status = 0
  except SystemExit as end:
    status = end.code if isinstance(end.code, int) else int(bool(end.code))
  except BaseException:
    sys.excepthook(*sys.exc_info())
  os._exit(status)


def _write_to(log: Path) -> None:
  output = os.open(log, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
  os.dup2(output, 1)
  os.dup2(output, 2)


def wait(pid: int, seconds: float | None = None) -> int | None:
  """Exit status; None when it still runs after that time."""
  end = time.monotonic() + (seconds if seconds is not None else float('inf'))
  while True:
    ended, status = os.waitpid(pid, os.WNOHANG)
    if ended:
      return os.waitstatus_to_exitcode(status)
    if time.monotonic() >= end:
      return None
    time.sleep(_POLL_S)


class Campaign:
  """Rounds of kills over jobs.

  Args:
    folder: Work, logs and what failed.
    seed: Of the times.
  """

  def __init__(self, folder: Path, seed: int):
    self._folder, self._random = folder, random.Random(seed)
    self.n_kills = self.n_rounds = 0
    self.problems: list[str] = []

  def undisturbed(self, name: str, make) -> tuple[float, dict[str, str]] | None:
    """Seconds and digest of a job that is let alone; None if it fails."""
    job, log, begun = make(self._work(name)), self._folder / f'{name}.log', time.monotonic()
    status = wait(start(job.module, list(job.flags), log))
    if status:
      self.problems.append(f'{name}: cannot be run, status {status}: {_last_line(log)}')
      return None
    return time.monotonic() - begun, job.digest()

  def round(self, name: str, make, seconds: float, wanted: dict[str, str]) -> None:
    """Kills a job up to six times, lets it end, and compares."""
    job, log = make(self._work(name)), self._folder / f'{name}.{self.n_rounds}.log'
    self.n_rounds += 1
    for kill in range(_MAX_KILLS + 1):
      pid = start(job.module, list(job.flags), log)
      longest = seconds * (1.0 if kill == 0 else 0.9)
      status = wait(pid, self._random.uniform(0, longest) if kill < _MAX_KILLS else None)
      if status is not None:
        break
      whole = job.sharing and self._random.random() < 0.5
      (os.killpg if whole else os.kill)(pid, signal.SIGKILL)
      wait(pid)
      self.n_kills += 1
    self._compare(name, status, job, wanted, log)

  def _compare(self, name: str, status: int | None, job, wanted: dict[str, str], log: Path) -> None:
    if status:
      self.problems.append(f'{name}: exit status {status}: {_last_line(log)}')
      return
    found = job.digest()
    differ = sorted(key for key in wanted.keys() | found.keys() if wanted.get(key) != found.get(key))
    if differ:
      self.problems.append(f'{name}: {len(differ)} differ or are left over, such as {differ[:3]}')

  def _work(self, name: str) -> Path:
    work = self._folder / name / 'work'  # The same each time: it stands in provenance and logs.
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    return work


def _last_line(log: Path) -> str:
  lines = [line for line in log.read_text(errors='replace').splitlines() if line.strip()]
  return lines[-1][:300] if lines else 'nothing was said'


def in_fork(call, log: Path) -> None:
  """Does what starts TensorFlow's threads in another process: they would not survive a fork."""
  pid = os.fork()
  if not pid:
    status = 1
    try:
      _write_to(log)
      call()
      status = 0
    finally:
      os._exit(status)
  if wait(pid):
    raise RuntimeError('the cohort could not be made')


def run(folder: Path, seconds: float, seed: int, only: list[str], rounds: int) -> tuple[int, str]:
  """Exit status, and what to print."""
  import importlib

  from tests.campaigns.kill_jobs import Jobs, make_base

  for module in _PRELOADED:
    importlib.import_module(f'launchers.{module}')
  in_fork(lambda: make_base(folder / 'base'), folder / 'base.log')
  jobs = Jobs(folder / 'base').all()
  unknown = sorted(set(only) - set(jobs))
  if unknown:
    raise app.UsageError(f'job {unknown[0]!r} is unknown, expected some of {list(jobs)}')
  jobs = {name: jobs[name] for name in only or jobs}
  campaign, begun = Campaign(folder, seed), time.monotonic()
  known = {name: campaign.undisturbed(name, make) for name, make in jobs.items()}
  for _ in range(rounds):
    for name, make in jobs.items():
      if known[name] and time.monotonic() - begun < seconds:
        campaign.round(name, make, *known[name])
  line = (
    f'kill: {campaign.n_kills} kills in {campaign.n_rounds} rounds of {len(jobs)} jobs, seed {seed}, '
    f'{time.monotonic() - begun:.0f} s: {len(campaign.problems)} failed'
  )
  return int(bool(campaign.problems)), '\n'.join([*campaign.problems, line])


def main(argv: list[str]) -> int:
  os.environ.update(CUDA_VISIBLE_DEVICES='', TF_CPP_MIN_LOG_LEVEL='3')
  folder = Path(tempfile.mkdtemp(prefix='keras_itm_kill_'))
  status, text = run(folder, _SECONDS.value, _SEED.value, _ONLY.value, _ROUNDS.value)
  print(text)
  if status:
    print(f'logs are in {folder}')
  else:
    shutil.rmtree(folder)
  return status


if __name__ == '__main__':
  app.run(main)
