"""What the arms of a study left behind: one result.json for each arm and seed."""

import csv
import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from keras_itm.callbacks import read_metrics
from keras_itm.lesions import MIN_VOXELS
from launchers.study.arms import Arm
from stroke_eval.plain_values import plain
from stroke_tfds import files
from stroke_tfds.errors import InputError
from stroke_tfds.texts import cell_text

RESULT = 'result.json'
# Measured for each case and evaluated epoch; stroke_eval/segmentation.py says what they are.
METRICS = (
  'dice',
  'lesion_precision',
  'lesion_recall',
  'lesion_f1',
  'volume_difference_ml',
  'count_difference',
  'hausdorff95_mm',
  'predicted_volume_ml',
)
# Before the name of a class or union of classes of lesions, where a segmenter tells them apart.
_OF_REGION = 'dice_'
_CURVE = ('epoch', 'step', 'dice', 'loss', 'test_dice', 'test_loss')


@dataclasses.dataclass(frozen=True)
class TestSet:
  """The test cases, the same in every arm.

  Attributes:
    subject_id: Names [n].
    lesion_volume_ml: Volume of the true lesion [n]; 0 in a DWI-negative case.
    lesion_voxels: The same in voxels [n].
    territory: Arterial territory with most voxels of the lesion [n]; empty in a negative case.
  """

  __test__ = False  # Not a class of tests.

  subject_id: np.ndarray
  lesion_volume_ml: np.ndarray
  lesion_voxels: np.ndarray
  territory: np.ndarray

  @property
  def is_positive(self) -> np.ndarray:
    """Cases with a lesion of any size, bool [n]."""
    return self.lesion_voxels > 0

  @property
  def is_scored(self) -> np.ndarray:
    """Cases that the table's Dice is over: lesions of 20 voxels or more, bool [n] (paper, 2.4)."""
    return self.lesion_voxels >= MIN_VOXELS


@dataclasses.dataclass(frozen=True)
class Result:
  """One training.

  Attributes:
    arm: Its name.
    seed: Its seed.
    facts: Everything in result.json but what follows: sources, command, seconds, run, ...
    curve: Metric -> values over epochs, NaN where not measured; has `epoch` and `step`, and dice, loss,
      test_dice, test_loss.
    metrics: Metric of METRICS, and `dice_REGION` where lesions have classes -> [evaluated epochs, n
      cases].
  """

  arm: str
  seed: int
  facts: Mapping[str, Any]
  curve: Mapping[str, np.ndarray]
  metrics: Mapping[str, np.ndarray]


