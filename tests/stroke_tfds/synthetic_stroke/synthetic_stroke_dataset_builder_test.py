import errno
import json
import subprocess
import sys
from pathlib import Path
from unittest import mock

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds
from scipy import ndimage

from keras_itm import synthesis
from keras_itm.bundle import save_bundle
from keras_itm.bundle_spec import TRANSLATOR, BundleSpec
from stroke_tfds import synthetic_stroke
from stroke_tfds.build_cache import BuildCache
from stroke_tfds.errors import InputError
from stroke_tfds.imaging.grid import get_grid
from stroke_tfds.imaging.mni152 import brain_tissue
from stroke_tfds.phantom.territories import main_territory
from tests import tiny
from tests.synthetic_sets import SyntheticCase, generators

Config = synthetic_stroke.SyntheticStrokeConfig


class ContentTest(SyntheticCase):
  def test_follows_from_the_healthy_brain_and_the_drawn_lesion(self):
    made = self.examples(self.builder(num_volumes=5))
    healthy = tfds.load(f'{self.healthy}', split='healthy', data_dir=self.data_dir)
    anatomy = {example['subject_id']: example['labels'] for example in tfds.as_numpy(healthy)}
    self.assertLen(made, 5)
    parents, tissue = set(), brain_tissue(get_grid(tiny.GRID))
    for example in made:
      origin = json.loads(example['provenance'])
      parents.add(origin['healthy_parent'])
      self.assertAllEqual(example['labels'], anatomy[origin['healthy_parent'].encode()])
      inside = example['labels'][example['lesion'] > 0]
      self.assertTrue(np.isin(inside, self.metadata['label_scheme']['parenchyma_ids']).all())
      self.assertEqual(example['lesion'].sum(), origin['lesion_draw_voxels'][-1])
      self.assertGreaterEqual(example['lesion'].sum(), 20)
      # The toy translator shows label / 28, the lesion as 28; 2.5 medians of the brain tissue are 1.
      shown = np.where(example['lesion'] > 0, 28, example['labels']) / 28
      top = 2.5 * np.median(shown[tissue & (example['labels'] > 0)])
      self.assertAllClose(example['image'][..., 0], np.minimum(shown / top, 1), atol=1e-3)
      # A voxel of the tiny grid is 6 x 6 x 16 mm.
      self.assertAllClose(example['lesion_volume_ml'], example['lesion'].sum() * 0.576, rtol=1e-5)
    # Five volumes of four brains: all four are used.
    self.assertLen(parents, 4)

  def test_same_config_gives_identical_examples(self):
    first = self.examples(self.builder(seed=5))
    other_dir = tfds.testing.make_tmp_dir()
    tiny.build_phantom(other_dir)
    second = self.examples(self.builder(other_dir, seed=5))
    self.assertAllEqual([e['image'] for e in first], [e['image'] for e in second])
    self.assertEqual([e['provenance'] for e in first], [e['provenance'] for e in second])

  def test_seed_changes_the_lesions(self):
    first, second = self.examples(self.builder(seed=6)), self.examples(self.builder(seed=7))
    self.assertNotAllEqual(first[0]['lesion'], second[0]['lesion'])

  def test_names_all_that_it_was_made_from(self):
    cohort = self.healthy
    _, generator = tiny.save_toy_bundles(
      self.root / 'lesions_trained', self.metadata, trained_on=(f'{cohort}:train',)
    )
    translator, _ = tiny.save_toy_bundles(
      self.root / 'translator_trained',
      self.metadata,
      trained_on=(f'{cohort}:healthy', f'{cohort}:train'),
    )
    made = self.builder(
      translator=str(translator), lesion_generator=str(generator), healthy=f'{cohort}:healthy[1:]'
    )
    origins = [f'{cohort}:healthy[1:]', f'{cohort}:healthy', f'{cohort}:train']
    self.assertEqual(made.info.metadata['made_from'], origins)
    made.download_and_prepare()
    # As somebody reads it who has the folder alone.
    read = tfds.builder_from_directory(made.data_path).info.metadata
    self.assertEqual(read['made_from'], origins)

  def test_says_of_which_generators_the_training_is_not_known(self):
    told, _ = tiny.save_toy_bundles(self.root / 'told', self.metadata, trained_on=('a/b:train',))
    weights = {
      kind: json.loads((bundle / 'bundle.json').read_text())['weights']
      for kind, bundle in (('translator', self.translator), ('lesion_generator', self.lesions))
    }
    unknown = [f'unknown: {kind} {fingerprint}' for kind, fingerprint in weights.items()]
    healthy = f'{self.healthy}:healthy'
    self.assertEqual(self.builder(seed=13).info.metadata['made_from'], [healthy, *unknown])
    made = self.builder(translator=str(told), seed=13)
    # The bundle that tells makes the same volumes, but may not stand for the one that does not.
    self.assertEqual(made.info.metadata['made_from'], [healthy, 'a/b:train', unknown[1]])

  def test_equalizes_slices_unless_told_not_to(self):
    """A translator that darkens slices, one more than the other."""
    translator = self.root / 'uneven'
    toy = tiny.ToyTranslator()

    def uneven(segmentation, latent):
      brain = tf.reduce_mean(tf.cast(segmentation > 0, tf.float32), axis=(1, 2), keepdims=True)
      return (0.9 - brain[..., tf.newaxis]) * (toy(segmentation) + 1) - 1

    spec = BundleSpec(
      kind=TRANSLATOR,
      grid=self.metadata['grid'],
      label_scheme=self.metadata['label_scheme'],
      latent_size=0,
      intensity_range=(-1.0, 1.0),
      training_set='',
      intensity_scaling=self.metadata['intensity_scaling'],
    )
    save_bundle(translator, spec, uneven, toy, '')
    equalized, raw = (
      self.examples(self.builder(translator=str(translator), seed=12, num_volumes=1, **options))[0]
      for options in ({}, {'equalize_slice_brightness': False})
    )
    self.assertAllEqual(equalized['lesion'], raw['lesion'])
    shown = np.where(raw['lesion'] > 0, 28, raw['labels']) / 28
    gains = 0.9 - (raw['labels'] > 0).mean(axis=(0, 1))
    self.assertAllClose(raw['image'][..., 0], shown * gains, atol=1e-3)
    inside = np.isin(raw['labels'], self.metadata['label_scheme']['parenchyma_ids'])
    inside &= np.count_nonzero(inside, axis=(0, 1)) > 60
    inside &= equalized['image'][..., 0] < 1  # Cut at 2.5 medians.
    self.assertGreater(np.count_nonzero(inside), 500)
    uneven_by, left = (np.ptp(made['image'][inside, 0] / shown[inside]) for made in (raw, equalized))
    self.assertGreater(uneven_by, 0.3)
    self.assertLess(left, 0.03)

  def test_keeps_the_scan_and_puts_the_change_in_it(self):
    plain, made = (
      self.examples(self.builder(seed=14, num_volumes=1, **options))[0]
      for options in ({}, {'keep_scan': True})
    )
    self.assertAllEqual(made['lesion'], plain['lesion'])
    self.assertTrue(json.loads(made['provenance'])['in_scan'])
    self.assertNotIn('in_scan', json.loads(plain['provenance']))
    self.check_scan(made, self.parent_of(made, 'healthy'), made['lesion'] > 0)

  def test_a_scan_with_a_lesion_keeps_it(self):
    cohort = f'{self.healthy}:train'
    for made in self.examples(self.builder(seed=14, num_volumes=2, keep_scan=True, healthy=cohort)):
      parent, facts = self.parent_of(made, 'train'), json.loads(made['provenance'])
      own = parent['lesion'] > 0
      drawn = (made['lesion'] > 0) & ~own
      self.assertAllEqual(made['lesion'] > 0, drawn | own)
      self.assertAllEqual(made['labels'], parent['labels'])
      # Nothing of the drawn lesion lies in what was one already.
      self.assertEqual(facts['lesion_draw_voxels'][-1], np.count_nonzero(drawn))
      self.assertEqual(facts['kept_lesion_voxels'], np.count_nonzero(own))
      self.check_scan(made, parent, drawn)

  def parent_of(self, made, split):
    """The example whose scan was kept."""
    parent = json.loads(made['provenance'])['healthy_parent'].encode()
    cohort = tfds.load(self.healthy, split=split, data_dir=self.data_dir)
    return next(e for e in tfds.as_numpy(cohort) if e['subject_id'] == parent)

  def check_scan(self, made, parent, drawn):
    """It is the parent's, and in the drawn lesion that with the change that the toy makes."""
    scan, image = parent['image'][..., 0], made['image'][..., 0].astype(np.float32)
    is_far = ndimage.distance_transform_edt(~drawn, self.metadata['grid']['spacing_mm']) > 15
    lit = (scan > 0.1) & (image < 1)
    # The whole volume is scaled again.
    scale = np.median(image[is_far & lit] / scan[is_far & lit])
    self.assertAllClose(image[is_far & lit], scale * scan[is_far & lit], atol=1e-3)
    # The toy shows label / 28 and the lesion as 1.
    change = np.minimum(1.02 / (made['labels'] / 28 + 0.02), 4)
    inside = drawn & lit
    self.assertGreater(inside.sum(), 10)
    self.assertAllClose(image[inside], (scale * scan * change)[inside], rtol=5e-3)


