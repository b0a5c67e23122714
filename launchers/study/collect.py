"""From the run folder of a segmenter to the result.json of an arm."""

import csv
from pathlib import Path
from typing import Any

import numpy as np

from keras_itm.callbacks import read_metrics
from launchers.study.arms import Arm
from launchers.study.results import METRICS, TestSet, write_result

RESULT = 'result.json'
_CURVE = ('epoch', 'step', 'dice', 'loss', 'test_dice', 'test_loss')


def collect(run: Path, arm: Arm, seed: int, facts: dict[str, Any]) -> None:
  """Writes the result of a finished run into its folder, unless it is there.

  Args:
    run: Folder of the run.
    arm: What it is a training of.
    seed: Of the training.
    facts: What else the result says, its command among it.
  """
  if (run / RESULT).exists():
    return
  epochs = [_read_rows(run / 'window' / f'epoch_{n:04d}.csv') for n in arm.evaluated_range]
  rows = read_metrics(run / 'metrics.csv')
  curve = {name: [row.get(name, np.nan) for row in rows] for name in _CURVE}
  metrics = {
    name: np.array([[float(row[name]) for row in epoch] for epoch in epochs]) for name in METRICS
  }
  own = {'arm': arm.name, 'seed': seed, 'window': list(arm.evaluated_range), 'run': run.name}
  write_result(run / RESULT, {**own, **facts}, curve, _test_set(epochs[0]), metrics)


def _test_set(rows: list[dict[str, str]]) -> TestSet:
  column = lambda name, kind: np.array([kind(row[name]) for row in rows])
  return TestSet(
    subject_id=column('subject_id', str),
    lesion_volume_ml=column('lesion_volume_ml', float),
    lesion_voxels=column('lesion_voxels', lambda text: int(float(text))),
    territory=column('territory', str),
  )


def _read_rows(path: Path) -> list[dict[str, str]]:
  with path.open(newline='') as file:
    return list(csv.DictReader(file))
