import functools
import json
from pathlib import Path

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from stroke_tfds import open_sources
from stroke_tfds.errors import InputError
from stroke_tfds.label_schemes import ASEG28_TUMOUR
from stroke_tfds.phantom_tumour import phantom_tumour_dataset_builder as phantom_tumour
from stroke_tfds.phantom_tumour.phantom_tumour_dataset_builder import PhantomTumourConfig
from tests.tiny import GRID

COUNTS = {'n_healthy': 1, 'n_train': 2, 'n_test': 1}


def _config(**fields) -> PhantomTumourConfig:
  return PhantomTumourConfig(**{'name': 'tiny', 'grid': GRID, **COUNTS, **fields})


@functools.cache
def _built() -> str:
  folder = tfds.testing.make_tmp_dir()
  phantom_tumour.Builder(config=_config(), data_dir=folder).download_and_prepare()
  return folder


class PhantomTumourTest(tfds.testing.DatasetBuilderTestCase):
  DATASET_CLASS = phantom_tumour.Builder
  BUILDER_CONFIG_NAMES_TO_TEST = [_config()]
  SPLITS = {'healthy': 1, 'train': 2, 'test': 1}
  SKIP_CHECKSUMS = True
  SKIP_TF1_GRAPH_MODE = True
  EXAMPLE_DIR = tfds.testing.make_tmp_dir()  # Nothing is read from it.


class ConfigTest(tf.test.TestCase):
  def test_name_carries_what_changes_the_bytes(self):
    changed = ({'seed': 1}, {'n_train': 6}, {'n_healthy': 2}, {'n_test': 2}, {'grid': 'mini'})
    changed += ({'contrasts': ['T1']}, {'contrasts': ['T2']}, {'intensity_scaling': 'percentile'})
    self.assertLen({_config(**change).name for change in ({}, *changed)}, 9)

  def test_mistakes_are_named_in_one_line(self):
    for fields, message in (
      ({'n_test': 0}, 'n_test is 0'),
      ({'contrasts': ['T1', 'DWI']}, "contrasts is .'T1', 'DWI'., expected some of .'T1', 'T1CE'"),
      ({'contrasts': ['T1', 'T1']}, 'each once'),
      ({'contrasts': 'FLAIR'}, "contrasts is 'FLAIR'"),
      ({'contrasts': []}, 'contrasts is'),
      ({'n_test_negative': 3}, 'n_test_negative'),
    ):
      with self.subTest(fields), self.assertRaisesRegex(InputError, f'^[^\n]*{message}[^\n]*$'):
        _config(**fields)


class CohortTest(tf.test.TestCase):
  def test_examples_keep_the_contract(self):
    (source,) = open_sources([f'phantom_tumour/{_config().name}:train'], _built())
    self.assertEqual(source.metadata['contrasts'], ['T1', 'T1CE', 'T2', 'FLAIR'])
    scheme = source.metadata['label_scheme']
    self.assertEqual((scheme['name'], scheme['lesion_class_ids']), ('aseg28_tumour', [28, 29, 30]))
    for stored in source.examples().as_numpy_iterator():
      self.assertEqual(stored['image'].shape, (32, 32, 8, 4))
      classes = ASEG28_TUMOUR.lesion_classes_of(stored['labels'])
      self.assertAllEqual(stored['lesion'], classes > 0)
      # As the docstring of label_schemes tells for tf.data.
      in_tf = tf.maximum(tf.cast(stored['labels'], tf.int32) - (scheme['lesion_class_ids'][0] - 1), 0)
      self.assertAllEqual(in_tf, classes)
      facts = json.loads(stored['provenance'])
      self.assertEqual(facts['source'], 'phantom_tumour')
      self.assertIn(facts['tumour'], ('ring', 'solid', 'non-enhancing'))

  def test_healthy_subjects_have_no_tumour_and_nobody_shares_an_anatomy(self):
    (healthy,) = open_sources([f'phantom_tumour/{_config().name}:healthy'], _built())
    (stored,) = healthy.examples().as_numpy_iterator()
    self.assertFalse(stored['lesion'].any())
    made = [phantom_tumour.make_example(_config(), 'train', n) for n in (0, 1)]
    self.assertGreater(np.mean(made[0]['labels'] != made[1]['labels']), 0.02)

  def test_a_subject_is_the_same_in_every_build(self):
    (source,) = open_sources([f'phantom_tumour/{_config().name}:train'], _built())
    stored = {e['subject_id'].decode(): e for e in source.examples().as_numpy_iterator()}
    made = phantom_tumour.make_example(_config(n_train=50), 'train', 1)
    self.assertAllEqual(made['image'], stored['tumour-train-0001']['image'])
    self.assertEqual(made['lesion_volume_ml'], stored['tumour-train-0001']['lesion_volume_ml'])

  def test_a_grid_beside_the_brain_is_refused(self):
    grid = {**GRID, 'corner_mm': [-96.0, -114.0, 900.0]}
    with self.assertRaisesRegex(InputError, 'grid tiny: holds no brain'):
      phantom_tumour.make_example(_config(grid=grid, intensity_scaling='percentile'), 'train', 0)

  def test_description_is_part_of_the_package(self):
    builder = phantom_tumour.Builder(config='mini', data_dir=str(Path(_built()) / 'other'))
    self.assertIn('Inversion', builder.info.description.title())


if __name__ == '__main__':
  tfds.testing.test_main()
