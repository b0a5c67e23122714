"""What the scripts share: samples, data sets, bundles of the demo, the table that a script leaves."""

import csv
import json
import math
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from launchers import stages
from stroke_tfds import files

ROOT = Path(__file__).resolve().parents[1]
MEASUREMENTS = ROOT / 'docs' / 'measurements'
RUNS = ROOT / 'runs' / 'experiments'
DATA_DIR = ROOT / 'runs' / 'data'  # Where `make demo` has its data sets.
DEMO = ROOT / 'runs' / 'demo'
_ISLES = 'sub-strokecase0009/ses-0001/sub-strokecase0009_ses-0001'
_OF_AN_ARM = ('dice_mean', 'lesion_precision', 'lesion_recall', 'false_positive_ml')


def samples(name: str) -> Path:
  """A folder of real samples: soop_masks, isles22, healthy_dwi or synthseg.

  Raises:
    SystemExit: KERAS_ITM_SAMPLES names no folder that has it.
  """
  folder = Path(os.environ.get('KERAS_ITM_SAMPLES', '')) / name
  if 'KERAS_ITM_SAMPLES' not in os.environ or not folder.is_dir():
    raise SystemExit(f'KERAS_ITM_SAMPLES: expected a folder that holds {name}')
  return folder


def run(module: str, *arguments: str) -> None:
  """Runs a launcher in the root of the repository; ends with its error, if it has one."""
  subprocess.run([sys.executable, '-m', module, *arguments], cwd=ROOT, check=True)


def build(dataset: str, config: Mapping[str, Any] | None = None, manual_dir: Path | None = None) -> str:
  """Builds a data set in DATA_DIR by `tfds build`, unless it is there; returns `name/config`."""
  tfds = Path(sys.executable).with_name('tfds')
  command = [str(tfds), 'build', '--imports', 'stroke_tfds', dataset, '--data_dir', str(DATA_DIR)]
  command += ['--config', json.dumps(config)] if config else []
  command += ['--manual_dir', str(manual_dir)] if manual_dir else []
  found = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
  name = re.search(r"full_name='([^']+)/[\d.]+'", found.stdout)
  if found.returncode or not name:
    raise SystemExit(found.stdout)
  return name[1]


def demo_bundle(kind: str) -> Path:
  """The bundle of a kind (translator, lesion_generator or segmenter) that `make demo` left.

  Raises:
    SystemExit: There is none.
  """
  for file in sorted(DEMO.glob('**/bundle/bundle.json')):
    if json.loads(file.read_text())['kind'] == kind:
      return file.parent
  raise SystemExit(f'{DEMO}: no bundle of a {kind}, expected what `make demo` leaves')


def compare_lesions(bundle: Path, masks: str, workdir: Path) -> list[dict[str, Any]]:
  """Rows of a table: draws of a lesion generator beside the test masks of its data set."""
  run(
    'launchers.compare_lesions',
    f'--workdir={workdir}',
    f'--data_dir={DATA_DIR}',
    f'--gin_bindings=compare_lesions.generator = "{bundle}"',
    f'--gin_bindings=compare_lesions.training = "{masks}:train"',
    f'--gin_bindings=compare_lesions.held_out = "{masks}:test"',
    '--gin_bindings=compare_lesions.shown = ["generated"]',
  )
  facts = json.loads((workdir / 'lesions.json').read_text())
  rows = [{'what': 'pass_rate', 'generated': facts['pass_rate'], 'held_out': '', 'training': ''}]
  for what, value in facts['sets']['generated'].items():
    if isinstance(value, float | int):
      rows.append({'what': what, **{name: of[what] for name, of in facts['sets'].items()}})
  for side in facts['sets']['generated']['laterality']:
    of_side = {name: of['laterality'][side] for name, of in facts['sets'].items()}
    rows.append({'what': side, **of_side})
  return rows


def arms_of(study: Path) -> Iterator[dict[str, Any]]:
  """Rows of a table: measures of each arm of a study, its differences with simultaneous intervals."""
  with (study / 'table.csv').open(newline='') as stream:
    arms = list(csv.DictReader(stream))
  statistics = json.loads((study / 'statistics.json').read_text())
  claims = {row['arm']['name']: row['claims'] for row in statistics['rows']}
  for arm in arms:
    for key in _OF_AN_ARM:
      yield row_of(arm['arm'], key, float(arm[key]))
    for claim in claims[arm['arm']]:
      found = claim['difference']
      interval = f'{found["low"]:.3f} to {found["high"]:.3f}'
      yield row_of(arm['arm'], f'dice minus that of {claim["other"]}', found['mean'], interval)


def measures_of(study: Path) -> list[dict[str, Any]]:
  """The same, and where the samples are named, Dice of a real stroke by each arm beside its ceiling."""
  rows = list(arms_of(study))
  if 'KERAS_ITM_SAMPLES' in os.environ:
    for arm in dict.fromkeys(row['of'] for row in rows):
      real = segment_isles(study, arm)
      note = f'ceiling {real["dice_ceiling"]}'
      rows.append(row_of(arm, 'dice of the ISLES sample', real['dice'], note))
  return rows


def segment_isles(study: Path, arm: str) -> dict[str, float]:
  """What `segment` says of the real stroke of the samples, by an arm of a study's first seed."""
  isles, workdir = samples('isles22'), study / 'isles' / stages.slug(arm)
  shutil.rmtree(workdir, ignore_errors=True)
  run(
    'launchers.segment',
    f'--bundle={study / "seed_0" / stages.slug(arm) / "bundle"}',
    f'--image={isles / "rawdata" / f"{_ISLES}_dwi.nii.gz"}',
    f'--mask={isles / "derivatives" / f"{_ISLES}_msk.nii.gz"}',
    f'--workdir={workdir}',
  )
  return json.loads((workdir / 'finished.json').read_text())


def row_of(of: str, what: str, value: float, note: str = '') -> dict[str, Any]:
  """A row of a table with a line for each measure of each thing measured."""
  return {'of': of, 'what': what, 'value': float(value), 'note': note}


def write_table(script: str, rows: Sequence[Mapping[str, Any]]) -> Path:
  """Writes docs/measurements/NAME.csv of a script (its `__file__`), floats to four digits."""
  file = MEASUREMENTS / f'{Path(script).stem}.csv'
  file.parent.mkdir(exist_ok=True)
  files.write_csv(file, [{key: _cell(value) for key, value in row.items()} for row in rows])
  print(file.read_text(), end='')
  return file


def _cell(value: Any) -> Any:
  if not isinstance(value, float):
    return value
  return f'{value:.4g}' if math.isfinite(value) else ''
