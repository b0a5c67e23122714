import csv
import json
from pathlib import Path

import nibabel as nib
import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from stroke_tfds.bids_stroke import bids_stroke_dataset_builder as bids_stroke
from stroke_tfds.errors import InputError
from stroke_tfds.lesion_masks import lesion_masks_dataset_builder as lesion_masks
from stroke_tfds.manual_dir import ManualDirConfig
from stroke_tfds.phantom.anatomy import template_anatomy
from stroke_tfds.prepared import PreparedConfig
from stroke_tfds.sources import open_sources
from tests.prepared_builder import build, examples_by_split
from tests.prepared_folder import TINY, cohort, write_folder
from tests.real_samples import SAMPLES, needs_samples

_EDGE_MM = 6.0
_SHAPE = (32, 32, 8)


def _save(folder: Path, name: str, data: np.ndarray, code: int = 4, shift_mm: float = 0.0) -> None:
  """A mask on voxels of 6 x 6 x 16 mm, eight of which make one of TINY."""
  folder.mkdir(parents=True, exist_ok=True)
  affine = np.diag([_EDGE_MM, _EDGE_MM, 16.0, 1.0])
  affine[:3, 3] = np.array([-96 + shift_mm, -114, -56]) + np.diag(affine)[:3] / 2
  image = nib.Nifti1Image(data, affine)
  image.set_sform(affine, code)
  image.set_qform(affine, code)
  nib.save(image, folder / name)


def _box(start: int = 8) -> np.ndarray:
  """16 voxels: two of TINY."""
  mask = np.zeros(_SHAPE, np.uint8)
  mask[start : start + 4, 10:12, 4:6] = 1
  return mask


def _config(**fields) -> ManualDirConfig:
  return ManualDirConfig(**{'name': 'tiny', 'grid': TINY, **fields})


def _build(folder: Path, data_dir: Path | str, **fields) -> tfds.core.DatasetBuilder:
  builder = lesion_masks.Builder(config=_config(**fields), data_dir=str(data_dir))
  build(builder, folder)
  return builder


class LesionMasksTest(tfds.testing.DatasetBuilderTestCase):
  DATASET_CLASS = lesion_masks.Builder
  BUILDER_CONFIG_NAMES_TO_TEST = [_config()]
  SPLITS = {'train': 4, 'test': 2}
  SKIP_CHECKSUMS = True
  SKIP_TF1_GRAPH_MODE = True
  EXAMPLE_DIR = tfds.testing.make_tmp_dir()

  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    for i in range(6):
      _save(Path(cls.EXAMPLE_DIR), f'sub-{i}_lesion.nii.gz', _box(2 * i))

  def test_texts_are_part_of_the_package(self):
    builder = lesion_masks.Builder(config='mini', data_dir=tfds.testing.make_tmp_dir())
    for text in (builder.info.description, builder.MANUAL_DOWNLOAD_INSTRUCTIONS):
      self.assertIn('tfds build --imports stroke_tfds lesion_masks/mini --manual_dir DIR', text)
    self.assertIn('absher', builder.info.citation)


