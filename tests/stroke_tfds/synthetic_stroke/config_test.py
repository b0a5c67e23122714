from unittest import mock

import numpy as np
import tensorflow as tf

from keras_itm import synthesis
from stroke_tfds.errors import InputError
from stroke_tfds.synthetic_stroke import SyntheticStrokeConfig as Config
from tests import tiny
from tests.synthetic_sets import SyntheticCase


class NameTest(SyntheticCase):
  def test_carries_count_seed_and_a_fingerprint(self):
    self.assertRegex(self.builder().builder_config.name, r'^n3_seed0-unaudited-[0-9a-f]{12}$')
    self.assertRegex(self.builder(name='pilot').builder_config.name, r'^pilot-unaudited-[0-9a-f]{12}$')

  def test_other_weights_give_another_folder_and_a_copy_the_same(self):
    mine = self.builder().data_path
    other, _ = tiny.save_toy_bundles(self.root / 'heavier', self.metadata, weight=0.02)
    self.assertNotEqual(self.builder(translator=str(other)).data_path, mine)
    copy, _ = tiny.save_toy_bundles(self.root / 'copy', self.metadata)
    self.assertEqual(self.builder(translator=str(copy)).data_path, mine)

  def test_volumes_as_translated_are_another_set(self):
    self.assertNotEqual(
      self.builder(equalize_slice_brightness=False).data_path, self.builder().data_path
    )

  def test_lesions_in_scans_are_another_set(self):
    self.assertNotEqual(self.builder(keep_scan=True).data_path, self.builder().data_path)
    # Sets from before there was a choice keep their names.
    self.assertNotIn('in_scan', self.config().origins(self.data_dir))

  def test_negatives_and_weights_of_sizes_are_other_sets(self):
    plain = self.builder().data_path
    self.assertNotEqual(self.builder(share_negative=0.25).data_path, plain)
    self.assertNotEqual(self.builder(size_weights=[[0, 2], [5, 1]]).data_path, plain)
    self.assertNotEqual(self.builder(territory_weights={'ACA': 2}).data_path, plain)
    for key in ('audit', 'share_negative', 'size_weights', 'territory_weights'):
      self.assertNotIn(key, self.config().origins(self.data_dir))

  def test_chances_of_sizes(self):
    config = self.config(size_weights=[[0, 2], [5, 1], [20, 4]])
    self.assertEqual((config.most_draws, self.config().most_draws), (400, 100))
    chances = [config.chance(ml, 'ACA') for ml in (0.1, 4.9, 5, 19, 20, 300)]
    self.assertEqual(chances, [0.5, 0.5, 0.25, 0.25, 1, 1])
    self.assertEqual(self.config().chance(3.0, 'ACA'), 1)

  def test_chances_of_territories(self):
    config = self.config(territory_weights={'ACA': 2, 'basilar': 0.5})
    self.assertEqual(config.most_draws, 400)
    chances = [config.chance(3.0, name) for name in ('ACA', 'basilar', 'PCA deep', 'outside')]
    self.assertEqual(chances, [1, 0.25, 0.5, 0.5])
    # Others than those named have the largest weight here, and sizes count as well.
    both = self.config(territory_weights={'ACA': 2, 'other': 8}, size_weights=[[0, 2], [5, 1]])
    self.assertEqual([both.chance(ml, 'ACA') for ml in (3, 9)], [0.25, 0.125])
    self.assertEqual([both.chance(ml, 'basilar') for ml in (3, 9)], [1, 0.5])
    self.assertEqual(both.most_draws, 800)

  def test_other_healthy_data_give_another_folder(self):
    other = tiny.build_phantom(self.data_dir, seed=1)
    self.assertNotEqual(self.builder(healthy=other).data_path, self.builder().data_path)


