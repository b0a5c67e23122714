import json
import shutil
from pathlib import Path

import nibabel as nib
import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from stroke_tfds import open_sources
from stroke_tfds.brats import brats_dataset_builder as brats
from stroke_tfds.brats.folder import BratsFolder
from stroke_tfds.errors import InputError
from stroke_tfds.imaging.mni152 import template_t1
from stroke_tfds.label_schemes import ASEG28_TUMOUR
from stroke_tfds.phantom.structural_signal import CONTRASTS
from tests.real_samples import SAMPLES, needs_samples
from tests.tiny import GRID

OLD, NEW = ('_t1', '_t1ce', '_t2', '_flair', '_seg'), ('-t1n', '-t1c', '-t2w', '-t2f', '-seg')
# Stored as BraTS does: axes LPS, the brain at negative x and positive y.
LPS = np.array([[-4.0, 0, 0, -2], [0, -4.0, 0, 237], [0, 0, 4.0, 2], [0, 0, 0, 1]])


def _brain(shift: int = 0) -> np.ndarray:
  """The template on 60 x 64 x 50 voxels of 4 mm, axes LPS."""
  inside = template_t1(masked=True).data[::2, ::2, ::2]
  brain = np.zeros((60, 64, 50), np.float32)
  brain[5 : 5 + inside.shape[0], 3 : 3 + inside.shape[1], 1 : 1 + inside.shape[2]] = inside
  return np.roll(brain, shift, 1)[::-1, ::-1]


def _write_case(folder: Path, endings: tuple[str, ...] = OLD, labels=(1, 2, 4), shift: int = 0) -> None:
  """Images of one brain and a tumour of 6, 5 and 4 voxels thickness in its left half."""
  folder.mkdir(parents=True)
  brain = _brain(shift)
  classes = np.zeros(brain.shape, np.uint8)
  # Left is where the index is high: axes LPS.
  for label, n in zip((labels[1], labels[2], labels[0]), (6, 5, 4)):
    classes[37 : 37 + n, 25 : 25 + n, 20 : 20 + n] = label
  for i, ending in enumerate(endings):
    data = classes if ending.endswith('seg') else brain * (i + 1) + 300 * i * (classes > 0)
    nib.save(nib.Nifti1Image(data, LPS), folder / f'{folder.name}{ending}.nii.gz')


def _config(**fields) -> brats.BratsConfig:
  return brats.BratsConfig(**{'name': 'tiny', 'grid': GRID, **fields})


def _build(root: Path, config: brats.BratsConfig, data_dir: Path) -> None:
  builder = brats.Builder(config=config, data_dir=str(data_dir))
  manual = tfds.download.DownloadConfig(manual_dir=str(root))
  builder.download_and_prepare(download_config=manual)


