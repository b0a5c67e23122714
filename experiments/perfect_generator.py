"""How much could synthetic cases help at all: a U-Net learns from further patients in their place.

Command: python -m experiments.perfect_generator
Hardware: 2 CPU cores.
Time: 30 minutes.
Expected: 1,000 further patients add 4 to 5 points beside all clinical ones, after three times the
  steps no less; 128 add 15 beside 10.

No generator draws better cases than the simulator itself. Trains the segmenters of
experiments/perfect_generator.gin and tests them on the development cohort. Writes
docs/measurements/perfect_generator.csv: a line for each measure of each arm.
"""

from experiments._common import DATA_DIR, ROOT, RUNS, arms_of, build, run, write_table
from experiments.flow_study import development_cohort

_STUDY = RUNS / 'perfect_generator'
_OTHERS = {
  'name': 'others',
  'grid': 'mini',
  'n_healthy': 1,
  'n_train': 1000,
  'n_test': 1,
  'n_test_negative': 0,
  'seed': 2718,
}


def main() -> None:
  build('phantom_stroke/mini')
  build('phantom_stroke', _OTHERS)
  development_cohort()
  gin_file = f'--gin_file={ROOT / "experiments" / "perfect_generator.gin"}'
  run('launchers.run_study', gin_file, f'--workdir={_STUDY}', f'--data_dir={DATA_DIR}', '--workers=2')
  write_table(__file__, arms_of(_STUDY))


if __name__ == '__main__':
  main()
