"""What happens beside training: metrics on disk, pictures, time left."""

import csv
import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tensorflow as tf
import tqdm

from keras_itm.checks import TrainingError

_COLUMNS = {'epoch', 'step', 'seconds'}


class AddMetrics(tf.keras.callbacks.Callback):
  """Adds values to the logs of an epoch; put it before the callbacks that write logs.

  Args:
    compute: Called without arguments, returns metrics by name.
    every: Epochs between two calls; the last epoch is always measured.
  """

  def __init__(self, compute: Callable[[], dict[str, float]], every: int = 1):
    super().__init__()
    self._compute = compute
    self._every = every

  def on_epoch_end(self, epoch, logs=None):
    if _is_due(epoch, self._every, self.params['epochs']):
      logs.update(self._compute())


class MetricsCsv(tf.keras.callbacks.Callback):
  """Writes a row per epoch: epoch (from 1), step, seconds, then every metric seen so far.

  A resumed run goes on below the rows of the epochs that its checkpoint holds.
  """

  def __init__(self, path: str | os.PathLike[str], initial_epoch: int, steps_per_epoch: int):
    super().__init__()
    self._path = Path(path)
    self._steps_per_epoch = steps_per_epoch
    rows = _read_rows(self._path) if self._path.exists() else []
    self._rows = [row for row in rows if float(row['epoch']) <= initial_epoch]
    self._seconds_before = float(self._rows[-1]['seconds']) if self._rows else 0.0

  def rows(self) -> list[dict[str, float]]:
    """The epochs that are done, as numbers."""
    return [_numbers(row) for row in self._rows]

  def on_train_begin(self, logs=None):
    self._start = time.monotonic()

  def on_epoch_end(self, epoch, logs=None):
    seconds = self._seconds_before + time.monotonic() - self._start
    row = {
      'epoch': epoch + 1,
      'step': (epoch + 1) * self._steps_per_epoch,
      'seconds': round(seconds, 2),
    }
    self._rows.append({**row, **{name: f'{value:.6g}' for name, value in logs.items()}})
    columns = list(dict.fromkeys(name for row in self._rows for name in row))
    partial = self._path.with_suffix('.partial')
    with partial.open('w', newline='') as file:
      writer = csv.DictWriter(file, columns)
      writer.writeheader()
      writer.writerows(self._rows)
    os.replace(partial, self._path)


def read_metrics(path: str | os.PathLike[str]) -> list[dict[str, float]]:
  """Rows of a metrics.csv as numbers; a metric not measured in an epoch is left out of its row.

  Raises:
    TrainingError: The file is damaged.
  """
  return [_numbers(row) for row in _read_rows(path)]


def _numbers(row: dict[str, str]) -> dict[str, float]:
  return {name: float(value) for name, value in row.items()}


def _read_rows(path: str | os.PathLike[str]) -> list[dict[str, str]]:
  try:
    with open(path, newline='') as file:
      rows = [{name: value for name, value in row.items() if value} for row in csv.DictReader(file)]
    for row in rows:
      if not _numbers(row).keys() >= _COLUMNS:
        raise ValueError(f'a row without {sorted(_COLUMNS - row.keys())}')
  except (ValueError, TypeError, csv.Error) as error:
    raise TrainingError(
      f'{path}: damaged ({error}), expected numbers; take it away to go on without its curves'
    ) from error
  return rows


class SampleImages(tf.keras.callbacks.Callback):
  """Keeps pictures of what the model makes, as PNG files and in TensorBoard.

  Args:
    folder: Takes `epoch_0001.png` and so on.
    log_dir: TensorBoard folder.
    draw: Called without arguments, returns one picture uint8 [height, width, 1 or 3].
    every: Epochs between two pictures.
  """

  def __init__(
    self,
    folder: str | os.PathLike[str],
    log_dir: str | os.PathLike[str],
    draw: Callable[[], np.ndarray],
    every: int,
  ):
    super().__init__()
    self._folder = Path(folder)
    self._writer = tf.summary.create_file_writer(str(log_dir))
    self._draw = draw
    self._every = every

  def on_epoch_end(self, epoch, logs=None):
    if not _is_due(epoch, self._every, self.params['epochs']):
      return
    picture = self._draw()
    self._folder.mkdir(parents=True, exist_ok=True)
    tf.io.write_file(str(self._folder / f'epoch_{epoch + 1:04d}.png'), tf.io.encode_png(picture))
    with self._writer.as_default(step=epoch + 1):
      tf.summary.image('samples', picture[np.newaxis])
    self._writer.flush()


def mosaic(rows: list[list[np.ndarray]], scale: int = 2) -> np.ndarray:
  """Lays slices out in rows, as radiologists read them: front up, patient's right on the left.

  Args:
    rows: Slices [X, Y] with values in [0, 1], all of one shape.
    scale: Screen pixels per voxel.

  Returns:
    uint8 [height, width, 1].
  """
  picture = np.concatenate([np.concatenate([_upright(s) for s in row], 1) for row in rows], 0)
  grey = (np.clip(picture, 0, 1) * 255).astype(np.uint8)
  return grey.repeat(scale, 0).repeat(scale, 1)[..., np.newaxis]


def _upright(axial: np.ndarray) -> np.ndarray:
  return np.asarray(axial)[::-1, ::-1].T


class Progress(tf.keras.callbacks.Callback):
  """One bar over the whole run, with the time left and the newest metrics."""

  def __init__(self, initial_step: int, shown: tuple[str, ...]):
    super().__init__()
    self._initial_step = initial_step
    self._shown = shown

  def on_train_begin(self, logs=None):
    steps = self.params['steps']
    self._bar = tqdm.tqdm(
      total=self.params['epochs'] * steps,
      initial=self._initial_step,
      unit='step',
      mininterval=2.0,
      dynamic_ncols=True,
    )

  def on_train_batch_end(self, batch, logs=None):
    self._bar.update()

  def on_epoch_end(self, epoch, logs=None):
    shown = {name: f'{logs[name]:.3g}' for name in self._shown if name in logs}
    self._bar.set_postfix({'epoch': f'{epoch + 1}/{self.params["epochs"]}', **shown})

  def on_train_end(self, logs=None):
    self._bar.close()


def _is_due(epoch: int, every: int, epochs: int) -> bool:
  return (epoch + 1) % every == 0 or epoch + 1 == epochs