class RefusalTest(SyntheticCase):
  def refuses(self, message: str, **fields):
    with self.assertRaisesRegex(InputError, message):
      self.builder(**fields)

  def test_counts(self):
    self.refuses('num_volumes is 0, expected a whole number from 1', num_volumes=0)
    self.refuses('num_volumes is -3, expected', num_volumes=-3)
    self.refuses("seed is 'a', expected", seed='a')
    self.refuses('min_voxels is True, expected a whole number from 1', min_voxels=True)
    self.refuses('max_draws is 0, expected a whole number from 1', max_draws=0)
    self.refuses(
      "equalize_slice_brightness is 'no', expected true or false", equalize_slice_brightness='no'
    )
    self.refuses('keep_scan is 1, expected true or false', keep_scan=1)
    self.refuses('share_negative is 1, expected a number from 0 to 0.99', share_negative=1)
    self.refuses('share_negative is 0.1, .*the healthy scan itself', share_negative=0.1, keep_scan=True)
    self.refuses(
      'keep one lesion in 1001, expected at least one in 1000', size_weights=[[0, 1], [5, 1001]]
    )
    for weights in (3, [[1, 2]], [[0, 1], [0, 2]], [[0, 0]], [[0, 1, 2]], [[0, 'a']], [0, 1]):
      self.refuses('size_weights is .*expected pairs of ml', size_weights=weights)
    self.refuses('territory_weights is 3, expected weights by name', territory_weights=3)
    self.refuses("territory_weights has 'MCA', expected some of .*'ACA'", territory_weights={'MCA': 2})
    for weight in (0, -1, 'a', float('nan'), True):
      self.refuses("territory_weights has .* for 'ACA', expected", territory_weights={'ACA': weight})
    self.refuses(
      'keep one lesion in 5000, expected at least one in 1000',
      territory_weights={'ACA': 50},
      size_weights=[[0, 1], [5, 100]],
    )
    self.refuses(
      'equalize_slice_brightness is False, expected it left out',
      keep_scan=True,
      equalize_slice_brightness=False,
    )

  def test_a_translator_of_other_contrasts(self):
    """Its change of the DWI must not be put into the ADC."""
    made = self.builder(seed=15, keep_scan=True, num_volumes=1)
    both = lambda *args, **kwargs: np.zeros((*self.metadata['grid']['shape'], 2), np.float32)
    message = r'translator makes 2 contrast.s., expected those of .*:healthy: DWI$'
    with mock.patch.object(synthesis, 'translate', both):
      with self.assertRaisesRegex(InputError, message):
        made.download_and_prepare()

  def test_missing_values(self):
    self.refuses("needs 'translator'", translator='')
    self.refuses('healthy is 3, expected a string', healthy=3)
    self.refuses('/nowhere: no bundle there', translator='/nowhere')
    self.refuses("'lesion_generator'", translator=str(self.lesions))

  def test_healthy_sets(self):
    self.refuses("data set 'no_such_set/x' does not exist", healthy='no_such_set/x')
    self.refuses("'phantom_stroke/mini' is not built in", healthy='phantom_stroke/mini')
    self.refuses(r'no such split.*healthy', healthy=f'{self.healthy}:sick')

  def test_bundles_of_another_grid_or_scheme(self):
    grid = {**self.metadata['grid'], 'spacing_mm': [5.0, 6.0, 16.0]}
    other, _ = tiny.save_toy_bundles(self.root / 'grid', {**self.metadata, 'grid': grid})
    self.refuses('was trained for the grid .*5.0.*but', translator=str(other))
    scheme = {**self.metadata['label_scheme'], 'name': 'other28'}
    other, _ = tiny.save_toy_bundles(self.root / 'scheme', {**self.metadata, 'label_scheme': scheme})
    self.refuses('was trained for the label_scheme .*other28.*aseg28', translator=str(other))

  def test_a_translator_of_classes(self):
    classes = tiny.save_toy_class_translator(self.root / 'classes', self.metadata)
    self.refuses('classes: takes the classes .*expected a translator of the', translator=str(classes))

  def test_a_translator_of_another_scaling(self):
    self.assertEqual(self.metadata['intensity_scaling'], 'parenchyma_median')
    other = {**self.metadata, 'intensity_scaling': 'percentile'}
    translator, lesions = tiny.save_toy_bundles(self.root / 'percentile', other)
    self.refuses(
      f'translator {translator} was trained for the intensity_scaling percentile, but {self.healthy} '
      'has parenchyma_median$',
      translator=str(translator),
    )
    # Masks have none.
    self.assertIn('n3_seed0', self.builder(lesion_generator=str(lesions)).builder_config.name)

  def test_lesions_that_are_never_large_enough(self):
    _, small = tiny.save_toy_bundles(self.root / 'small', self.metadata, radius=-4.0)
    builder = self.builder(lesion_generator=str(small), max_draws=4)
    with self.assertRaisesRegex(
      InputError, r'4 lesions were drawn .* with \d+ to \d+ voxels.*at least 20'
    ):
      builder.download_and_prepare()

  def test_unknown_fields(self):
    with self.assertRaisesRegex(InputError, "'num_volume' is unknown"):
      Config(num_volume=3)

  def test_fields_of_earlier_releases(self):
    for old, new in (('level', 'equalize_slice_brightness'), ('in_scan', 'keep_scan')):
      with self.assertRaisesRegex(InputError, f"^config field '{old}' is called '{new}' now$"):
        Config(**{old: True})


if __name__ == '__main__':
  tf.test.main()
