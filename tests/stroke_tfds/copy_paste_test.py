import json
from pathlib import Path
from unittest import mock

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from stroke_tfds import carvemix, copy_paste, lesion_fusion
from stroke_tfds.errors import InputError
from stroke_tfds.imaging.grid import get_grid
from stroke_tfds.imaging.mni152 import brain_tissue
from tests import copy_paste_sets, tiny

BUILDERS = (lesion_fusion.Builder, carvemix.Builder)


class VolumesTest(copy_paste_sets.CopyPasteCase):
  def test_depend_on_the_seed_and_their_number_alone(self):
    for self.BUILDER in BUILDERS:
      five, two = self.examples(self.builder()), self.examples(self.builder(num_volumes=2))
      other = self.examples(self.builder(num_volumes=2, seed=1))
      self.assertEqual([e['subject_id'] for e in two], [e['subject_id'] for e in five[:2]])
      for k in range(2):
        for feature in ('image', 'labels', 'lesion'):
          self.assertAllEqual(two[k][feature], five[k][feature])
        self.assertEqual(two[k]['provenance'], five[k]['provenance'])
        self.assertNotEqual(two[k]['provenance'], other[k]['provenance'])
      self.assertNotAllEqual([e['lesion'] for e in two], [e['lesion'] for e in other])


class OriginsTest(copy_paste_sets.CopyPasteCase):
  def test_provenance_and_metadata_name_the_sources(self):
    clinical, healthy = f'{self.cohort}:train', f'{self.cohort}:healthy'
    for self.BUILDER, sources in zip(BUILDERS, ([healthy, clinical], [clinical])):
      builder = self.builder()
      example = self.examples(builder)[2]
      origin = json.loads(example['provenance'])
      self.assertEqual(builder.info.metadata['made_from'], sources)
      self.assertEqual((origin['source'], origin['clinical_source']), (builder.name, clinical))
      self.assertEqual((origin['seed'], origin['number']), (0, 2))
      self.assertIn(origin['lesion_donor'], self.cases('train'))
      self.assertEqual(example['subject_id'].decode(), f'{builder.name}-000002')


class ScalingTest(copy_paste_sets.CopyPasteCase):
  def test_is_that_of_the_sources(self):
    tissue = brain_tissue(get_grid(tiny.GRID))
    percentile = tiny.build_phantom(self.data_dir, intensity_scaling='percentile')
    for self.BUILDER in BUILDERS:
      for cohort, name in ((self.cohort, 'parenchyma_median'), (percentile, 'percentile')):
        builder = self.builder(**dict.fromkeys(self.BUILDER.BUILDER_CONFIGS[0].SOURCES, cohort))
        image = self.examples(builder)[0]['image'][..., 0].astype(np.float32)
        self.assertEqual(builder.info.metadata['intensity_scaling'], name)
        if name == 'percentile':
          self.assertAllClose((image[image > 0] == 1).mean(), 0.005, atol=0.004)
        else:
          self.assertAllClose(np.median(image[tissue & (image > 0)]), 0.4, atol=1e-3)

  def test_sources_of_two_are_refused(self):
    other = tiny.build_phantom(self.data_dir, intensity_scaling='percentile')
    self.BUILDER = lesion_fusion.Builder
    with self.assertRaisesRegex(InputError, f'{other} has the intensity_scaling percentile, but'):
      self.builder(clinical=other)


class NameTest(copy_paste_sets.CopyPasteCase):
  def test_carries_count_seed_and_a_fingerprint(self):
    for self.BUILDER in BUILDERS:
      name = self.builder().builder_config.name
      self.assertRegex(name, r'^n5_seed0-[0-9a-f]{12}$')
      self.assertRegex(self.builder(name='pilot').builder_config.name, r'^pilot-[0-9a-f]{12}$')
      changes = ({'seed': 1}, {'num_volumes': 6}, {'min_voxels': 4})
      changes += ({'clinical': f'{self.cohort}:train[:3]'},)
      names = {self.builder(name='n5_seed0', **change).builder_config.name for change in changes}
      self.assertLen(names | {name}, 5)

  def test_a_built_set_is_opened_by_its_name(self):
    for self.BUILDER in BUILDERS:
      builder = self.builder()
      builder.download_and_prepare()
      name = f'{builder.name}/{builder.builder_config.name}'
      self.assertEqual(tfds.builder(name, data_dir=self.data_dir).info.splits['train'].num_examples, 5)

  def test_sources_in_another_folder(self):
    for self.BUILDER in BUILDERS:
      fields = {f'{field}_dir': self.data_dir for field in self.builder().builder_config.SOURCES}
      config = copy_paste_sets.make_config(self.BUILDER, **fields)
      elsewhere = self.BUILDER(config=config, data_dir=tfds.testing.make_tmp_dir())
      self.assertEqual(elsewhere.builder_config.name, self.builder().builder_config.name)
      self.assertNotIn(self.data_dir, str(elsewhere.data_path))


