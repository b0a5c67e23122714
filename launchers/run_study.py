"""Compares ways to train a segmenter: with and without synthetic cases, over arms and seeds.

  python -m launchers.run_study --gin_file=phantom_study_mini.gin --workdir=runs/study --data_dir=data
  ... --dry_run        lists arms, sizes, the time that all will take and the effects that it can see
  ... --budget_hours=8 begins nothing more after eight hours; with --dry_run, how many seeds fit
  ... --workers=2      two trainings at a time, each on its share of the cores
  ... --arm_index=7    one training with all that it needs, for array jobs; then once more without
                       the flag, for the report

The same command again goes on where it stopped; a finished training is never run again. Leaves
report.html, its figures as files, table.csv, table.tex, cases.csv, checks.csv (of the synthetic sets)
and statistics.json in the workdir.
"""

import signal

from absl import flags

from launchers.app import launch
from launchers.run_study_lib import run_study

_ARM_INDEX = flags.DEFINE_integer(
  'arm_index', None, 'Number of one training, from 0, as --dry_run lists them.', 0
)
_DRY_RUN = flags.DEFINE_bool('dry_run', False, 'Lists the trainings and runs none.')
_WORKERS = flags.DEFINE_integer('workers', 1, 'Trainings at a time; one where there is a GPU.', 1)
_BUDGET_HOURS = flags.DEFINE_float(
  'budget_hours', None, 'Hours after which nothing more is begun; the same command goes on.'
)
_VIEWER = flags.DEFINE_bool(
  'viewer', False, 'Whether pictures of cases lead to pages that hold their volumes.'
)


def run(**folders: str | None) -> None:
  signal.signal(signal.SIGTERM, signal.default_int_handler)  # As batch queues end a job.
  run_study(
    arm_index=_ARM_INDEX.value,
    dry_run=_DRY_RUN.value,
    workers=_WORKERS.value,
    budget_hours=_BUDGET_HOURS.value,
    viewer=_VIEWER.value,
    **folders,
  )


if __name__ == '__main__':
  launch(run, bindings_of='run_study')
