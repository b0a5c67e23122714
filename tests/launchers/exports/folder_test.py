import json
from pathlib import Path
from types import SimpleNamespace

import nibabel as nib
import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from launchers.exports.bids import BidsLayout
from launchers.exports.cases import ExportCase
from launchers.exports.folder import ExportFolder
from launchers.exports.layout import Export, Layout
from launchers.exports.nifti import NiftiLayout
from launchers.exports.nnunet import NnunetLayout
from stroke_tfds.errors import InputError
from stroke_tfds.imaging.grid import Grid

_GRID = Grid('small', (2, 3, 4), (1.0, 2.0, 3.0), (0.0, 0.0, 0.0))
_PREFIX = 'sub-7/ses-01/dwi/sub-7_ses-01_space-MNI152NLin2009aSym_desc-preproc'


def export(*cases: ExportCase, contrasts: tuple[str, ...] = ('DWI', 'ADC'), **scheme) -> Export:
  """What is exported of a set of two contrasts."""
  facts = {
    'contrasts': list(contrasts),
    'label_scheme': {'name': 'two', 'names': ['background', 'brain', 'core', 'oedema'], **scheme},
    'intensity_scaling': 'percentile',
  }
  info = SimpleNamespace(homepage='https://example.org')
  source = SimpleNamespace(
    agreed=facts,
    grid=_GRID,
    metadata={'fingerprint': 'f', 'licences': ['CC0']},
    builder=SimpleNamespace(version='1.0.0', info=info),
  )
  exported = Export([source], cases)
  exported.__dict__['is_skull_stripped'] = True  # As read from the first example, which is not there.
  return exported


def case(session: str, volume_ml: float) -> ExportCase:
  name = f'sub-7_ses-{session}'
  return ExportCase('7', session, 'soop:train', name, False, (), volume_ml)


class ExportFolderTest(tf.test.TestCase, parameterized.TestCase):
  @parameterized.parameters(
    (BidsLayout, f'{_PREFIX}_trace.nii.gz', f'{_PREFIX}_ADC.nii.gz'),
    (NnunetLayout, 'imagesTr/sub-7_ses-01_0000.nii.gz', 'imagesTr/sub-7_ses-01_0001.nii.gz'),
    (NiftiLayout, 'sub-7_ses-01/DWI.nii.gz', 'sub-7_ses-01/ADC.nii.gz'),
  )
  def test_a_file_for_each_contrast(self, layout: type[Layout], dwi: str, adc: str):
    path = Path(self.get_temp_dir()) / layout.__name__ / 'Dataset001_A'
    folder = ExportFolder(path, 'any', layout(), export(case('01', 0.0)))
    self.assertLen(folder.missing(), 1)
    image = np.random.default_rng(0).random((*_GRID.shape, 2)).astype(np.float16)
    nothing = np.zeros(_GRID.shape, np.uint8)
    folder.write_case(case('01', 0.0), {'image': image, 'lesion': nothing, 'labels': nothing})
    self.assertEmpty(folder.missing())
    for i, name in enumerate((dwi, adc)):
      stored = nib.load(path / name)
      self.assertAllEqual(np.asarray(stored.dataobj), image[..., i].astype(np.float32))
      self.assertAllEqual(np.diag(stored.affine), [1, 2, 3, 1])

  def test_nnunet_learns_the_classes_of_a_lesion(self):
    path = Path(self.get_temp_dir()) / 'classes' / 'Dataset001_A'
    asked = export(case('01', 1.0), lesion_class_ids=[2, 3])
    folder = ExportFolder(path, 'nnunet', NnunetLayout(), asked)
    labels = np.zeros(_GRID.shape, np.uint8)
    labels[0, 0] = [0, 1, 2, 3]
    image = np.zeros((*_GRID.shape, 2), np.float16)
    folder.write_case(case('01', 1.0), {'image': image, 'lesion': labels > 1, 'labels': labels})
    stored = np.asarray(nib.load(path / 'labelsTr/sub-7_ses-01.nii.gz').dataobj)
    self.assertAllEqual(stored[0, 0], [0, 0, 1, 2])
    self.assertEqual((stored.sum(), stored.dtype), (3, np.uint8))
    description = json.loads(NnunetLayout().texts(asked)['dataset.json'])
    self.assertEqual(description['labels'], {'background': 0, 'core': 1, 'oedema': 2})

  def test_no_other_program_writes_at_the_same_time(self):
    path = Path(self.get_temp_dir()) / 'held'
    folder = ExportFolder(path, 'nifti', NiftiLayout(), export(case('01', 0.0)))
    with folder.locked():
      with self.assertRaisesRegex(InputError, 'another run writes there'):
        with folder.locked():
          pass


class BidsTablesTest(tf.test.TestCase):
  def test_what_differs_between_sessions_stands_in_their_table(self):
    texts = BidsLayout().texts(export(case('01', 2.0), case('02', 3.5)))
    rows = [line.split('\t') for line in texts['participants.tsv'].splitlines()]
    (row,) = [dict(zip(rows[0], values)) for values in rows[1:]]
    self.assertEqual((row['participant_id'], row['kind']), ('sub-7', 'original'))
    self.assertEqual((row['subject_id'], row['lesion_volume_ml']), ('n/a', 'n/a'))
    rows = [line.split('\t') for line in texts['sub-7/sub-7_sessions.tsv'].splitlines()]
    self.assertEqual([row[0] for row in rows], ['session_id', 'ses-01', 'ses-02'])
    self.assertEqual([row[-1] for row in rows], ['lesion_volume_ml', '2', '3.5'])

  def test_names_of_structural_contrasts(self):
    asked = export(case('01', 2.0), contrasts=('T1', 'T1CE', 'FLAIR'))
    paths = BidsLayout().volumes(asked.cases[0], asked.contrasts)
    names = {what: path.removeprefix('sub-7/ses-01/anat/sub-7_ses-01_') for what, path in paths.items()}
    space = 'space-MNI152NLin2009aSym_'
    self.assertEqual(names['T1'], f'{space}desc-preproc_T1w.nii.gz')
    self.assertEqual(names['T1CE'], f'ce-gadolinium_{space}desc-preproc_T1w.nii.gz')
    self.assertEqual(names['lesion'], f'{space}desc-lesion_mask.nii.gz')
    texts = BidsLayout().texts(asked)
    sidecar = json.loads(texts[f'{space}desc-preproc_T1w.json'])
    self.assertStartsWith(sidecar['Description'], 'T1 and T1CE')

  def test_refuses_a_contrast_that_bids_has_no_name_for(self):
    with self.assertRaisesRegex(InputError, "contrast 'CBF' has no name in BIDS"):
      BidsLayout().check(Path('bids'), ['DWI', 'CBF'])


if __name__ == '__main__':
  tf.test.main()
