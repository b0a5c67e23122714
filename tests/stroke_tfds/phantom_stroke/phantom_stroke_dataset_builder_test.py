import functools
import json
from pathlib import Path

import nibabel as nib
import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from stroke_tfds.errors import InputError
from stroke_tfds.imaging.grid import get_grid
from stroke_tfds.imaging.mni152 import brain_tissue
from stroke_tfds.label_schemes import ASEG28
from stroke_tfds.phantom.anatomy import template_anatomy
from stroke_tfds.phantom_stroke import phantom_stroke_dataset_builder as phantom_stroke
from stroke_tfds.phantom_stroke.phantom_stroke_dataset_builder import PhantomStrokeConfig

GRID = {
  'name': 'tiny',
  'shape': [32, 32, 8],
  'spacing_mm': [6.0, 6.0, 16.0],
  'corner_mm': [-96.0, -114.0, -56.0],
}
COUNTS = {'n_healthy': 3, 'n_train': 4, 'n_test': 3, 'n_test_negative': 1}


def _config(**fields) -> PhantomStrokeConfig:
  return PhantomStrokeConfig(**{'grid': GRID, **COUNTS, **fields})


def _build(config: PhantomStrokeConfig, data_dir: str) -> dict[str, list[dict]]:
  """Examples of each split by subject."""
  builder = phantom_stroke.Builder(config=config, data_dir=data_dir)
  builder.download_and_prepare()
  splits = {}
  for split in ('healthy', 'train', 'test'):
    examples = builder.as_dataset(split=split).as_numpy_iterator()
    splits[split] = sorted(examples, key=lambda example: example['subject_id'])
  return splits


def _records(data_dir: Path) -> dict[str, bytes]:
  return {path.name: path.read_bytes() for path in sorted(data_dir.rglob('*.tfrecord*'))}


@functools.cache
def _cohort() -> dict[str, list[dict]]:
  return _build(_config(), tfds.testing.make_tmp_dir())


def _name(fields: dict) -> str:
  return phantom_stroke.PhantomStrokeConfig(**fields).name


class PhantomStrokeTest(tfds.testing.DatasetBuilderTestCase):
  DATASET_CLASS = phantom_stroke.Builder
  BUILDER_CONFIG_NAMES_TO_TEST = [_config(name='tiny')]
  SPLITS = {'healthy': 3, 'train': 4, 'test': 3}
  SKIP_CHECKSUMS = True
  SKIP_TF1_GRAPH_MODE = True
  EXAMPLE_DIR = tfds.testing.make_tmp_dir()  # Nothing is read from it.

  def test_description_is_part_of_the_package(self):
    builder = phantom_stroke.Builder(config='mini', data_dir=tfds.testing.make_tmp_dir())
    self.assertIn('arterial territories', builder.info.description)
    self.assertIn('platscher', builder.info.citation)


def _built_in(name):
  return next(config for config in phantom_stroke.Builder.BUILDER_CONFIGS if config.name == name)


