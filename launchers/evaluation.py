"""A segmenter on its test cases, one by one."""

import csv
from pathlib import Path

import numpy as np
import tensorflow as tf

from keras_itm import metrics
from keras_itm.models.segmenter import Segmenter
from stroke_tfds.pipelines import Source

THRESHOLD = 0.5


class TestCases:
  """The test cases in memory, in the order in which they are stored.

  Args:
    source: The split; its volumes are kept as stored, float16 and uint8.
  """

  __test__ = False  # Not a class of tests.

  def __init__(self, source: Source):
    examples = list(source.examples().as_numpy_iterator())
    self._subjects = [example['subject_id'].decode() for example in examples]
    self._images = [example['image'] for example in examples]
    self._lesions = [example['lesion'] for example in examples]
    self._voxel_volume_ml = source.grid.voxel_volume_ml

  def curve_point(self, segmenter: Segmenter) -> dict[str, float]:
    """Mean Dice and mean loss over the cases with a lesion, for learning curves."""
    values = [
      segmenter.losses_of(lesion[np.newaxis], _probability(segmenter, image))
      for image, lesion in zip(self._images, self._lesions)
      if lesion.any()
    ]
    return {
      f'test_{name}': float(np.mean([value[name] for value in values])) for name in ('dice', 'loss')
    }

  def write(self, segmenter: Segmenter, folder: Path) -> float:
    """Writes test_cases.csv and test_predictions.npz.

    Returns:
      The mean Dice of the cases with a lesion; NaN where there is none.
    """
    predictions = {
      subject: (_probability(segmenter, image).numpy()[0] >= THRESHOLD).astype(np.uint8)
      for subject, image in zip(self._subjects, self._images)
    }
    np.savez(
      folder / 'test_predictions.npz',
      **{subject: np.packbits(mask) for subject, mask in predictions.items()},
    )
    rows = [self._row(i, predictions[subject]) for i, subject in enumerate(self._subjects)]
    with (folder / 'test_cases.csv').open('w', newline='') as file:
      writer = csv.DictWriter(file, rows[0])
      writer.writeheader()
      writer.writerows(rows)
    with_lesion = [row['dice'] for row, lesion in zip(rows, self._lesions) if lesion.any()]
    return float(np.mean(with_lesion)) if with_lesion else float('nan')

  def _row(self, i: int, prediction: np.ndarray) -> dict[str, str | float]:
    volume_ml = lambda mask: round(int(mask.sum()) * self._voxel_volume_ml, 4)
    truth = self._lesions[i]
    return {
      'subject_id': self._subjects[i],
      'lesion_volume_ml': volume_ml(truth),
      'predicted_volume_ml': volume_ml(prediction),
      'dice': round(float(metrics.dice(truth[np.newaxis], prediction[np.newaxis])[0]), 6),
    }


def _probability(segmenter: Segmenter, image: np.ndarray) -> tf.Tensor:
  return segmenter.segment(tf.constant(image[np.newaxis], tf.float32))
