"""Does the flow help, and more than copy and paste does? The study with its controls.

Command: python -m experiments.powered_study
Hardware: 2 CPU cores.
Time: three hours for each of three seeds; --budget_hours=2.5 stops it, and it goes on.
Expected: after the flow of 10 cases these 10 score 4 to 10 points more than alone, more than after
  CarveMix of them and about as much as after lesion fusion; beside all clinical cases its lesions add 3
  points in patients' scans, 2 in healthy ones, in whole images nothing that shows.

Runs `phantom_study_powered_mini.gin` in runs/powered, with the options of the command line. Where
KERAS_ITM_SAMPLES names the samples, every arm segments a real stroke in its own space. Writes
docs/measurements/powered_study.csv: a line for each measure of each arm over the seeds that are whole,
for how well each synthetic set is told from test cases, and for the seconds of each stage.
"""

import csv
import json
import sys
from typing import Any

from experiments._common import DATA_DIR, ROOT, build, measures_of, row_of, run, write_table

STUDY = ROOT / 'runs' / 'powered'


def main() -> None:
  for cohort in ('phantom_stroke/study', 'phantom_stroke/mini'):
    build(cohort)
  gin_file = '--gin_file=phantom_study_powered_mini.gin'
  folders = [f'--workdir={STUDY.relative_to(ROOT)}', f'--data_dir={DATA_DIR.relative_to(ROOT)}']
  run('launchers.run_study', gin_file, *folders, '--workers=2', *sys.argv[1:])
  seconds = json.loads((STUDY / 'summary.json').read_text())['stage_seconds']
  times = [row_of(stage, 'seconds', value) for stage, value in seconds.items()]
  write_table(__file__, [*measures_of(STUDY), *_told_apart(), *times])


def _told_apart() -> list[dict[str, Any]]:
  """How well a classifier tells each synthetic set from test cases; the note has the interval."""
  with (STUDY / 'checks.csv').open(newline='') as stream:
    checks = [check for check in csv.DictReader(stream) if check['check'] == 'told_apart_auc']
  return [
    row_of(of['set'], of['check'], of['generated'], of['what']) for of in checks if of['generated']
  ]


if __name__ == '__main__':
  main()
