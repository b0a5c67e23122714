"""Reads what a report is made of: prepared data sets and the folders of finished runs."""

import ast
import csv
import dataclasses
import re
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from keras_itm.callbacks import read_metrics
from launchers.arm_statistics import Case
from stroke_eval.survey import Survey, survey, unpack
from stroke_tfds.errors import InputError
from stroke_tfds.sources import Source, open_sources

_SOURCES = re.compile(r'^train_unet\.sources\s*=[\s\\]*(\[.*?\]\s*$)', re.MULTILINE | re.DOTALL)


@dataclasses.dataclass(frozen=True)
class Curves:
  """Metrics of a finished run.

  Attributes:
    path: Its metrics.csv.
    rows: One per epoch; a metric that was not measured in an epoch is left out of its row.
  """

  path: Path
  rows: list[dict[str, float]]

  def has(self, metric: str) -> bool:
    return any(metric in row for row in self.rows)

  def series(self, metric: str) -> tuple[np.ndarray, np.ndarray]:
    """Optimizer steps and the metric's values where it was measured.

    Raises:
      InputError: It was never measured.
    """
    rows = [row for row in self.rows if metric in row]
    if not rows:
      raise InputError(f'{self.path}: no metric {metric!r}, found {sorted(self.rows[0])}')
    return np.array([row['step'] for row in rows]), np.array([row[metric] for row in rows])

  @property
  def seconds(self) -> float:
    return self.rows[-1]['seconds']


def read_curves(run: str, command: str) -> Curves:
  """Metrics of a run.

  Raises:
    InputError: The run has not finished; names `command`, which would finish it.
  """
  for name in ('finished.json', 'metrics.csv'):
    if not (Path(run) / name).exists():
      raise InputError(f'{Path(run) / name}: not there, expected a finished run; run: {command}')
  path = Path(run) / 'metrics.csv'
  rows = read_metrics(path)
  if not rows:
    raise InputError(f'{path}: holds no epoch; remove {run} and run: {command}')
  return Curves(path, rows)


def read_sources(run: str, command: str) -> list[str]:
  """The data that a U-Net learnt from, as its operative_config.gin has it.

  Raises:
    InputError: The file is not there or does not say.
  """
  path = Path(run) / 'operative_config.gin'
  found = _SOURCES.search(path.read_text()) if path.exists() else None
  if not found:
    raise InputError(f'{path}: expected a line "train_unet.sources = [...]"; made by: {command}')
  return ast.literal_eval(found[1])


def read_cases(run: str, command: str) -> list[Case]:
  """The test cases of a U-Net run.

  Raises:
    InputError: The table is not there, holds no positive case, or something else than numbers.
  """
  path = Path(run) / 'test_cases.csv'
  if not path.exists():
    raise InputError(f'{path}: not there, expected a table of test cases; run: {command}')
  cases = []
  with path.open(newline='') as file:
    for row in csv.DictReader(file):
      try:
        fields = ('lesion_volume_ml', 'predicted_volume_ml', 'dice')
        cases.append(Case(row['subject_id'], *(float(row[field]) for field in fields)))
      except (KeyError, TypeError, ValueError) as error:
        raise InputError(
          f'{path}: row {row}, expected subject_id,lesion_volume_ml,predicted_volume_ml,dice'
        ) from error
  if not any(case.is_positive for case in cases):
    raise InputError(f'{path}: no case with a lesion, expected at least one')
  return cases


def read_predictions(
  run: str, subject_ids: Collection[str], shape: tuple[int, int, int], command: str
) -> dict[str, np.ndarray]:
  """Predicted masks of some test cases, uint8 of `shape`, by subject.

  Raises:
    InputError: The file or a case is not there, or has another number of voxels.
  """
  path = Path(run) / 'test_predictions.npz'
  if not path.exists():
    raise InputError(f'{path}: not there, expected the predicted masks; run: {command}')
  n_bytes = -(-int(np.prod(shape)) // 8)
  masks = {}
  with np.load(path, allow_pickle=False) as stored:
    for subject_id in subject_ids:
      if subject_id not in stored:
        raise InputError(f'{path}: no prediction for {subject_id!r} of test_cases.csv')
      bits = stored[subject_id]
      if bits.shape != (n_bytes,):
        raise InputError(
          f'{path}: {subject_id!r} has {bits.shape} bytes, expected {n_bytes} for a grid of {shape}'
        )
      masks[subject_id] = unpack(bits, shape)
  return masks


def open_splits(texts: Sequence[str], data_dir: str | None, command: str) -> list[Source]:
  """Splits `name/config:split` of sets that are built already; a report builds nothing.

  Raises:
    InputError: A set or split is not there, or two do not fit; names `command`, which would build it.
  """
  try:
    return open_sources(texts, data_dir, build=False)
  except InputError as error:
    raise InputError(f'{error}; made by: {command}') from error


def survey_source(source: Source) -> Survey:
  """One pass over a split."""
  ids = source.metadata['label_scheme']['parenchyma_ids']
  return survey(tfds.as_numpy(source.examples()), ids, source.grid.spacing_mm)


def read_examples(source: Source, subject_ids: Collection[str]) -> dict[str, dict[str, Any]]:
  """Some examples of a split by subject.

  Raises:
    InputError: One is not in the split.
  """
  found = dict(_matching(source, frozenset(subject_ids)))
  missing = sorted(set(subject_ids) - set(found))
  if missing:
    raise InputError(f'data set {source}: no subject {missing[0]!r}, which the report needs')
  return found


def _matching(source: Source, wanted: frozenset[str]) -> Iterator[tuple[str, dict[str, Any]]]:
  n_left = len(wanted)
  for example in tfds.as_numpy(source.examples()):
    if not n_left:
      return
    subject_id = example['subject_id'].decode()
    if subject_id in wanted:
      n_left -= 1
      yield subject_id, example
