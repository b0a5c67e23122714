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


def export(*cases: ExportCase, contrasts: tuple[str, ...] = ('DWI', 'ADC')) -> Export:
  """What is exported of a set of two contrasts."""
  facts = {
    'contrasts': list(contrasts),
    'label_scheme': {'name': 'two', 'names': ['background', 'brain']},
    'intensity_scaling': 'percentile',
  }
  info = SimpleNamespace(homepage='https://example.org')
  source = SimpleNamespace(
    agreed=facts,
    grid=_GRID,
    metadata={'fingerprint': 'f', 'licences': ['CC0']},
    builder=SimpleNamespace(version='1.0.0', info=info),
  )
  return Export([source], cases)


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

  def test_refuses_a_contrast_that_bids_has_no_name_for(self):
    with self.assertRaisesRegex(InputError, "contrast 'CBF' has no name in BIDS"):
      BidsLayout().check(Path('bids'), ['DWI', 'CBF'])


if __name__ == '__main__':
  tf.test.main()