class NegativesAndSizesTest(SyntheticCase):
  def test_some_volumes_have_no_lesion(self):
    made = self.examples(self.builder(seed=16, num_volumes=16, share_negative=0.5))
    plain = self.examples(self.builder(seed=16, num_volumes=16))
    is_negative = [not example['lesion'].any() for example in made]
    self.assertBetween(sum(is_negative), 4, 12)
    for example, other, negative in zip(made, plain, is_negative):
      origin = json.loads(example['provenance'])
      self.assertEqual(origin['lesion_draws'] == 0, negative)
      self.assertAllEqual(example['labels'], other['labels'])
      if negative:
        self.assertEqual(example['lesion_volume_ml'], 0)
        shown = example['labels'] / 28
        top = 2.5 * np.median(shown[brain_tissue(get_grid(tiny.GRID)) & (shown > 0)])
        self.assertAllClose(example['image'][..., 0], np.minimum(shown / top, 1), atol=1e-3)
      else:
        self.assertAllEqual(example['image'], other['image'])

  def test_lesions_of_heavier_sizes_are_kept_more_often(self):
    fields = {'seed': 17, 'num_volumes': 12}
    plain = self.examples(self.builder(**fields))
    volumes = [float(example['lesion_volume_ml']) for example in plain]
    bound = round(float(np.median(volumes)), 1)
    made = self.examples(self.builder(size_weights=[[0, 1], [bound, 0.02]], **fields))
    self.assertGreater(np.mean([e['lesion_volume_ml'] < bound for e in made]), 0.8)
    # A lesion that was kept at once is the same.
    draws = [json.loads(example['provenance'])['lesion_draws'] for example in made]
    first = next(i for i, n in enumerate(draws) if n == 1)
    self.assertAllEqual(made[first]['image'], plain[first]['image'])
    self.assertGreater(max(draws), 1)

  def test_lesions_of_heavier_territories_are_kept_more_often(self):
    grid = get_grid(tiny.GRID)
    territories = lambda made: [main_territory(example['lesion'], grid) for example in made]
    fields = {'seed': 17, 'num_volumes': 12}
    plain = territories(self.examples(self.builder(**fields)))
    common = max(plain, key=plain.count)
    kept = territories(self.examples(self.builder(territory_weights={common: 0.004}, **fields)))
    self.assertGreater(plain.count(common), 3)
    self.assertLess(kept.count(common), 2)


