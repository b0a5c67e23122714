import csv
import hashlib
import json
import shutil
from pathlib import Path
from unittest import mock

import nibabel as nib
import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds
from absl.testing import parameterized
from scipy import ndimage

from launchers import export_lib
from launchers.exports import layout
from launchers.exports.folder import ExportFolder
from stroke_tfds.errors import InputError
from stroke_tfds.imaging.grid import Grid
from tests import tiny
from tests.synthetic_sets import SyntheticCase

_MNI = 'space-MNI152NLin2009aSym'
# Where a case of each format has image, lesion and labels.
_PATHS = {
  'nnunet': ('imagesTr/{case}_0000.nii.gz', 'labelsTr/{case}.nii.gz', ''),
  'bids': tuple(
    f'{{case}}/dwi/{{case}}_{_MNI}_{end}.nii.gz'
    for end in ('desc-preproc_trace', 'desc-lesion_mask', 'dseg')
  ),
  'nifti': ('{case}/DWI.nii.gz', '{case}/lesion.nii.gz', '{case}/labels.nii.gz'),
}


def hashes(folder: Path) -> dict[str, str]:
  """Every file by its path."""
  files = sorted(path for path in folder.rglob('*') if path.is_file())
  return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


class ExportTest(SyntheticCase, parameterized.TestCase):
  """A phantom cohort of four cases beside three synthetic ones."""

  def setUp(self):
    super().setUp()
    builder = self.builder()
    builder.download_and_prepare()
    self.synthetic = f'synthetic_stroke/{builder.builder_config.name}'
    self.sources = [f'{self.healthy}:train', f'{self.synthetic}:train']
    self.output = Path(tfds.testing.make_tmp_dir()) / 'Dataset501_Stroke'

  def export(self, format: str = 'nifti', **changes) -> Path:
    given = {'source': self.sources, 'output': str(self.output), 'workers': 2, **changes}
    export_lib.export(data_dir=self.data_dir, format=format, **given)
    return Path(given['output'])

  @parameterized.parameters(*_PATHS)
  def test_voxels_and_affines_are_those_of_the_set_and_its_grid(self, format: str):
    folder = self.export(format)
    n_seen = 0
    for name in (self.healthy, self.synthetic):
      for example in tfds.load(name, split='train', data_dir=self.data_dir).as_numpy_iterator():
        case = f'sub-{example["subject_id"].decode().replace("-", "")}'
        expected = (example['image'][..., 0].astype(np.float32), example['lesion'], example['labels'])
        for path, values in zip(_PATHS[format], expected):
          if path:
            stored = nib.load(folder / path.format(case=case))
            self.assertAllEqual(np.asarray(stored.dataobj), values)
            self.assertEqual(stored.get_data_dtype(), values.dtype)
            # Centre of the first voxel: corner -96, -114, -56 and half of 6, 6 and 16 mm.
            affine = [[6, 0, 0, -93], [0, 6, 0, -111], [0, 0, 16, -48], [0, 0, 0, 1]]
            self.assertAllEqual(stored.affine, affine)
        n_seen += 1
    self.assertEqual(n_seen, 7)
    n_volumes = len([path for path in _PATHS[format] if path]) * 7
    self.assertLen(list(folder.rglob('*.nii.gz')), n_volumes)

  def test_nnunet_reads_what_the_files_say(self):
    folder = self.export('nnunet')
    description = json.loads((folder / 'dataset.json').read_text())
    self.assertEqual(description['channel_names'], {'0': 'DWI'})
    self.assertEqual(description['labels'], {'background': 0, 'lesion': 1})
    self.assertEqual((description['numTraining'], description['file_ending']), (7, '.nii.gz'))
    self.assertEqual(description['keras_itm']['grid'], tiny.GRID)
    folds = json.loads((folder / 'splits_final.json').read_text())
    self.assertLen(folds, 4)
    for fold in folds:
      self.assertLen(fold['val'], 1)
      self.assertStartsWith(fold['val'][0], 'sub-phantomtrain')
      self.assertLen([name for name in fold['train'] if 'synthetic' in name], 3)

  def test_bids_says_where_it_comes_from(self):
    folder = self.export('bids')
    description = json.loads((folder / 'dataset_description.json').read_text())
    self.assertEqual(description['DatasetType'], 'derivative')
    self.assertEqual(description['GeneratedBy'][0]['Name'], 'keras-itm')
    self.assertStartsWith(description['License'], 'Apache 2.0')
    self.assertLen(description['SourceDatasets'], 2)
    names = list(csv.DictReader((folder / 'dseg.tsv').open(), delimiter='\t'))
    self.assertLen(names, 28)
    self.assertEqual(names[0], {'index': '0', 'name': 'background'})
    rows = list(csv.DictReader((folder / 'participants.tsv').open(), delimiter='\t'))
    self.assertEqual([row['kind'] for row in rows], ['original'] * 4 + ['synthetic'] * 3)
    self.assertStartsWith(rows[-1]['parents'], 'phantom-healthy-')
    self.assertEqual(rows[0]['parents'], 'n/a')
    sidecar = json.loads((folder / f'{_MNI}_desc-preproc_trace.json').read_text())
    self.assertIs(sidecar['SkullStripped'], True)

  def test_no_folds_are_told_once(self):
    for part, n_told in (('train[:1]', 1), ('train[:2]', 0)):
      options = {'format': 'nnunet', 'output': f'{self.output}_{n_told}/Dataset501_A'}
      with mock.patch.object(export_lib, 'say') as say:
        self.export(source=[f'{self.healthy}:{part}'], **options)
      told = [call for call in say.call_args_list if 'no splits_final.json' in call.args[0]]
      self.assertLen(told, n_told)

  def test_a_scalp_is_seen(self):
    for reach_mm, expected in ((8.0, False), (24.0, True)):
      labels = np.zeros((20, 20, 10), np.uint8)
      labels[6:14, 6:14, 3:7] = 1
      near = ndimage.distance_transform_edt(labels == 0, (4.0, 4.0, 4.0)) <= reach_mm
      image = np.where(near, 0.1, 0)[..., None].astype(np.float16)
      examples = tf.data.Dataset.from_tensors({'image': image, 'labels': labels})
      source = mock.Mock(grid=Grid('a', (20, 20, 10), (4.0, 4.0, 4.0), (0.0, 0.0, 0.0)))
      source.examples.return_value = examples
      self.assertIs(layout.Export([source], []).is_skull_stripped, not expected)

  def test_stopped_anywhere_it_goes_on_to_the_same_bytes(self):
    whole = hashes(self.export(output=f'{self.output}_whole'))
    write, seen = ExportFolder.write_case, []

    def write_and_stop(folder, case, example):
      seen.append(case)
      if len(seen) == 3:
        (folder.path / case.name).mkdir()
        (folder.path / case.name / '.DWI.nii.gz.123').write_bytes(b'half')
        raise KeyboardInterrupt
      write(folder, case, example)

    with mock.patch.object(ExportFolder, 'write_case', write_and_stop):
      with self.assertRaises(KeyboardInterrupt):
        self.export(workers=1)
    self.assertFalse((self.output / 'dataset.json').exists())
    self.assertLess(len(list(self.output.glob('*/lesion.nii.gz'))), 7)
    before = {path: path.stat().st_mtime_ns for path in self.output.glob('*/*.nii.gz')}
    self.assertEqual(hashes(self.export()), whole)
    self.assertEqual(before, {path: path.stat().st_mtime_ns for path in before})

  def test_a_folder_that_lacks_a_file_is_not_whole_until_it_is_there_again(self):
    whole = hashes(self.export())
    lesions = iter(sorted(self.output.glob('*/lesion.nii.gz')))
    next(lesions).unlink()
    next(lesions).write_bytes(b'')
    with mock.patch.object(ExportFolder, 'write_case', side_effect=InputError('disk full')):
      with self.assertRaisesRegex(InputError, 'disk full'):
        self.export()
    self.assertFalse((self.output / 'dataset.json').exists())
    self.assertEqual(hashes(self.export()), whole)

  def test_refuses_what_does_not_fit_before_anything_is_written(self):
    counts = {'n_healthy': 1, 'n_train': 1, 'n_test': 1, 'n_test_negative': 0}
    grid = {**tiny.GRID, 'spacing_mm': [6.0, 6.0, 15.0]}
    other = tiny.build_phantom(self.data_dir, grid=grid, **counts)
    one = [f'{self.healthy}:train']
    for wanted, changes in {
      r"format is 'dicom', expected one of nnunet, bids, nifti": {'format': 'dicom'},
      r'has the grid .*: sets used together must agree': {'source': [*one, f'{other}:train']},
      r"data set 'phantom_stroke/none' does not exist": {'source': ['phantom_stroke/none:train']},
      r'no such split': {'source': [f'{self.healthy}:all_of_it']},
      r"both hold 'phantom-train-\d{4}'": {'source': [*one, f'{self.healthy}:train[:1]']},
      r'nnU-Net finds no data set of this name.*Dataset501_Stroke': {
        'format': 'nnunet',
        'output': f'{self.output}/stroke',
      },
      r'workers is -1': {'workers': -1},
    }.items():
      with self.assertRaisesRegex(InputError, f'^[^\n]*{wanted}'):
        self.export(**changes)
      self.assertFalse(self.output.exists(), wanted)

  def test_refuses_an_output_that_holds_something_else(self):
    self.export()
    with self.assertRaisesRegex(InputError, 'holds an export of format nifti, asked for is bids'):
      self.export('bids')
    with self.assertRaisesRegex(InputError, 'holds an export of sources'):
      self.export(source=self.sources[:1])
    (self.output / '.export.json').write_text('{')
    with self.assertRaisesRegex(InputError, 'export.json: damaged'):
      self.export()
    (self.output / '.export.json').unlink()
    with self.assertRaisesRegex(InputError, 'holds something else'):
      self.export()
    shutil.rmtree(self.output)
    self.output.mkdir()
    (self.output / '.DS_Store').touch()
    self.export()


if __name__ == '__main__':
  tf.test.main()