@dataclasses.dataclass(frozen=True)
class Study:
  """All finished trainings of a study.

  Attributes:
    arms: The arms in the study's order; the first is the one that the others are compared with.
    seeds: Seeds of the study.
    cases: The test cases.
    results: (arm's name, seed) -> result; a training that is not finished is absent.
  """

  arms: tuple[Arm, ...]
  seeds: tuple[int, ...]
  cases: TestSet
  results: Mapping[tuple[str, int], Result]

  @property
  def finished(self) -> tuple[Arm, ...]:
    """The arms that are finished for every seed."""
    is_there = lambda arm: all((arm.name, seed) in self.results for seed in self.seeds)
    return tuple(arm for arm in self.arms if is_there(arm))

  @property
  def regions(self) -> tuple[str, ...]:
    """Metrics of classes of lesions, such as `dice_oedema`, that every training has."""
    first, *others = self.results.values()
    found = [name for name in first.metrics if name.startswith(_OF_REGION)]
    return tuple(name for name in found if all(name in other.metrics for other in others))

  def of_seeds(self, seeds: Sequence[int]) -> 'Study':
    """The same study with some of its seeds alone."""
    return dataclasses.replace(self, seeds=tuple(seeds))

  def values(self, arm: str, metric: str) -> np.ndarray:
    """[seeds, evaluated epochs, n cases]."""
    return np.stack([self.results[arm, seed].metrics[metric] for seed in self.seeds])

  def by_case(self, arm: str, metric: str) -> np.ndarray:
    """Means over evaluated epochs [seeds, n cases], less last digits, by which equal ones differ."""
    return self.values(arm, metric).mean(axis=1).round(9)


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
  rows = read_metrics(run / 'metrics.csv')
  curve = {name: [row.get(name, np.nan) for row in rows] for name in _CURVE}
  try:
    epochs = [_read_rows(run / 'window' / f'epoch_{n:04d}.csv') for n in arm.evaluated_range]
    head = epochs[0][0] if epochs[0] else {}
    names = [*METRICS, *(name for name in head if name.startswith(_OF_REGION))]
    metrics = {
      name: np.array([[float(row[name]) for row in epoch] for epoch in epochs]) for name in names
    }
    cases = _test_set(epochs[0])
  except (ValueError, KeyError, TypeError, csv.Error) as error:
    raise InputError(
      f'{run / "window"}: a damaged table of test cases ({error!r}); delete {run} to train it again'
    ) from error
  own = {'arm': arm.name, 'seed': seed, 'window': list(arm.evaluated_range), 'run': run.name}
  write_result(run / RESULT, {**own, **facts}, curve, cases, metrics)


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
    rows = list(csv.DictReader(file))
  if any(None in row or None in row.values() for row in rows):
    raise ValueError(f'{path.name} has a row of another length than its header')
  return [{key: cell_text(cell) for key, cell in row.items()} for row in rows]


def write_result(
  file: Path,
  facts: Mapping[str, Any],
  curve: Mapping[str, Sequence[float]],
  cases: TestSet,
  metrics: Mapping[str, np.ndarray],
) -> None:
  """Writes result.json, whole or not at all; `facts` hold arm and seed."""
  text = json.dumps(
    {
      **facts,
      'curve': plain({name: np.asarray(values, float) for name, values in curve.items()}),
      'cases': {f.name: getattr(cases, f.name).tolist() for f in dataclasses.fields(cases)},
      'metrics': plain(metrics),
    },
    allow_nan=False,
  )
  files.replace(file, (text + '\n').encode())


def read_results(paths: Sequence[Path], arms: tuple[Arm, ...], seeds: tuple[int, ...]) -> Study:
  """Reads the result.json files.

  Raises:
    InputError: No file, one that is not a result, or results on different test cases; names the files.
  """
  if not paths:
    raise InputError('no training of the study is finished, expected at least one')
  results, all_cases = {}, {}
  for path in paths:
    result, all_cases[path] = read_result(path)
    results[result.arm, result.seed] = result
  first, cases = next(iter(all_cases.items()))
  for path, others in all_cases.items():
    for field in dataclasses.fields(TestSet):
      if not np.array_equal(getattr(cases, field.name), getattr(others, field.name)):
        raise InputError(f'{path}: {field.name} of the test cases differs from that in {first}')
  return Study(arms, seeds, cases, results)


def read_result(path: Path) -> tuple[Result, TestSet]:
  """Reads one result.json.

  Raises:
    InputError: It is not there, or is no result.
  """
  try:
    content = json.loads(path.read_text())
    curve = {name: np.array(values, float) for name, values in content.pop('curve').items()}
    cases = TestSet(**{name: np.array(values) for name, values in content.pop('cases').items()})
    metrics = content.pop('metrics')
    names = [*METRICS, *(name for name in metrics if name.startswith(_OF_REGION))]
    metrics = {name: np.array(metrics[name], float) for name in names}
    if not isinstance(content['arm'], str) or not isinstance(content['seed'], int):
      raise TypeError('arm and seed are no text and no whole number')
    return Result(content['arm'], content['seed'], content, curve, metrics), cases
  except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
    raise InputError(f'{path}: not a result of a study ({error!r})') from error
