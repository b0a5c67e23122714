"""Names of files and folders may be those of patients: no byte of a built data set holds one."""

import functools
import json
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds
from absl.testing import parameterized

from launchers import prepare_data_lib
from launchers.prepare_options import Options
from stroke_tfds.bids_stroke import bids_stroke_dataset_builder as bids_stroke
from stroke_tfds.carvemix import carvemix_dataset_builder as carvemix
from stroke_tfds.isles22 import isles22_dataset_builder as isles22
from stroke_tfds.label_schemes import ASEG28
from stroke_tfds.lesion_fusion import lesion_fusion_dataset_builder as lesion_fusion
from stroke_tfds.lesion_masks import lesion_masks_dataset_builder as lesion_masks
from stroke_tfds.manual_dir import ManualDirConfig
from stroke_tfds.phantom.anatomy import template_anatomy
from stroke_tfds.phantom_stroke import phantom_stroke_dataset_builder as phantom_stroke
from stroke_tfds.soop import soop_dataset_builder as soop
from stroke_tfds.synthetic_stroke import SyntheticStrokeConfig
from tests import tiny
from tests.prepared_builder import build
from tests.stroke_tfds.preparation import made_up_dicom
from tests.stroke_tfds.preparation import made_up_scans as scans

_SECRETS = ('JohnDoe', 'MRN4711', 'Quack', '20230405', 'rec-Jane')
_GRID = {
  'name': 'tiny',
  'shape': [32, 32, 8],
  'spacing_mm': [6.0, 6.0, 16.0],
  'corner_mm': [-96.0, -114.0, -56.0],
}


def _strings(folder: Path) -> Iterator[bytes]:
  """All that a built set holds: paths, files, and texts of its examples as they are read."""
  for path in sorted(folder.rglob('*')):
    yield str(path.relative_to(folder)).encode()
    if path.is_file():
      yield path.read_bytes()
  for path in sorted(folder.rglob('dataset_info.json')):
    builder = tfds.builder_from_directory(path.parent)
    for split in builder.info.splits:
      for example in builder.as_dataset(split=split).as_numpy_iterator():
        yield example['subject_id'] + example['provenance']


def _affine(spacing_mm: float = 3.0) -> np.ndarray:
  affine = np.diag([spacing_mm, spacing_mm, spacing_mm, 1.0])
  affine[:3, 3] = template_anatomy().origin_mm
  return affine


@functools.cache
def _files() -> Path:
  """Anatomies and lesion masks in a folder, all called after patients."""
  root = Path(tfds.testing.make_tmp_dir()) / 'Dr-Quack'
  codes = np.array([group[0] for group in ASEG28.codes], np.int16)
  labels = template_anatomy().labels[::3, ::3, ::3]
  for number in range(3):
    mask = np.zeros(labels.shape, np.uint8)
    mask[18:28, 25 + 3 * number : 37 + 3 * number, 28:38] = 1  # Left hemisphere.
    for folder, data in (('anatomies', codes[np.roll(labels, number, 1)]), ('masks', mask)):
      scans.save(root / folder / f'JohnDoe{number}_MRN4711_20230405.nii.gz', data, _affine())
  return root


@functools.cache
def _phantom() -> tuple[Path, str]:
  """A cohort of these files: its TFDS folder and its name."""
  data_dir = Path(tfds.testing.make_tmp_dir())
  config = phantom_stroke.PhantomStrokeConfig(
    name='real',
    grid=_GRID,
    n_healthy=2,
    n_train=3,
    n_test=2,
    n_test_negative=1,
    anatomy_dir=str(_files() / 'anatomies'),
    lesion_dir=str(_files() / 'masks'),
  )
  phantom_stroke.Builder(config=config, data_dir=str(data_dir)).download_and_prepare()
  return data_dir, f'phantom_stroke/{config.name}'


