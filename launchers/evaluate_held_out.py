"""Held-out cases while a segmenter trains, and after."""

from collections.abc import Collection
from pathlib import Path

import numpy as np
import tensorflow as tf

from keras_itm.models.segmenter import Segmenter
from stroke_eval.held_out_cases import HeldOutCases, Losses, Predict
from stroke_tfds import files


class EvaluateHeldOut(tf.keras.callbacks.Callback):
  """Tests a segmenter while it trains; put it before the callbacks that write logs.

  Args:
    cases: The held-out cases.
    every: Epochs between two points of the learning curve; the last epoch has one in any case.
    epochs: Epochs, from 1, of which every case is written, to `epoch_0001.csv` and so on.
    folder: Takes those files.
  """

  def __init__(self, cases: HeldOutCases, every: int, epochs: Collection[int], folder: Path):
    super().__init__()
    self._cases, self._every, self._epochs, self._folder = cases, every, epochs, folder

  def on_epoch_end(self, epoch, logs=None):
    number = epoch + 1
    functions = predict_with(self.model), losses_of(self.model)
    if number in self._epochs:
      results = self._cases.measure(*functions)
      self._folder.mkdir(parents=True, exist_ok=True)
      files.write_csv(self._folder / f'epoch_{number:04d}.csv', results.rows)
      logs.update(results.losses)
    elif number % self._every == 0 or number == self.params['epochs']:
      logs.update(self._cases.mean_losses(*functions))


def predict_with(segmenter: Segmenter) -> Predict:
  """The segmenter as a function of one scan; by classes of lesions where it knows several."""
  call = segmenter.classify if segmenter.n_classes > 2 else segmenter.segment
  return lambda image: call(tf.constant(image[np.newaxis], tf.float32)).numpy()[0]


def losses_of(segmenter: Segmenter) -> Losses:
  """Its Dice and loss on one case, under the names of a learning curve: test_dice, test_loss."""

  def losses(truth: np.ndarray, probability: np.ndarray) -> dict[str, float]:
    found = segmenter.losses_of(truth[np.newaxis], tf.constant(probability[np.newaxis]))
    return {f'test_{name}': float(found[name]) for name in ('dice', 'loss')}

  return losses