class RefusalTest(copy_paste_sets.CopyPasteCase):
  def refuses(self, message: str, **fields):
    for self.BUILDER in BUILDERS:
      with self.assertRaisesRegex(InputError, message) as caught:
        self.builder(**fields)
      self.assertNotIn('\n', str(caught.exception))

  def test_fields(self):
    self.refuses('clinical is empty.*give --config .*"num_volumes": 8', clinical='')
    self.refuses('clinical is 3, expected a string', clinical=3)
    self.refuses('num_volumes is 0, expected a whole number from 1', num_volumes=0)
    self.refuses('min_voxels is 0, expected', min_voxels=0)
    self.refuses("seed is 'a', expected", seed='a')
    self.refuses("name is 'a/b', expected", name='a/b')
    self.refuses("'num_volume' is unknown, expected some of.*'clinical'", num_volume=3)

  def test_a_name_that_is_not_built(self):
    for builder in BUILDERS:
      with self.assertRaisesRegex(InputError, 'is empty, expected a data set; give --config'):
        builder(config='n5_seed0-0123456789ab', data_dir=self.data_dir)

  def test_sources(self):
    self.refuses("data set 'no_such_set/x' does not exist", clinical='no_such_set/x')
    self.refuses('no such split', clinical=f'{self.cohort}:sick')
    self.refuses("'phantom_stroke/mini' is not built in", clinical='phantom_stroke/mini')

  def test_sources_of_different_grids(self):
    grid = {**tiny.GRID, 'name': 'coarser', 'shape': [16, 16, 8], 'spacing_mm': [12.0, 12.0, 16.0]}
    other = tiny.build_phantom(self.data_dir, grid=grid)
    self.BUILDER = lesion_fusion.Builder
    with self.assertRaisesRegex(InputError, 'has the grid .*must agree'):
      self.builder(healthy=other)

  def test_clinical_cases_without_lesion(self):
    for self.BUILDER in BUILDERS:
      builder = self.builder(clinical=f'{self.cohort}:healthy')
      with self.assertRaisesRegex(InputError, 'healthy has no lesion of 3 voxels'):
        builder.download_and_prepare()

  def test_lesions_that_are_never_large_enough(self):
    def paste(builder, rng, parent, donor):
      n_voxels = int(rng.integers(1, 3))
      lesion = np.zeros_like(parent.labels)
      lesion.flat[:n_voxels] = 1
      return copy_paste.DerivedCase(parent.image, parent.labels, lesion, {})

    for self.BUILDER in BUILDERS:
      with mock.patch.object(self.BUILDER, 'paste', paste):
        with self.assertRaisesRegex(InputError, '100 lesions were drawn, with 1 to 2 voxels.*least 3'):
          self.builder(seed=7).download_and_prepare()
      self.assertFalse(list(Path(self.data_dir).glob(f'{self.BUILDER.name}/n5_seed7*/*')))

  def test_too_small_lesions_are_replaced(self):
    self.BUILDER = carvemix.Builder
    paste = carvemix.Builder.paste
    calls = []

    def empty_at_first(builder, rng, parent, donor):
      made = paste(builder, rng, parent, donor)
      calls.append(parent.subject_id)
      first = calls.count(parent.subject_id) == 1
      lesion = np.zeros_like(made.lesion) if first else made.lesion
      return copy_paste.DerivedCase(made.image, made.labels, lesion, made.drawn)

    with mock.patch.object(carvemix.Builder, 'paste', empty_at_first):
      made = self.examples(self.builder(seed=8, num_volumes=3))
    draws = [json.loads(example['provenance'])['lesion_draws'] for example in made]
    self.assertTrue(all(n >= 2 for n in draws), draws)

  def test_label_maps_without_parenchyma(self):
    self.BUILDER = carvemix.Builder
    nothing = np.zeros(tiny.GRID['shape'], np.uint8)
    case = copy_paste.Case('sub-7', nothing[..., None].astype(np.float32), nothing, nothing)
    with self.assertRaisesRegex(InputError, 'sub-7: its label map has no parenchyma'):
      self.builder().spared(case)


if __name__ == '__main__':
  tf.test.main()