def _prepare(root: Path, source: str) -> Path:
  """A prepared cohort of two patients with sessions, where the layout has them."""
  output = root / 'JohnDoe_MRN4711'
  scan = root / 'in'
  names = {
    'soop': (
      '{0}/dwi/{0}_rec-TRACE_dwi.nii.gz',
      'derivatives/lesion_masks/{0}/dwi/{0}_space-TRACE_desc-lesionAcute_mask.nii.gz',
    ),
    'isles22': (
      '{0}/ses-20230405/dwi/{0}_ses-20230405_dwi.nii.gz',
      'derivatives/{0}/ses-20230405/{0}_ses-20230405_msk.nii.gz',
    ),
    'bids': (
      '{0}/ses-20230405/dwi/{0}_ses-20230405_rec-Jane_dwi.nii.gz',
      'derivatives/Dr-Quack/{0}_ses-20230405_rec-Jane_desc-lesion_mask.nii.gz',
    ),
  }
  for number in range(3):
    if source == 'dicom':
      patient = made_up_dicom.Patient(f'JohnDoe^{number}', f'MRN4711{number}', number)
      folder = scan / f'JohnDoe{number}_20230405'
      made_up_dicom.save_patient(folder, patient)
      scans.save(folder / 'lesion.nii.gz', scans.lesion_mask(), descrip=b'JohnDoe')
      continue
    for name, data in zip(names[source], (scans.scan(number), scans.lesion_mask())):
      scans.save(scan / name.format(f'sub-{number}'), data, descrip=b'JohnDoe', aux_file=b'MRN4711')
  options = Options(
    source, str(scan), str(output), registration='none', grid=json.dumps(_GRID), contrasts=('dwi',)
  )
  in_this_process = lambda work, shared, tasks, *_: ((task, work(shared, task)) for task in tasks)
  with mock.patch.object(prepare_data_lib.subject_pool, 'run', in_this_process):
    with mock.patch.object(prepare_data_lib, 'write_page', lambda folder, viewer: folder.path):
      assert prepare_data_lib.prepare_data(options) == 0
  return output


class NothingOfAPatientTest(parameterized.TestCase, tf.test.TestCase):
  def assert_nothing(self, data_dir: Path) -> None:
    read = list(_strings(data_dir))
    self.assertGreater(len(read), 10)
    for content in read:
      for secret in _SECRETS:
        self.assertNotIn(secret.lower().encode(), content.lower())

  def test_phantom_stroke(self):
    self.assert_nothing(_phantom()[0])

  def test_lesion_masks(self):
    data_dir = Path(self.get_temp_dir()) / 'data'
    builder = lesion_masks.Builder(config=ManualDirConfig(grid=_GRID), data_dir=str(data_dir))
    build(builder, _files() / 'masks')
    self.assert_nothing(data_dir)

  @parameterized.parameters(
    (soop, 'soop'), (isles22, 'isles22'), (bids_stroke, 'bids'), (bids_stroke, 'dicom')
  )
  def test_prepared(self, module, source):
    root = Path(self.get_temp_dir())
    prepared = _prepare(root, source)
    self.assert_nothing(prepared)
    config = type(module.Builder.BUILDER_CONFIGS[0])(grid=_GRID, with_suspicious=True)
    build(module.Builder(config=config, data_dir=str(root / 'data')), prepared)
    self.assert_nothing(root / 'data')

  @parameterized.parameters(carvemix, lesion_fusion)
  def test_copy_paste(self, module):
    cohort_dir, name = _phantom()
    data_dir = Path(self.get_temp_dir()) / 'data'
    known = type(module.Builder.BUILDER_CONFIGS[0])
    folders = {f'{field}_dir': str(cohort_dir) for field in known.SOURCES}
    config = known(**dict.fromkeys(known.SOURCES, name), **folders, num_volumes=2, min_voxels=3)
    module.Builder(config=config, data_dir=str(data_dir)).download_and_prepare()
    self.assert_nothing(data_dir)

  def test_synthetic_stroke(self):
    cohort_dir, name = _phantom()
    root = Path(self.get_temp_dir())
    metadata = tfds.builder(name, data_dir=str(cohort_dir)).info.metadata
    translator, generator = tiny.save_toy_bundles(root / 'JohnDoe_MRN4711', metadata)
    config = SyntheticStrokeConfig(
      translator=str(translator),
      lesion_generator=str(generator),
      healthy=name,
      healthy_dir=str(cohort_dir),
      num_volumes=2,
      audit=False,
    )
    tfds.builder('synthetic_stroke', config=config, data_dir=str(root / 'data')).download_and_prepare()
    self.assert_nothing(root / 'data')


if __name__ == '__main__':
  tf.test.main()