class ExampleTest(tf.test.TestCase):
  def setUp(self):
    super().setUp()
    self.folder = Path(self.get_temp_dir()) / 'masks'
    self.data_dir = Path(self.get_temp_dir()) / 'data'

  def test_a_mask_and_what_is_around_it(self):
    _save(self.folder, 'sub-1_lesion.nii.gz', _box(8))
    _save(self.folder, 'sub-2.nii', _box(20))
    splits = examples_by_split(_build(self.folder, self.data_dir))
    found = splits['train'] | splits['test']
    found = {name.split('_')[0]: example for name, example in found.items()}
    self.assertCountEqual(found, ['sub-1', 'sub-2'])
    for name, start in (('sub-1', 8), ('sub-2', 20)):
      example = found[name]
      self.assertAllEqual(np.argwhere(example['lesion']), [[start // 2, 5, 2], [start // 2 + 1, 5, 2]])
      self.assertAllClose(example['lesion_volume_ml'], 9.216)  # 16 voxels of 0.576 ml.
      self.assertFalse(example['image'].any())
      facts = json.loads(example['provenance'])
      self.assertEqual(facts['subject'], name)
      self.assertAllClose(facts['volume_ml'], 9.216)

  def test_labels_are_the_template_s(self):
    for i in range(2):
      _save(self.folder, f'{i}.nii', _box(8 + i))
    (example,) = examples_by_split(_build(self.folder, self.data_dir))['test'].values()
    anatomy = template_anatomy()
    # The voxel (3, 5, 2) of TINY is the box of -60..-48, -54..-42 and 8..40 mm.
    start = np.array([-60, -54, 8]) - anatomy.origin_mm.astype(int)
    box = tuple(slice(s, s + n) for s, n in zip(start, (12, 12, 32)))
    self.assertEqual(example['labels'][3, 5, 2], np.bincount(anatomy.labels[box].ravel()).argmax())
    self.assertGreater(len(np.unique(example['labels'])), 10)

  def test_half_filled_voxels_keep_the_volume(self):
    mask = np.zeros(_SHAPE, np.uint8)
    mask[4:20:2, 10:12, 4:6] = 1  # Eight voxels of TINY, each half filled.
    for i in range(2):
      _save(self.folder, f'{i}.nii', np.roll(mask, i, axis=0))
    (example,) = examples_by_split(_build(self.folder, self.data_dir))['test'].values()
    self.assertEqual(example['lesion'].sum(), 4)

  def test_masks_of_a_subject_go_together(self):
    for i in range(10):
      for session in (1, 2):
        _save(self.folder, f'sub-{i}_ses-{session:02d}_lesion.nii', _box(i))
    for seed in range(3):
      splits = examples_by_split(_build(self.folder, self.data_dir, seed=seed))
      self.assertEqual({split: len(found) for split, found in splits.items()}, {'train': 16, 'test': 4})
      train, test = ({name.split('_')[0] for name in splits[split]} for split in ('train', 'test'))
      self.assertEmpty(train & test)

  def test_names_are_hashes_but_for_labels(self):
    for name, start in (('J. Doe_1950.nii', 4), ('J. Doe_b.nii', 6), ('sub-7_ses-20200315.nii', 8)):
      _save(self.folder, name, _box(start))
    _save(self.folder, 'sub-7_again.nii', _box(8))
    splits = examples_by_split(_build(self.folder, self.data_dir, test_share=0))
    names = sorted(splits['train'])
    for name, pattern in zip(names, 2 * ['sub-7_(.{12})'] + 2 * ['subject-(.{12})_.{12}']):
      self.assertRegex(name, f'^{pattern}(_2)?$')
    self.assertEqual(names[1], f'{names[0]}_2')  # The same mask twice, of one subject.
    subjects = [json.loads(splits['train'][name]['provenance'])['subject'] for name in names]
    self.assertEqual(subjects, [name.split('_')[0] for name in names])
    self.assertLen(set(subjects), 2)
    # Another name of the file changes nothing.
    (self.folder / 'J. Doe_1950.nii').rename(self.folder / 'Roe.nii')
    (self.folder / 'J. Doe_b.nii').rename(self.folder / 'Roe_b.nii')
    again = examples_by_split(_build(self.folder, self.data_dir.with_name('again'), test_share=0))
    self.assertEqual(sorted(again['train']), names)

  def test_a_single_mask_can_be_all_there_is_to_train_on(self):
    _save(self.folder, 'one.nii', _box())
    splits = examples_by_split(_build(self.folder, self.data_dir, test_share=0))
    self.assertEqual({split: len(found) for split, found in splits.items()}, {'train': 1})

  def test_is_never_mixed_with_images(self):
    for i in range(2):
      _save(self.folder, f'{i}.nii', _box(8 + i))
    builder = _build(self.folder, self.data_dir)
    self.assertEqual(builder.info.metadata['contrasts'], ['none'])
    name = f'lesion_masks/{builder.builder_config.name}:train'
    (source,) = open_sources([name], str(self.data_dir), build=False)
    self.assertEqual(source.n_examples, 1)
    write_folder(self.folder.parent / 'prepared', cohort(2))
    scans = bids_stroke.Builder(config=PreparedConfig(grid=TINY), data_dir=str(self.data_dir))
    download_config = tfds.download.DownloadConfig(manual_dir=str(self.folder.parent / 'prepared'))
    scans.download_and_prepare(download_config=download_config)
    names = [name, f'bids_stroke/{scans.builder_config.name}:train']
    with self.assertRaisesRegex(
      InputError, r"has the contrasts \['DWI'\], but lesion_masks/.*\['none'\]"
    ):
      open_sources(names, str(self.data_dir), build=False)

  def test_another_folder_under_the_same_name_is_refused(self):
    for i in range(2):
      _save(self.folder, f'{i}.nii', _box(8 + i))
    stored = _build(self.folder, self.data_dir).info.metadata['fingerprint']
    self.assertEqual(_build(self.folder, self.data_dir).info.metadata['fingerprint'], stored)
    _save(self.folder, '1.nii', _box(10))
    with self.assertRaisesRegex(InputError, f'holds data of fingerprint {stored}'):
      _build(self.folder, self.data_dir)


class RefusedTest(tf.test.TestCase):
  def setUp(self):
    super().setUp()
    self.folder = Path(self.get_temp_dir()) / 'masks'
    for i in range(3):
      _save(self.folder, f'sub-{i}.nii.gz', _box(i))

  def assertRefused(self, *messages: str, **fields) -> None:
    data_dir = Path(self.get_temp_dir()) / 'data'
    with self.assertRaises(InputError) as caught:
      _build(self.folder, data_dir, **fields)
    for message in messages:
      self.assertRegex(str(caught.exception), message)
    self.assertNotIn('\n', str(caught.exception))
    self.assertFalse(list(data_dir.rglob('*.tfrecord*')))

  def test_all_unfit_masks_are_named(self):
    _save(self.folder, 'empty.nii', np.zeros(_SHAPE, np.uint8))
    _save(self.folder, 'far.nii', _box(), shift_mm=500)
    _save(self.folder, 'nowhere.nii', _box(), code=0)
    _save(self.folder, 'probability.nii', _box() * 0.5)
    _save(self.folder, 'brain.nii', np.ones((16, 16, 5), np.uint8))  # 1,280 voxels of .576 ml.
    (self.folder / 'broken.nii.gz').write_bytes(b'no gzip')
    self.assertRefused(
      '^6 of 9 masks are unfit: ',
      'empty.nii: the mask is empty, expected a lesion',
      'far.nii: the lesion is outside the grid tiny, expected MNI coordinates',
      'nowhere.nii: its header does not say where it is',
      'probability.nii: holds .*0.5',
      'broken.nii.gz: ',
      'brain.nii: the mask has 737 ml, expected a lesion of at most 700 ml',
    )

  def test_the_same_mask_zipped_and_not(self):
    _save(self.folder, 'sub-1.nii', _box())
    self.assertRefused('sub-1.nii.gz: the same mask as sub-1.nii')

  def test_a_mask_of_two_subjects(self):
    _save(self.folder, 'sub-1_again.nii', _box(1))  # Of one subject: they stay together.
    _save(self.folder, 'sub-9_lesion.nii', _box(2).astype(np.float32))
    _save(self.folder, 'sub-8.nii', _box(2), shift_mm=12)  # Elsewhere, so another lesion.
    self.assertRefused(
      '^1 of 6 masks are unfit: .*sub-9_lesion.nii: has the voxels of sub-2.nii.gz, another subject'
    )

  def test_a_mask_that_was_taken_away(self):
    (self.folder / 'sub-2.nii.gz').unlink()
    (self.folder / 'sub-2.nii.gz').symlink_to(self.folder / 'gone')
    with self.assertRaisesRegex(InputError, 'sub-2.nii.gz: .*, expected a mask$'):
      _ = lesion_masks.MaskFolder(self.folder).fingerprint

  def test_no_subject_left_to_train(self):
    self.assertRefused('test_share 0.9 of 3 .* leaves none to train', test_share=0.9)

  def test_no_folder(self):
    self.folder = Path('/no/such/folder')
    self.assertRefused('built from a folder of NIfTI masks in MNI space: name it by tfds build')

  def test_no_masks(self):
    self.folder = Path(self.get_temp_dir()) / 'other'
    self.folder.mkdir()
    (self.folder / 'README').write_text('')
    self.assertRefused('other: holds no NIfTI file')


@needs_samples
class RealMasksTest(tf.test.TestCase):
  def test_volumes_are_kept(self):
    """Forty of the 1,126; the median over all of them was 0.9996."""
    folder = Path(self.get_temp_dir()) / 'masks'
    folder.mkdir()
    with (SAMPLES / 'soop_masks' / 'index.csv').open(newline='') as table:
      native_ml = {row['file'].split('.')[0]: float(row['volume_ml']) for row in csv.DictReader(table)}
    for name in sorted(native_ml)[::29]:
      (folder / f'{name}.nii.gz').symlink_to(SAMPLES / 'soop_masks' / 'lesions' / f'{name}.nii.gz')
    splits = examples_by_split(_build(folder, Path(self.get_temp_dir()) / 'data', grid='mini'))
    self.assertEqual({split: len(found) for split, found in splits.items()}, {'train': 31, 'test': 8})
    ratios = []
    for name, example in (splits['train'] | splits['test']).items():
      expected_ml = native_ml[f'{name.split("_")[0]}_lesion']
      ratios.append(example['lesion_volume_ml'] / expected_ml)
      self.assertNear(json.loads(example['provenance'])['volume_ml'], expected_ml, 1e-3)
    self.assertBetween(np.median(ratios), 0.97, 1.03)


if __name__ == '__main__':
  tfds.testing.test_main()