class ConfigTest(tf.test.TestCase):
  def test_built_in_cohorts(self):
    mini, paper = (_built_in(name) for name in ('mini', 'paper'))
    self.assertEqual((mini.name, mini.grid.shape), ('mini', (64, 64, 16)))
    self.assertEqual(
      (mini.n_healthy, mini.n_train, mini.n_test, mini.n_test_negative), (128, 120, 72, 24)
    )
    self.assertEqual((paper.name, paper.grid.shape), ('paper', (128, 128, 32)))
    scalings = mini.intensity_scaling, paper.intensity_scaling
    self.assertEqual(scalings, ('parenchyma_median', 'percentile'))
    self.assertEqual(
      (paper.n_healthy, paper.n_train, paper.n_test, paper.n_test_negative), (2027, 365, 159, 85)
    )

  def test_name_carries_what_changes_the_bytes_and_is_known_without_building(self):
    fields = {'name': 'mine', 'grid': 'mini', 'n_train': 5}
    name = _name(fields)
    self.assertRegex(name, r'^mine-[0-9a-f]{12}$')
    self.assertEqual(name, _name(fields))
    changed = ({'seed': 1}, {'n_train': 6}, {'n_healthy': 1}, {'grid': GRID}, {'n_test_negative': 0})
    changed += ({'intensity_scaling': 'percentile'},)
    names = {_name({**fields, **change}) for change in changed}
    self.assertLen(names | {name}, len(changed) + 1)
    self.assertRegex(_name({}), '^custom-')

  def test_contents_of_folders_change_the_name(self):
    folder = Path(self.get_temp_dir())
    for file in ('a.nii', 'b.nii'):
      (folder / file).write_bytes(b'1')
    name = _name({'lesion_dir': str(folder)})
    (folder / 'a.nii').write_bytes(b'2')
    self.assertNotEqual(_name({'lesion_dir': str(folder)}), name)

  def test_mistakes_are_named_in_one_line(self):
    empty = self.get_temp_dir()
    cases = (
      ({'n_train': 0}, 'n_train is 0'),
      ({'n_healthy': -3}, 'n_healthy is -3'),
      ({'n_test': 2.5}, 'n_test is 2.5'),
      ({'n_test': True}, 'n_test is True'),
      ({'n_test_negative': 99}, 'n_test_negative is 99'),
      ({'seed': -1}, 'seed is -1'),
      ({'grid': 'maxi'}, 'maxi'),
      ({'anatomy_space': 'talairach'}, 'talairach'),
      ({'intensity_scaling': 'mean'}, "intensity_scaling is 'mean', expected one of .'percentile'"),
      ({'anatomy_dir': '/no/such/folder'}, '/no/such/folder: no such folder'),
      ({'lesion_dir': empty}, 'no NIfTI file'),
      ({'lesion_dir': 3}, 'lesion_dir is 3'),
      ({'name': 'a/b'}, 'a/b'),
      ({'contrasts': ['ADC']}, "contrasts is .'ADC'."),
      ({'contrasts': 3}, 'contrasts is 3'),
      ({'n_trian': 3}, 'n_trian'),
    )
    for fields, message in cases:
      with self.subTest(fields), self.assertRaisesRegex(InputError, message) as caught:
        PhantomStrokeConfig(**fields)
      self.assertNotIn('\n', str(caught.exception))

  def test_metadata_holds_the_fingerprint(self):
    config = _config(seed=9)
    builder = phantom_stroke.Builder(config=config, data_dir=self.get_temp_dir())
    self.assertEqual(builder.info.metadata['fingerprint'], config.fingerprint)
    self.assertEqual(builder.info.metadata['grid']['shape'], [32, 32, 8])
    self.assertEqual(builder.info.metadata['contrasts'], ['DWI'])


class ScalingTest(tf.test.TestCase):
  def test_the_same_subject_in_another_unit(self):
    configs = [_config(intensity_scaling=name) for name in ('percentile', 'parenchyma_median')]
    by_percentile, by_median = (
      phantom_stroke._Simulator(config).make_example('train', 1) for config in configs
    )
    for feature in ('labels', 'lesion'):
      self.assertAllEqual(by_percentile[feature], by_median[feature])
    one, other = (e['image'][..., 0].astype(np.float32) for e in (by_percentile, by_median))
    inside = (one > 0.05) & (one < 1) & (other < 1)
    self.assertGreater(inside.sum(), 2000)
    ratio = (other[inside] / one[inside]) / np.median(other[inside] / one[inside])
    self.assertAllClose(ratio, np.ones_like(ratio), atol=0.01)  # Half precision.
    tissue = brain_tissue(get_grid(GRID)) & (other > 0)
    self.assertAllClose(np.median(other[tissue]), 0.4, atol=1e-3)
    self.assertGreater((one == 1).sum(), (other == 1).sum())

  def test_is_told_by_the_metadata(self):
    for name in ('percentile', 'parenchyma_median'):
      config = _config(intensity_scaling=name)
      builder = phantom_stroke.Builder(config=config, data_dir=self.get_temp_dir())
      self.assertEqual(builder.info.metadata['intensity_scaling'], name)


