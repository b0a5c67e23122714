"""A toy generator of lesions beside a tiny cohort: what is written, and what is refused."""

import json
from pathlib import Path

import gin
import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from keras_itm.bundle import load_bundle
from keras_itm.bundle_spec import LESION_GENERATOR
from launchers.compare_lesions_lib import compare_lesions, draw_masks, table_rows
from stroke_tfds.errors import InputError
from stroke_tfds.sources import fingerprint, open_sources
from tests import tiny


class CompareLesionsTest(tf.test.TestCase):
  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    cls.root = Path(tfds.testing.make_tmp_dir())
    cls.data_dir = str(cls.root / 'data')
    cls.cohort = tiny.build_phantom(cls.data_dir, n_train=6, n_test=4)
    train = open_sources([f'{cls.cohort}:train'], cls.data_dir)
    facts = {'training_set': fingerprint(train)}
    cls.generator = str(tiny.save_toy_bundles(cls.root, train[0].metadata, **facts)[1])

  def setUp(self):
    super().setUp()
    gin.clear_config()

  def compare(self, name: str, **values) -> Path:
    given = {
      'generator': self.generator,
      'training': f'{self.cohort}:train',
      'held_out': f'{self.cohort}:test',
      'n_draws': 40,
      'min_voxels': 1,
    }
    compare_lesions(str(self.root / name), self.data_dir, **{**given, **values})
    return self.root / name

  def test_leaves_numbers_table_and_figure(self):
    folder = self.compare('out')
    found = json.loads((folder / 'lesions.json').read_text())
    masks = draw_masks(load_bundle(self.generator, LESION_GENERATOR), 40, seed=0)
    voxels = masks.sum((1, 2, 3))
    self.assertEqual(found['sets']['generated']['n'], np.count_nonzero(voxels))
    median_ml = np.median(voxels[voxels > 0]) * 6 * 6 * 16 / 1000
    self.assertAllClose(found['sets']['generated']['volume_ml_median'], median_ml, atol=1e-5)
    self.assertEqual(found['sets']['training']['n'], 6)
    self.assertIsNone(found['sets']['held_out']['volume_ks'])
    lines = (folder / 'lesions.md').read_text().splitlines()
    self.assertEqual(lines[0], '|  | generated | held-out | training |')
    self.assertTrue((folder / 'lesions.png').read_bytes().startswith(b'\x89PNG'))

  def test_the_seed_decides_the_draws(self):
    bundle = load_bundle(self.generator, LESION_GENERATOR)
    first, again, other = (draw_masks(bundle, 5, seed) for seed in (0, 0, 1))
    self.assertAllEqual(first, again)
    self.assertNotAllEqual(first, other)

  def test_refusals(self):
    for values, message in (
      ({'min_voxels': 10**6}, 'masks have 1000000 voxels or more, expected 2'),
      ({'training': f'{self.cohort}:healthy'}, 'was not trained on .*healthy'),
      ({'n_draws': 1}, 'n_draws 1'),
      ({'held_out': f'{self.cohort}:train'}, 'held_out .*:train: 6 of its masks are in .*:train as'),
      ({'shown': ['real']}, r"shown is \['real'\], expected some of held_out"),
      ({'generator': str(self.root / 'none')}, 'none'),
    ):
      with self.subTest(message), self.assertRaisesRegex((InputError, ValueError), message):
        self.compare('refused', **values)


class TableTest(tf.test.TestCase):
  def test_a_line_for_each_number_and_a_column_for_each_set(self):
    numbers = {
      'n': 4,
      'volume_ml_median': 0.43,
      'volume_ks': 0.25,
      'components_mean': 1.5,
      'components_median': 1.0,
      'components_ks': 0.5,
      'laterality': {'left': 0.5, 'right': 0.25, 'both': 0.25},
      'territory_distance': 0.1,
      'nearest_training_dice_median': 0.8,
      'nearest_training_dice_95': 0.95,
      'pairwise_dice': 0.02,
    }
    rows = table_rows({'generated': numbers, 'held_out': {**numbers, 'volume_ks': np.nan}}, 20)
    self.assertEqual(rows[0], ['', 'generated', 'held-out'])
    self.assertLen(rows, 1 + len(numbers))
    self.assertEqual([row[1] for row in rows[1:4]], ['4', '0.4', '0.250'])
    self.assertEqual(rows[3][2], '\N{EN DASH}')
    self.assertEqual(rows[7][1], '50 / 25 / 25')


if __name__ == '__main__':
  tf.test.main()
