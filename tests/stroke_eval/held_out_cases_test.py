"""Test cases by a network that thresholds the scan, so that NumPy knows all predictions."""

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from stroke_eval.held_out_cases import HeldOutCases
from stroke_eval.lesion_sets import TERRITORIES
from stroke_tfds import sources
from stroke_tfds.errors import InputError
from stroke_tfds.imaging.grid import Grid
from stroke_tfds.label_schemes import ASEG28_TUMOUR
from stroke_tfds.phantom.territories import OUTSIDE
from tests import tiny

_SPACING_ML = 0.576  # Of a voxel of 6 x 6 x 16 mm.


def squared(image: np.ndarray) -> np.ndarray:
  """Stands for a segmenter."""
  return image[..., 0].astype(np.float32) ** 2


class HeldOutCasesCase(tf.test.TestCase):
  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    data_dir = tfds.testing.make_tmp_dir()
    cohort = tiny.build_phantom(data_dir, n_test=4, n_test_negative=1)
    cls.source = sources.open_sources([f'{cohort}:test'], data_dir)[0]
    cls.examples = list(cls.source.examples().as_numpy_iterator())

  def setUp(self):
    super().setUp()
    self.sizes = np.array([int(example['lesion'].sum()) for example in self.examples])
    self.predicted = [squared(example['image']) > 0.5 for example in self.examples]
    self.dice = np.array(
      [
        2 * np.sum(mask & (example['lesion'] == 1)) / (mask.sum() + example['lesion'].sum())
        for mask, example in zip(self.predicted, self.examples)
      ]
    )

  def cases(self, min_voxels=1) -> HeldOutCases:
    return HeldOutCases(self.examples, self.source.grid, min_voxels)


class MeasureTest(HeldOutCasesCase):
  def test_the_cohort_has_what_these_tests_need(self):
    self.assertEqual((self.sizes == 0).sum(), 1)
    self.assertLen(np.unique(self.sizes), 4)
    self.assertGreater(np.ptp(self.dice), 0.01)

  def test_a_row_and_a_mask_for_each_case(self):
    results = self.cases().measure(squared)
    rows, masks = results.rows, results.masks
    self.assertEmpty(results.losses)
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
    rows = self.cases().measure(squared).rows
    for row, size in zip(rows, self.sizes):
      if size:
        self.assertIn(row['territory'], TERRITORIES)
      else:
        self.assertEqual(row['territory'], '')
    # The territory is that of the case, whatever cases stand before it.
    alone = HeldOutCases(self.examples[3:], self.source.grid, 1).measure(squared).rows
    self.assertEqual(alone, rows[3:])

  def test_a_lesion_in_no_territory(self):
    lesion = np.zeros(self.source.grid.shape, np.uint8)
    lesion[0, 0, 0] = 1
    example = {'image': lesion[..., np.newaxis], 'lesion': lesion, 'subject_id': b'corner'}
    [row] = HeldOutCases([example], self.source.grid, 1).measure(squared).rows
    self.assertEqual(row['territory'], OUTSIDE)
    self.assertEqual(row['dice'], 1.0)


class ScoredTest(HeldOutCasesCase):
  def test_means_leave_out_small_lesions_and_none(self):
    rows = self.cases().measure(squared).rows
    for least in (0, 1, *np.sort(self.sizes)[2:]):
      scored = self.sizes >= max(least, 1)
      mean = self.cases(least).mean_dice(rows)
      self.assertAllClose(mean, self.dice[scored].mean(), atol=1e-6)

  def test_none_to_score(self):
    with self.assertRaisesRegex(
      InputError, 'held-out set has no lesion of 10000 voxels or more, expected some'
    ):
      self.cases(10_000)

  def test_means_of_losses(self):
    least = int(np.sort(self.sizes)[2])
    scored = self.sizes >= least
    losses = lambda truth, probability: {'size': truth.sum(), 'brightest': probability.max()}
    means = self.cases(least).mean_losses(squared, losses)
    self.assertAllClose(means['size'], self.sizes[scored].mean())
    brightest = [squared(e['image']).max() for e, is_scored in zip(self.examples, scored) if is_scored]
    self.assertAllClose(means['brightest'], np.mean(brightest))
    self.assertEqual(self.cases(least).measure(squared, losses).losses, means)


class RegionsTest(tf.test.TestCase):
  """Five voxels of a glioma in a row: necrotic core, oedema, oedema, enhancing, enhancing."""

  def cases(self, scheme):
    labels = np.zeros((6, 1, 1), np.uint8)
    labels[:5, 0, 0] = 28, 29, 29, 30, 30
    example = {'image': labels[..., np.newaxis], 'lesion': np.uint8(labels > 0), 'labels': labels}
    grid = Grid('row', labels.shape, (1.0, 1.0, 1.0), (0.0, 0.0, 0.0))
    return HeldOutCases([{**example, 'subject_id': b'a'}], grid, 1, label_scheme=scheme)

  def predict(self, image):
    """Finds: oedema, oedema, oedema, enhancing (all lesions .6 in all), none (.4), oedema."""
    p = np.zeros((*image.shape[:3], 4), np.float32)
    p[:, 0, 0] = [[0.1, 0.1, 0.7, 0.1]] * 3 + [[0.4, 0.1, 0.2, 0.3], [0.6, 0, 0, 0.4], [0, 0, 1, 0]]
    return p

  def test_dice_by_hand(self):
    (row,) = self.cases(ASEG28_TUMOUR.to_json()).measure(self.predict).rows
    # Found and true voxels and those of both: 5, 5, 4 of the tumour; 1, 3, 1 of its core; 0, 1, 0;
    # 4, 2, 2; 1, 2, 1 of the classes.
    expected = {
      'dice': 0.8,
      'dice_whole_tumour': 0.8,
      'dice_tumour_core': 0.5,
      'dice_necrotic_core': 0,
      'dice_oedema': 4 / 6,
      'dice_enhancing_tumour': 2 / 3,
    }
    self.assertAllClose({name: row[name] for name in expected}, expected, atol=1e-6)

  def test_none_without_classes(self):
    """Of the scheme, or of the segmenter."""
    first = self.cases(None).measure(self.predict).rows
    union = lambda image: self.predict(image)[..., 1:].sum(-1)
    second = self.cases(ASEG28_TUMOUR.to_json()).measure(union).rows
    self.assertEqual(first, second)
    self.assertNotIn('dice_oedema', first[0])

  def test_losses_are_of_any_lesion(self):
    seen = []
    losses = lambda truth, probability: seen.append(probability) or {'x': 1.0}
    cases = self.cases(ASEG28_TUMOUR.to_json())
    cases.measure(self.predict, losses)
    cases.mean_losses(self.predict, losses)
    self.assertLen(seen, 2)
    for one in seen:
      self.assertAllClose(one[:, 0, 0], [0.9, 0.9, 0.9, 0.6, 0.4, 1], atol=1e-6)


if __name__ == '__main__':
  tf.test.main()
