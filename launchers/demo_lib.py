"""The order of the stages: data set, generators, synthetic set, segmenters, report."""

import dataclasses
import json
import os
import shlex
import subprocess
import sys
import time
from pathlib import Path

import gin

from launchers.console import say
from launchers.run_folder import RunFolder
from stroke_tfds.errors import InputError
from stroke_tfds.synthetic_stroke.config import SyntheticStrokeConfig

_SYNTHETIC = 'synthetic_stroke'


@dataclasses.dataclass(frozen=True)
class Stage:
  """A command with a name for people.

  Attributes:
    name: Names the stage in the report.
    command: Program and arguments.
    product: Folder that the stage fills.
    mark: Pattern in that folder of the file that is written last.
  """

  name: str
  command: list[str]
  product: Path
  mark: str

  def is_done(self) -> bool:
    return any(self.product.glob(self.mark))

  def __str__(self) -> str:
    program = Path(self.command[0]).name
    return shlex.join([program, *self.command[1:]])


@gin.configurable
def run_demo(
  workdir: str,
  data_dir: str | None = None,
  *,
  clinical: str = gin.REQUIRED,
  lesion_gan: str = gin.REQUIRED,
  translator: str = gin.REQUIRED,
  unet: str = gin.REQUIRED,
  num_volumes: int = gin.REQUIRED,
  n_clinical: int = gin.REQUIRED,
  seed: int = 0,
) -> None:
  """Builds, trains, synthesises, segments and reports; what is done is not done again.

  Args:
    workdir: Takes a run folder per training, report.html and summary.json.
    data_dir: TFDS data folder; `data` in the workdir when absent.
    clinical: Data set with the splits healthy, train and test.
    lesion_gan: Gin file of the lesion GAN.
    translator: Gin file of the translator.
    unet: Gin file of the segmenters.
    num_volumes: Synthetic volumes.
    n_clinical: Clinical cases that both segmenters learn from.
    seed: Of the synthetic set.
  """
  root = RunFolder(workdir).path
  data_dir = data_dir or str(root / 'data')
  config = {
    'translator': str(root / 'translator' / 'bundle'),
    'lesion_generator': str(root / 'lesion_gan' / 'bundle'),
    'healthy': clinical,
    'num_volumes': num_volumes,
    'seed': seed,
  }
  few = f'{clinical}:train[:{n_clinical}]'
  ledger = Ledger(root / 'stages.json')
  commands: dict[str, str] = {}

  def do(stage: Stage) -> None:
    commands[stage.name] = str(stage)
    ledger.run(stage)

  do(_build('clinical data set', clinical, [clinical], data_dir))
  do(_train('lesion GAN', 'train_lesion_gan', lesion_gan, root / 'lesion_gan', data_dir))
  do(_train('translator', 'train_itm', translator, root / 'translator', data_dir))
  # The name carries the bundles' fingerprints, so it is known only now.
  synthetic = f'{_SYNTHETIC}/{SyntheticStrokeConfig(**config).resolve(data_dir).name}'
  options = [_SYNTHETIC, '--config', json.dumps(config)]
  do(_build('synthetic data set', synthetic, options, data_dir))
  arms = {'clinical': [few], 'clinical + synthetic': [few, f'{synthetic}:train']}
  runs = {}
  for arm, sources in arms.items():
    runs[arm] = root / f'unet_{"_".join(arm.replace("+", "").split())}'
    do(_train(f'U-Net: {arm}', 'train_unet', unet, runs[arm], data_dir, sources=sources))
  facts = {
    'clinical': clinical,
    'synthetic': synthetic,
    'lesion_gan_run': str(root / 'lesion_gan'),
    'translator_run': str(root / 'translator'),
    'arms': {arm: str(run) for arm, run in runs.items()},
    'stage_seconds': ledger.seconds(),
    'commands': commands,
  }
  bindings = [f'write_report.{name} = {value!r}' for name, value in facts.items()]
  command = _launch('report', root, data_dir, [f'--gin_bindings={line}' for line in bindings])
  ledger.run(Stage('report', command, root, 'report.html'))
  say(f'Report: {root / "report.html"}')


class Ledger:
  """What each stage took, kept in a file, so that a second run knows it too."""

  def __init__(self, path: Path):
    self._path = path
    self._stages = json.loads(path.read_text()) if path.exists() else {}

  def seconds(self) -> dict[str, float]:
    return {name: facts['seconds'] for name, facts in self._stages.items()}

  def run(self, stage: Stage) -> None:
    """Runs a stage unless its product is there.

    Raises:
      InputError: The command failed; its own message stands above.
    """
    if stage.is_done():
      say(f'{stage.name}: done already ({stage.product})')
      return
    say(f'{stage.name}\n  {stage}')
    start = time.monotonic()
    process = subprocess.Popen(stage.command)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
      raise InputError(f'{stage.name}: ended with exit status {process.returncode}: {stage}')
    before = self._stages.get(stage.name, {'seconds': 0.0})['seconds']
    self._stages[stage.name] = {
      'seconds': round(before + time.monotonic() - start, 1),
      'peak_memory_gib': round(usage.ru_maxrss / 2**20, 2),
    }
    self._path.write_text(json.dumps(self._stages, indent=2) + '\n')
    say(f'{stage.name}: {self._stages[stage.name]}')


def _build(what: str, name: str, options: list[str], data_dir: str) -> Stage:
  tfds = str(Path(sys.executable).with_name('tfds'))
  command = [tfds, 'build', '--imports', 'stroke_tfds', *options, '--data_dir', data_dir]
  return Stage(what, command, Path(data_dir) / name, '*/dataset_info.json')


def _train(
  what: str, launcher: str, gin_file: str, folder: Path, data_dir: str, sources: list[str] = ()
) -> Stage:
  options = [f'--gin_file={gin_file}']
  if sources:
    options.append(f'--gin_bindings={launcher}.sources = {sources!r}')
  return Stage(what, _launch(launcher, folder, data_dir, options), folder, 'finished.json')


def _launch(launcher: str, folder: Path, data_dir: str, options: list[str]) -> list[str]:
  command = [sys.executable, '-m', f'launchers.{launcher}', *options]
  return [*command, f'--workdir={folder}', f'--data_dir={data_dir}']