class BratsTest(tf.test.TestCase):
  def setUp(self):
    super().setUp()
    self.root = Path(tfds.testing.make_tmp_dir()) / 'cases'

  def check_refused(self, message: str, **fields) -> None:
    with self.assertRaisesRegex(InputError, f'^[^\n]*{message}[^\n]*$'):
      _build(self.root, _config(**fields), self.root.parent / 'data')

  def test_both_namings_give_the_same_examples(self):
    _write_case(self.root / 'HGG' / 'Brats18_A_1')
    _write_case(self.root / 'BraTS-GLI-00001-000', NEW, (1, 2, 3))
    folder = BratsFolder(self.root, CONTRASTS)
    self.assertEqual(sorted(folder.cases), ['BraTS-GLI-00001-000', 'Brats18_A_1'])
    self.assertAllClose(list(folder.measure().values()), [216 * 0.064] * 2)
    for case in folder.cases.values():
      # 4^3 necrotic in 5^3 of core in 6^3: 64, 216 - 125, 125 - 64.
      self.assertAllEqual(np.bincount(case.read_classes().data.ravel())[1:], [64, 91, 61])
    new, old = (brats.make_example(_config(), folder.cases[name]) for name in sorted(folder.cases))
    for feature in ('image', 'labels', 'lesion'):
      self.assertAllEqual(new[feature], old[feature])
    classes = ASEG28_TUMOUR.lesion_classes_of(new['labels'])
    self.assertAllEqual(classes > 0, new['lesion'])
    self.assertTrue({2} < set(np.unique(classes)))
    self.assertAllClose(new['lesion'].sum() * 0.576, 216 * 0.064, rtol=0.25)
    self.assertGreater(np.isin(new['labels'], [3, 4]).sum(), 50)  # Cortex of the template.
    self.assertEqual(new['image'][(new['labels'] == 0) & (new['image'].max(-1) == 0)].max(), 0)
    # Right stays right: the tumour lies where the index along x is low.
    self.assertLess(np.argwhere(classes)[:, 0].max(), 16)

  def test_a_set_is_built_and_loads(self):
    for i in range(3):
      _write_case(self.root / f'BraTS-GLI-0000{i}-000', NEW, (1, 2, 3), shift=i)
    _write_case(self.root / 'BraTS-GLI-00000-001', NEW, (1, 2, 3), shift=3)
    config, data = _config(contrasts=['FLAIR', 'T1']), self.root.parent / 'data'
    _build(self.root, config, data)
    train, test = open_sources([f'brats/{config.name}:{s}' for s in ('train', 'test')], str(data))
    self.assertEqual(train.metadata['contrasts'], ['FLAIR', 'T1'])
    self.assertEqual(train.metadata['label_scheme']['name'], 'aseg28_tumour')
    self.assertEqual(train.intensity_scaling, 'parenchyma_median')
    subjects = [
      {json.loads(e['provenance'])['subject'] for e in s.examples().as_numpy_iterator()}
      for s in (train, test)
    ]
    self.assertLen(subjects[0] | subjects[1], 3)
    self.assertEmpty(subjects[0] & subjects[1])
    self.assertEqual(train.n_examples + test.n_examples, 4)

  def test_a_missing_modality_is_named(self):
    _write_case(self.root / 'X')
    (self.root / 'X' / 'X_t2.nii.gz').unlink()
    self.check_refused('X/X_t2.nii.gz: missing file')
    BratsFolder(self.root, ('T1', 'FLAIR'))  # It is not needed.
    (self.root / 'X' / 'X_seg.nii.gz').unlink()
    with self.assertRaisesRegex(InputError, 'X/X_seg.nii.gz: missing file'):
      BratsFolder(self.root, ('T1',))

  def test_other_labels_are_named(self):
    _write_case(self.root / 'X', labels=(1, 2, 7))
    self.check_refused(r'X_seg.nii.gz: holds the labels .7., expected .0, 1, 2, 4.')
    shutil.rmtree(self.root)
    _write_case(self.root / 'X', NEW, labels=(1, 2, 4))
    self.check_refused(r'X-seg.nii.gz: holds the labels .4., expected .0, 1, 2, 3.')

  def test_another_grid_is_named(self):
    _write_case(self.root / 'X')
    moved = LPS.copy()
    moved[1, 3] += 3
    nib.save(nib.Nifti1Image(_brain(), moved), self.root / 'X' / 'X_t1ce.nii.gz')
    self.check_refused('X_t1ce.nii.gz: lies on another grid than X_seg.nii.gz')

  def test_a_renamed_folder_is_named(self):
    for endings in (OLD, NEW):
      _write_case(self.root / 'A', endings)
      _write_case(self.root / 'B', endings)
      (self.root / 'B').rename(self.root / 'patient2')
      self.check_refused(f'patient2/B{endings[-1]}.nii.gz: lies in patient2, .* in a folder B')
      shutil.rmtree(self.root)

  def test_other_mistakes_are_told_in_one_line(self):
    self.root.mkdir()
    (self.root / 'notes.txt').write_text('')
    self.check_refused('holds no case')
    _write_case(self.root / 'X')
    self.check_refused(r'test_share 0.2 of 1 patient\(s\) leaves none')
    _write_case(self.root / 'again' / 'X')
    self.check_refused('a case of that name is in')
    with self.assertRaisesRegex(InputError, 'contrasts is'):
      _config(contrasts=['T1', 'DWI'])
    with self.assertRaisesRegex(InputError, 'intensity_scaling is'):
      _config(intensity_scaling='mean')

  @needs_samples
  def test_a_real_tumour(self):
    case = self.root / 'BraTS20_Training_001'
    case.mkdir(parents=True)
    names = {'t1': '_t1', 't1c': '_t1ce', 't2': '_t2', 'fla': '_flair', 'seg_consensus_mav': '_seg'}
    for name, ending in names.items():
      sample = SAMPLES / 'tumour' / 'tcga_lgg_FG-6692' / f'FG-6692_{name}.nii.gz'
      shutil.copy(sample, case / f'{case.name}{ending}.nii.gz')
    config = _config(grid='mini', test_share=0)
    _build(self.root, config, self.root.parent / 'data')
    (source,) = open_sources([f'brats/{config.name}:train'], str(self.root.parent / 'data'))
    (made,) = source.examples().as_numpy_iterator()
    of = lambda ids, i: np.median(made['image'][..., i][np.isin(made['labels'], ids)])
    self.assertGreater(of([1, 2], 0), of([5, 6], 0))  # T1: white matter above ventricles.
    self.assertGreater(of([5, 6], 2), 1.5 * of([1, 2], 2))  # T2: the reverse.
    self.assertLess(of([5, 6], 3), of([1, 2], 3))  # FLAIR.
    self.assertGreater(of([29], 3), 1.2 * of([1, 2], 3))  # Oedema.


if __name__ == '__main__':
  tfds.testing.test_main()
