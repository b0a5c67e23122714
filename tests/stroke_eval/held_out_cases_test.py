"""Test cases by a network that thresholds the scan, so that NumPy knows all predictions."""

import csv
from pathlib import Path
from unittest import mock

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from keras_itm.models.segmenter import Segmenter
from stroke_eval import held_out_cases
from stroke_eval.lesion_facts import TERRITORIES
from stroke_tfds import sources
from stroke_tfds.errors import InputError
from tests import tiny

_SPACING_ML = 0.576  # Of a voxel of 6 x 6 x 16 mm.


class TestCasesCase(tf.test.TestCase):
  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    data_dir = tfds.testing.make_tmp_dir()
    cohort = tiny.build_phantom(data_dir, n_test=4, n_test_negative=1)
    cls.source = sources.open_sources([f'{cohort}:test'], data_dir)[0]
    cls.examples = list(cls.source.examples().as_numpy_iterator())
    image = tf.keras.Input([*cls.source.grid.shape, 1])
    probability = image[..., 0] ** 2
    cls.segmenter = Segmenter(tf.keras.Model(image, tf.stack([1 - probability, probability], axis=-1)))
    cls.segmenter.compile(tf.keras.optimizers.SGD())

  def setUp(self):
    super().setUp()
    self.folder = Path(tfds.testing.make_tmp_dir())
    self.sizes = np.array([int(example['lesion'].sum()) for example in self.examples])
    self.predicted = [
      example['image'][..., 0].astype(np.float32) ** 2 >= 0.5 for example in self.examples
    ]
    self.dice = np.array(
      [
        2 * np.sum(mask & (example['lesion'] == 1)) / (mask.sum() + example['lesion'].sum())
        for mask, example in zip(self.predicted, self.examples)
      ]
    )

  def cases(self, min_voxels=1) -> held_out_cases.TestCases:
    return held_out_cases.TestCases(self.source, min_voxels)


class MeasureTest(TestCasesCase):
  def test_the_cohort_has_what_these_tests_need(self):
    self.assertEqual((self.sizes == 0).sum(), 1)
    self.assertLen(np.unique(self.sizes), 4)
    self.assertGreater(np.ptp(self.dice), 0.01)

  def test_a_row_and_a_mask_for_each_case(self):
    rows, masks, _ = self.cases().measure(self.segmenter)
    ids = [example['subject_id'].decode() for example in self.examples]
    self.assertEqual([row['subject_id'] for row in rows], ids)
    self.assertEqual(list(masks), ids)
    for row, mask, size, dice in zip(rows, self.predicted, self.sizes, self.dice):
      self.assertAllEqual(masks[row['subject_id']], mask.astype(np.uint8))
      self.assertEqual(masks[row['subject_id']].dtype, np.uint8)
      self.assertEqual(row['lesion_voxels'], size)
      self.assertAllClose(row['lesion_volume_ml'], size * _SPACING_ML, atol=1e-6)
      self.assertAllClose(row['predicted_volume_ml'], mask.sum() * _SPACING_ML, atol=1e-6)
      self.assertAllClose(row['dice'], dice, atol=1e-6)

  def test_territories(self):
    rows, _, _ = self.cases().measure(self.segmenter)
    for row, size in zip(rows, self.sizes):
      if size:
        self.assertIn(row['territory'], TERRITORIES)
      else:
        self.assertEqual(row['territory'], '')
    # The territory is that of the case, whatever cases stand before it.
    one = sources.Source(self.source.name, 'test[3:]', self.source.builder)
    [alone], _, _ = held_out_cases.TestCases(one, 1).measure(self.segmenter)
    self.assertEqual(alone, rows[3])

  def test_a_lesion_in_no_territory(self):
    lesion = np.zeros(self.source.grid.shape, np.uint8)
    lesion[0, 0, 0] = 1
    stored = {'image': lesion[np.newaxis, ..., np.newaxis], 'lesion': lesion[np.newaxis]}
    source = mock.Mock(grid=self.source.grid)
    source.examples.return_value = tf.data.Dataset.from_tensor_slices(
      {**stored, 'subject_id': ['corner']}
    )
    [row], _, _ = held_out_cases.TestCases(source, 1).measure(self.segmenter)
    self.assertEqual(row['territory'], held_out_cases.OUTSIDE)
    self.assertEqual(row['dice'], 1.0)


class ScoredTest(TestCasesCase):
  def test_means_leave_out_small_lesions_and_none(self):
    rows, _, _ = self.cases().measure(self.segmenter)
    for least in (0, 1, *np.sort(self.sizes)[2:]):
      scored = self.sizes >= max(least, 1)
      mean = self.cases(least).mean_dice(rows)
      self.assertAllClose(mean, self.dice[scored].mean(), atol=1e-6)

  def test_none_to_score(self):
    with self.assertRaisesRegex(
      InputError, r'test source .*:test has no lesion of 10000 voxels or more, expected some'
    ):
      self.cases(10_000)

  def test_a_point_of_the_learning_curve(self):
    least = int(np.sort(self.sizes)[2])
    point = self.cases(least).curve_point(self.segmenter)
    self.assertAllClose(self.cases(least).measure(self.segmenter)[2], point)
    scored = self.sizes >= least
    self.assertAllClose(point['test_dice'], self.dice[scored].mean(), atol=1e-5)
    batch = lambda example: (
      example['image'][np.newaxis].astype(np.float32),
      example['lesion'][np.newaxis].astype(np.float32),
    )
    losses = [
      self.segmenter.evaluate(*batch(example), batch_size=1, verbose=0, return_dict=True)['loss']
      for example, is_scored in zip(self.examples, scored)
      if is_scored
    ]
    self.assertAllClose(point['test_loss'], np.mean(losses), rtol=1e-5)


class TestInWindowTest(TestCasesCase):
  def logs(self, every, window, epochs=7) -> list[dict]:
    callback = held_out_cases.TestInWindow(self.cases(), every, window, self.folder / 'window')
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
    rows, _, _ = self.cases().measure(self.segmenter)
    with (self.folder / 'window' / 'epoch_0004.csv').open(newline='') as file:
      read = list(csv.DictReader(file))
    self.assertEqual(read, [{name: str(value) for name, value in row.items()} for row in rows])
    self.assertAllClose(logs[3]['test_dice'], self.dice[self.sizes > 0].mean(), atol=1e-5)


if __name__ == '__main__':
  tf.test.main()
