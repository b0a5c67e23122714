"""Held-out cases by a network that squares the scan, so that NumPy knows all predictions."""

import csv
from pathlib import Path

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from keras_itm.models.segmenter import Segmenter
from launchers.evaluate_held_out import EvaluateHeldOut, losses_of, predict_with
from stroke_eval.held_out_cases import HeldOutCases
from stroke_tfds import sources
from tests import tiny


class EvaluateHeldOutTest(tf.test.TestCase):
  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    data_dir = tfds.testing.make_tmp_dir()
    cohort = tiny.build_phantom(data_dir, n_test=4, n_test_negative=1)
    source = sources.open_sources([f'{cohort}:test'], data_dir)[0]
    cls.examples = list(source.examples().as_numpy_iterator())
    cls.cases = HeldOutCases(cls.examples, source.grid, 1)
    image = tf.keras.Input([*source.grid.shape, 1])
    probability = image**2
    classes = tf.keras.layers.Concatenate()([1 - probability, probability])
    cls.segmenter = Segmenter(tf.keras.Model(image, classes))
    cls.segmenter.compile(tf.keras.optimizers.SGD())

  def setUp(self):
    super().setUp()
    self.folder = Path(tfds.testing.make_tmp_dir())

  def logs(self, every, epochs_written, epochs=7) -> list[dict]:
    callback = EvaluateHeldOut(self.cases, every, epochs_written, self.folder / 'window')
    callback.set_model(self.segmenter)
    callback.set_params({'epochs': epochs})
    found = []
    for epoch in range(epochs):
      found.append({'loss': 1.0})
      callback.on_epoch_end(epoch, found[-1])
    return found

  def measured(self, logs) -> list[int]:
    return [i + 1 for i, values in enumerate(logs) if 'test_dice' in values]

  def test_points_of_the_curve(self):
    self.assertEqual(self.measured(self.logs(3, ())), [3, 6, 7])
    self.assertFalse((self.folder / 'window').exists())

  def test_the_window_is_in_the_curve_and_has_its_files(self):
    logs = self.logs(5, range(3, 5))
    self.assertEqual(self.measured(logs), [3, 4, 5, 7])
    files = sorted(path.name for path in (self.folder / 'window').iterdir())
    self.assertEqual(files, ['epoch_0003.csv', 'epoch_0004.csv'])
    rows = self.cases.measure(predict_with(self.segmenter)).rows
    with (self.folder / 'window' / 'epoch_0004.csv').open(newline='') as file:
      read = list(csv.DictReader(file))
    self.assertEqual(read, [{name: str(value) for name, value in row.items()} for row in rows])
    scored = [row['dice'] for row in rows if row['lesion_voxels']]
    self.assertLen(scored, 3)
    self.assertAllClose(logs[3]['test_dice'], np.mean(scored), atol=1e-5)

  def test_functions_of_one_case(self):
    example = self.examples[0]
    probability = predict_with(self.segmenter)(example['image'])
    squared = example['image'][..., 0].astype(np.float32) ** 2
    self.assertAllClose(probability, squared, atol=1e-5)
    found = losses_of(self.segmenter)(example['lesion'], probability)
    batch = [example[name][np.newaxis].astype(np.float32) for name in ('image', 'lesion')]
    expected = self.segmenter.evaluate(*batch, batch_size=1, verbose=0, return_dict=True)
    self.assertAllClose(found, {f'test_{name}': expected[name] for name in ('dice', 'loss')}, rtol=1e-5)


if __name__ == '__main__':
  tf.test.main()