class AdcTest(tf.test.TestCase):
  def test_is_a_second_contrast_of_the_same_subjects(self):
    configs = [_config(), _config(contrasts=['DWI', 'ADC'])]
    one, two = (phantom_stroke._Simulator(config).make_example('train', 1) for config in configs)
    for feature in ('labels', 'lesion', 'lesion_volume_ml'):
      self.assertAllEqual(one[feature], two[feature])
    self.assertAllEqual(one['image'][..., 0], two['image'][..., 0])
    self.assertEqual(two['image'].shape, (32, 32, 8, 2))

  def test_earlier_configs_keep_their_fingerprints(self):
    mini, paper, with_adc = (_built_in(name) for name in ('mini', 'paper', 'mini_dwi_adc'))
    self.assertEqual((mini.fingerprint, paper.fingerprint), ('2b1639e4fd19', '3a9e1bc3023b'))
    self.assertEqual((with_adc.name, with_adc.contrasts), ('mini_dwi_adc', ('DWI', 'ADC')))
    self.assertNotEqual(with_adc.fingerprint, mini.fingerprint)


class CohortTest(tf.test.TestCase):
  def test_who_has_a_lesion(self):
    lesions = {k: [int(e['lesion'].sum()) for e in v] for k, v in _cohort().items()}
    self.assertEqual(lesions['healthy'], [0, 0, 0])
    self.assertTrue(all(lesions['train']))
    self.assertEqual([n > 0 for n in lesions['test']], [True, True, False])

  def test_lesions_lie_in_parenchyma_and_their_volume_is_stated(self):
    for example in _cohort()['train']:
      inside = example['labels'][example['lesion'] > 0]
      self.assertTrue(np.isin(inside, ASEG28.parenchyma_ids).all())
      self.assertAllClose(example['lesion_volume_ml'], len(inside) * 6 * 6 * 16 / 1000)

  def test_labels_never_hold_the_lesion(self):
    for examples in _cohort().values():
      for example in examples:
        self.assertLess(example['labels'].max(), ASEG28.lesion_id)

  def test_provenance(self):
    for split, examples in _cohort().items():
      for number, example in enumerate(examples):
        self.assertEqual(example['subject_id'].decode(), f'phantom-{split}-{number:04d}')
        facts = json.loads(example['provenance'])
        self.assertEqual(facts['source'], 'phantom_stroke')
        self.assertEqual(facts['config'], _config().name)
        self.assertEqual(facts['lesion_origin'] is None, not example['lesion'].any())
        self.assertEqual(facts['age_days'] is None, not example['lesion'].any())
        if facts['age_days'] is not None:
          self.assertBetween(facts['age_days'], 0.08, 18)
        self.assertGreaterEqual(facts['old_infarct_ml'], 0)
        self.assertTrue(split != 'healthy' or facts['old_infarct_ml'] == 0)

  def test_subjects_differ_within_and_between_splits(self):
    images = [e['image'].tobytes() for examples in _cohort().values() for e in examples]
    self.assertLen(set(images), 10)
    for one, other in (('healthy', 'train'), ('train', 'test')):
      self.assertGreater(np.mean(_cohort()[one][0]['labels'] != _cohort()[other][0]['labels']), 0.02)

  def test_a_subject_does_not_depend_on_how_many_there_are(self):
    simulators = [phantom_stroke._Simulator(_config(n_train=n)) for n in (3, 50)]
    few, many = (simulator.make_example('train', 2) for simulator in simulators)
    self.assertAllEqual(few['image'], many['image'])

  def test_building_twice_gives_the_same_bytes(self):
    folders = [Path(tfds.testing.make_tmp_dir()) for _ in range(3)]
    for folder, seed in zip(folders, (0, 0, 1)):
      _build(_config(name='twice', seed=seed), str(folder))
    first, second, other = map(_records, folders)
    self.assertLen(first, 3)
    self.assertEqual(first, second)
    self.assertNotEqual(list(first.values()), list(other.values()))