class ResumeTest(SyntheticCase):
  def test_keeps_the_volumes_of_a_killed_build(self):
    whole = self.examples(self.builder(seed=9))
    other_dir = tfds.testing.make_tmp_dir()
    tiny.build_phantom(other_dir)
    builder = self.builder(other_dir, seed=9)
    translate, calls = synthesis.translate, []

    def killed_at_the_third(*args, **kwargs):
      calls.append(args)
      if len(calls) == 3:
        raise KeyboardInterrupt
      return translate(*args, **kwargs)

    with mock.patch.object(synthesis, 'translate', killed_at_the_third):
      with self.assertRaises(KeyboardInterrupt):
        builder.download_and_prepare()
    calls.clear()

    def counting(*args, **kwargs):
      calls.append(args)
      return translate(*args, **kwargs)

    with mock.patch.object(synthesis, 'translate', counting):
      resumed = self.examples(self.builder(other_dir, seed=9))
    self.assertLen(calls, 1)
    self.assertAllEqual([e['image'] for e in whole], [e['image'] for e in resumed])
    self.assertFalse(list(Path(other_dir).rglob('*.npz')), 'the cache outlives the finished set')

  def test_full_disk_loses_nothing_and_says_so_in_one_line(self):
    builder = self.builder(seed=10)
    write, calls = Path.write_bytes, []

    def no_room_for_the_third(path, content):
      calls.append(path)
      if len(calls) == 3:
        raise OSError(errno.ENOSPC, 'No space left on device')
      return write(path, content)

    with mock.patch.object(Path, 'write_bytes', no_room_for_the_third):
      with self.assertRaisesRegex(InputError, 'disk full.*: 2 finished volumes are kept in'):
        builder.download_and_prepare()
    self.assertLen(self.examples(self.builder(seed=10)), 3)

  def test_a_damaged_volume_is_made_again(self):
    cache = BuildCache(self.root / 'cache')
    image, lesion = np.zeros((2, 2, 2, 1), np.float16), np.ones((2, 2, 2), np.uint8)
    cache.save(0, image=image, lesion=lesion, provenance={'a': 1})
    self.assertEqual(cache.load(0)['provenance'], {'a': 1})
    file = next((self.root / 'cache').glob('*.npz'))
    file.write_bytes(file.read_bytes()[:-40])
    self.assertIsNone(cache.load(0))


