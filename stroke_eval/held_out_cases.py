"""A segmenter on its test cases, one by one."""

import csv
import io
from collections.abc import Collection
from pathlib import Path

import numpy as np
import tensorflow as tf

from keras_itm.models.segmenter import Segmenter
from stroke_eval import segmentation
from stroke_eval.lesion_facts import TERRITORIES, survey_lesions
from stroke_tfds import files
from stroke_tfds.errors import InputError
from stroke_tfds.sources import Source

THRESHOLD = 0.5
OUTSIDE = 'outside'  # Of a lesion in no arterial territory.
_Row = dict[str, str | float]


class TestCases:
  """The test cases in memory, in the order in which they are stored.

  Args:
    source: The split; its volumes are kept as stored, float16 and uint8.
    min_voxels: Cases with a smaller lesion are left out of means, not of the rows.

  Raises:
    InputError: No case has a lesion as large as that.
  """

  __test__ = False  # Not a class of tests.

  def __init__(self, source: Source, min_voxels: int):
    examples = list(source.examples().as_numpy_iterator())
    self._subjects = [example['subject_id'].decode() for example in examples]
    self._images = [example['image'] for example in examples]
    self._lesions = [example['lesion'] for example in examples]
    self._is_scored = np.array([lesion.sum() >= max(min_voxels, 1) for lesion in self._lesions])
    if not self._is_scored.any():
      raise InputError(
        f'test source {source} has no lesion of {max(min_voxels, 1)} voxels or more, expected some to '
        'measure Dice on'
      )
    self._grid = source.grid
    self._territories = self._main_territories()

  def curve_point(self, segmenter: Segmenter) -> dict[str, float]:
    """Mean Dice and mean loss over the scored cases, for learning curves."""
    scored = np.flatnonzero(self._is_scored)
    return _means([self._losses(segmenter, i, self._probability(segmenter, i)) for i in scored])

  def measure(self, segmenter: Segmenter) -> tuple[list[_Row], dict[str, np.ndarray], dict[str, float]]:
    """A row per case, as for test_cases.csv, the predicted masks by subject, uint8, and curve_point."""
    rows, masks, losses = [], {}, []
    for i, (subject, truth) in enumerate(zip(self._subjects, self._lesions)):
      probability = self._probability(segmenter, i)
      if self._is_scored[i]:
        losses.append(self._losses(segmenter, i, probability))
      masks[subject] = (probability.numpy()[0] >= THRESHOLD).astype(np.uint8)
      numbers = segmentation.measure(truth, masks[subject], self._grid.spacing_mm)
      numbers = {name: round(value, 6) for name, value in numbers.items()}
      rows.append({'subject_id': subject, 'territory': self._territories[i], **numbers})
    return rows, masks, _means(losses)

  def _losses(self, segmenter: Segmenter, i: int, probability: tf.Tensor) -> dict[str, tf.Tensor]:
    return segmenter.losses_of(self._lesions[i][np.newaxis], probability)

  def mean_dice(self, rows: list[_Row]) -> float:
    """Over the scored cases."""
    return float(np.mean([row['dice'] for row, is_scored in zip(rows, self._is_scored) if is_scored]))

  def _main_territories(self) -> list[str]:
    """The arterial territory that holds most of each lesion; empty without lesion."""
    positive = [i for i, lesion in enumerate(self._lesions) if lesion.any()]
    names = [''] * len(self._lesions)
    facts = survey_lesions(np.stack([self._lesions[i] for i in positive]), self._grid)
    for i, shares in zip(positive, facts.territory_shares):
      names[i] = TERRITORIES[shares.argmax()] if shares.any() else OUTSIDE
    return names

  def _probability(self, segmenter: Segmenter, i: int) -> tf.Tensor:
    return segmenter.segment(tf.constant(self._images[i][np.newaxis], tf.float32))


class TestInWindow(tf.keras.callbacks.Callback):
  """Tests a segmenter while it trains; put it before the callbacks that write logs.

  Args:
    cases: The test cases.
    every: Epochs between two points of the learning curve; the last epoch has one in any case.
    window: Epochs, from 1, of which every case is written, to `epoch_0001.csv` and so on.
    folder: Takes those files.
  """

  __test__ = False

  def __init__(self, cases: TestCases, every: int, window: Collection[int], folder: Path):
    super().__init__()
    self._cases, self._every, self._window, self._folder = cases, every, window, folder

  def on_epoch_end(self, epoch, logs=None):
    number = epoch + 1
    if number in self._window:
      rows, _, point = self._cases.measure(self.model)
      write_rows(self._folder / f'epoch_{number:04d}.csv', rows)
      logs.update(point)
    elif number % self._every == 0 or number == self.params['epochs']:
      logs.update(self._cases.curve_point(self.model))


def _means(values: list[dict[str, tf.Tensor]]) -> dict[str, float]:
  return {
    f'test_{name}': float(np.mean([value[name] for value in values])) for name in ('dice', 'loss')
  }


def write_rows(path: Path, rows: list[_Row]) -> None:
  """Writes a table of cases."""
  text = io.StringIO(newline='')
  writer = csv.DictWriter(text, rows[0])
  writer.writeheader()
  writer.writerows(rows)
  path.parent.mkdir(parents=True, exist_ok=True)
  files.write_whole(path, text.getvalue().encode())
