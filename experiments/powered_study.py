"""Does the flow help, and more than copy and paste does? The study with its controls.

Command: python -m experiments.powered_study
Hardware: 2 CPU cores.
Time: three hours for each of three seeds; --budget_hours=2.5 stops it, and it goes on.
Expected: after the flow of 10 cases these 10 score about 6 points more than alone, 4 more than after
  CarveMix of them; beside all clinical cases its lesions add 2 points in patients' scans, 1 in healthy
  ones, in whole images nothing that shows; seeds differ by as much.

Runs `phantom_study_powered_mini.gin` in runs/powered, with the options of the command line. Where
KERAS_ITM_SAMPLES names the samples, every arm segments a real stroke in its own space. Writes
docs/measurements/powered_study.csv: a line for each measure of each arm over the seeds that are whole,
with intervals that hold over trainings and with those of these trainings alone, for how well each
synthetic set is told from test cases, and for the seconds of each stage.
"""

import csv
import json
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np

from experiments._common import DATA_DIR, ROOT, build, measures_of, row_of, run, write_table
from keras_itm.lesions import MIN_VOXELS
from launchers.study.claims import controls
from stroke_eval.statistics.simultaneous import Family
from stroke_tfds.imaging.grid import get_grid

STUDY = ROOT / 'runs' / 'powered'


def main() -> None:
  for cohort in ('phantom_stroke/study', 'phantom_stroke/mini'):
    build(cohort)
  gin_file = '--gin_file=phantom_study_powered_mini.gin'
  folders = [f'--workdir={STUDY.relative_to(ROOT)}', f'--data_dir={DATA_DIR.relative_to(ROOT)}']
  run('launchers.run_study', gin_file, *folders, '--workers=2', *sys.argv[1:])
  seconds = json.loads((STUDY / 'summary.json').read_text())['stage_seconds']
  times = [row_of(stage, 'seconds', value) for stage, value in seconds.items()]
  write_table(__file__, [*measures_of(STUDY), *_by_seed(), *_told_apart(), *times])


def _by_seed() -> Iterator[dict[str, Any]]:
  """Dice of each seed; differences of these trainings, whose intervals hold together over cases."""
  dice = _scored_dice()
  for arm, of_arm in dice.items():
    for seed, value in enumerate(of_arm.mean(axis=1)):
      yield row_of(arm, f'dice of seed {seed}', value)
  arms = json.loads((STUDY / 'statistics.json').read_text())['rows']
  pairs = [(row['arm']['name'], claim['other']) for row in arms for claim in row['claims']]
  differences = np.stack(
    [(dice[arm] - dice[other]).mean(axis=0, keepdims=True) for arm, other in pairs]
  )
  for (arm, other), found in zip(pairs, Family(differences, controls(pairs)).intervals()):
    what = f'dice minus that of {other}, these trainings alone'
    yield row_of(arm, what, found.mean, f'{found.low:.3f} to {found.high:.3f}')


def _scored_dice() -> dict[str, np.ndarray]:
  """Arm -> Dice [seeds, cases] of the test cases with a lesion of 20 voxels or more."""
  least_ml = (MIN_VOXELS - 0.5) * get_grid('mini').voxel_volume_ml
  found: dict[str, dict[str, list[float]]] = {}
  with (STUDY / 'cases.csv').open(newline='') as stream:
    for row in csv.DictReader(stream):
      if float(row['lesion_ml']) >= least_ml:
        found.setdefault(row['arm'], {}).setdefault(row['seed'], []).append(float(row['dice']))
  return {arm: np.array(list(of_arm.values())) for arm, of_arm in found.items()}


def _told_apart() -> list[dict[str, Any]]:
  """How well a classifier tells each synthetic set from test cases; the note has the interval."""
  with (STUDY / 'checks.csv').open(newline='') as stream:
    checks = [check for check in csv.DictReader(stream) if check['check'] == 'told_apart_auc']
  return [
    row_of(of['set'], of['check'], of['generated'], of['what']) for of in checks if of['generated']
  ]


if __name__ == '__main__':
  main()