class ElsewhereTest(SyntheticCase):
  def test_loads_in_a_process_without_this_package(self):
    builder = self.builder(seed=11)
    builder.download_and_prepare()
    code = (
      'import sys, tensorflow_datasets as tfds\n'
      f'name = "synthetic_stroke/{builder.builder_config.name}"\n'
      f'data = tfds.load(name, data_dir="{self.data_dir}")\n'
      'print(len(list(data["train"])))\n'
      'assert not {"stroke_tfds", "keras_itm"} & set(sys.modules)\n'
    )
    done = subprocess.run(
      [sys.executable, '-c', code], cwd='/', capture_output=True, text=True, check=False
    )
    self.assertEqual(done.stdout.strip(), '3', done.stderr)


class BuilderTest(tfds.testing.DatasetBuilderTestCase):
  """The checks that TFDS makes of every builder."""

  DATASET_CLASS = synthetic_stroke.Builder
  SPLITS = {'train': 3}
  MOCK_OUT_FORBIDDEN_OS_FUNCTIONS = False  # Healthy brains and bundles are read from disk.
  SKIP_TF1_GRAPH_MODE = True  # Generators run eagerly.

  @classmethod
  def setUpClass(cls):
    root, healthy, _, translator, lesions = generators()
    cls.config = Config(
      translator=str(translator),
      lesion_generator=str(lesions),
      healthy=healthy,
      healthy_dir=str(root / 'data'),
      num_volumes=3,
      audit=False,
    ).resolve()
    cls.BUILDER_CONFIG_NAMES_TO_TEST = [cls.config]
    cls.EXAMPLE_DIR = str(root)
    super().setUpClass()

  def _make_builder(self, config=None):
    # There is no default: a synthetic set is always made from somebody's generators.
    return super()._make_builder(config or self.config)


if __name__ == '__main__':
  tf.test.main()