class RealInputTest(tf.test.TestCase):
  """Label maps and masks of the user's own, made from the template here."""

  def setUp(self):
    super().setUp()
    self.root = Path(self.get_temp_dir())
    self.anatomy = template_anatomy()
    self.affine = np.diag([3.0, 3.0, 3.0, 1.0])
    self.affine[:3, 3] = self.anatomy.origin_mm

  def save(self, folder: str, name: str, data: np.ndarray, affine=None) -> None:
    (self.root / folder).mkdir(exist_ok=True)
    image = nib.Nifti1Image(data, self.affine if affine is None else affine)
    nib.save(image, self.root / folder / name)

  def save_anatomies(self, n_files: int, affine=None) -> None:
    codes = np.array([group[0] for group in ASEG28.codes], np.int16)
    for i in range(n_files):
      labels = np.roll(self.anatomy.labels[::3, ::3, ::3], i, axis=1)  # Each file differs.
      self.save('anatomies', f'{i}.nii.gz', codes[labels], affine)

  def save_masks(self, n_files: int) -> None:
    shape = self.anatomy.labels[::3, ::3, ::3].shape
    for i in range(n_files):
      mask = np.zeros(shape, np.uint8)
      mask[18:28, 25 + 2 * i : 35 + 2 * i, 28:38] = 1  # Left hemisphere.
      self.save('masks', f'{i}.nii.gz', mask)

  def config(self, **fields) -> PhantomStrokeConfig:
    folders = {'anatomy_dir': 'anatomies', 'lesion_dir': 'masks'}
    there = {k: str(self.root / v) for k, v in folders.items() if (self.root / v).exists()}
    return _config(name='real', **there, **fields)

  def test_masks_and_anatomies_of_the_test_split_are_its_own(self):
    self.save_anatomies(3)
    self.save_masks(6)
    splits = _build(self.config(n_train=6), str(self.root / 'data'))
    facts = {k: [json.loads(e['provenance']) for e in v] for k, v in splits.items()}
    used = lambda split, key: {f[key] for f in facts[split] if f[key]}
    for key in ('lesion_origin', 'anatomy'):
      self.assertNotEmpty(used('train', key))
      self.assertEmpty(used('train', key) & used('test', key))
    self.assertEmpty(used('healthy', 'anatomy') & used('test', 'anatomy'))
    for example in splits['train']:
      x = np.argwhere(example['lesion'])[:, 0]
      self.assertLess(x.mean(), 16, 'left masks stay on the left')

  def test_anatomy_outside_mni_space_is_refused_before_the_work(self):
    affine = self.affine.copy()
    affine[1, 3] += 60
    self.save_anatomies(2, affine)
    with self.assertRaisesRegex(InputError, r'0.nii.gz: overlaps .* anatomy_space native registers it'):
      _build(self.config(), str(self.root / 'data'))

  def test_masks_elsewhere_end_in_an_error_that_says_so(self):
    affine = self.affine.copy()
    affine[2, 3] += 500
    for i in range(2):
      affine[1, 3] += 3  # Each mask differs.
      self.save('masks', f'{i}.nii.gz', np.ones((3, 3, 3), np.uint8), affine)
    with self.assertRaisesRegex(InputError, '20 lesions drawn, none fills a voxel'):
      _build(self.config(), str(self.root / 'data'))

  def test_the_same_mask_or_anatomy_twice_is_refused(self):
    """Named otherwise, packed otherwise or turned round: the test split would hold what trains."""
    self.save_masks(3)
    self.save_anatomies(2)
    folders = {'masks': self.root / 'masks', 'anatomies': self.root / 'anatomies'}
    for folder, path in folders.items():
      one = nib.load(path / '1.nii.gz')
      codes = np.asarray(one.dataobj)
      turned = self.affine @ np.array([[-1, 0, 0, len(codes) - 1.0], *np.eye(4)[1:]])
      twins = ((codes, self.affine), (codes.astype(np.float32), self.affine), (codes[::-1], turned))
      for data, affine in twins:
        self.save(folder, 'twin.nii', data, affine)
        with self.assertRaisesRegex(
          InputError, f'^[^\n]*{folder}/twin.nii: has the voxels of 1.nii.gz, expected each file once$'
        ):
          _build(self.config(), str(self.root / 'data'))
        (path / 'twin.nii').unlink()
    self.assertEmpty(list((self.root / 'data').rglob('*.tfrecord*')))
    phantom_stroke._Simulator(self.config())

  def test_one_mask_cannot_serve_train_and_test(self):
    self.save_masks(1)
    with self.assertRaisesRegex(InputError, 'holds one mask'):
      self.config()


if __name__ == '__main__':
  tfds.testing.test_main()
