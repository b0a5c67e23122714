"""The demo's synthetic cases: whole translations, or lesions in real scans, and how often they come?

Command: python -m experiments.demo_arms
Hardware: 2 CPU cores.
Time: a quarter of an hour for each of two seeds; --budget_hours=0.25 stops after the first.
Expected: lesions in real scans teach more than whole translations, which teach false positives; half
  and half with clinical cases .1 more than these alone, on a real stroke as well.

Runs experiments/demo_arms.gin, tests on the development cohort, and, where KERAS_ITM_SAMPLES names the
samples, on a real stroke in its own space. Writes docs/measurements/demo_arms.csv: a line for each
measure of each segmenter.
"""

import sys

from experiments._common import DATA_DIR, ROOT, RUNS, build, measures_of, run, write_table
from experiments.flow_study import development_cohort

_STUDY = RUNS / 'demo_arms'


def main() -> None:
  build('phantom_stroke/mini')
  development_cohort()
  gin_file = f'--gin_file={ROOT / "experiments" / "demo_arms.gin"}'
  folders = [f'--workdir={_STUDY}', f'--data_dir={DATA_DIR}']
  run('launchers.run_study', gin_file, *folders, *sys.argv[1:])
  write_table(__file__, measures_of(_STUDY))


if __name__ == '__main__':
  main()
