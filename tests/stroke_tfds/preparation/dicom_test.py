import dataclasses
import functools
import importlib.util
import shutil
from pathlib import Path
from unittest import mock

import nibabel as nib
import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds
from absl.testing import parameterized

from stroke_tfds.errors import InputError
from stroke_tfds.preparation import dicom, dicom_series
from stroke_tfds.preparation.dicom_series import Series, choose
from stroke_tfds.preparation.find_cases import find_cases
from tests.stroke_tfds.preparation import made_up_dicom, made_up_scans
from tests.stroke_tfds.preparation.made_up_dicom import Patient

_BOTH = ('dwi', 'adc')
_ROE = Patient('Roe^Jane', 'MRN0815', 2)
_DOE = Patient()
_FLAT = np.full(made_up_scans.SCAN_GRID.shape, 100, np.float32)


@functools.cache
def _cohort() -> Path:
  """Two patients, the first with a mask."""
  root = Path(tfds.testing.make_tmp_dir())
  made_up_dicom.save_patient(root / 'Doe_John')
  made_up_dicom.save_patient(root / 'sub-7', _ROE)
  made_up_scans.save(root / 'Doe_John' / 'lesion.nii.gz', made_up_scans.lesion_mask())
  return root


class AsBidsTest(parameterized.TestCase, tf.test.TestCase):
  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    _cohort()

  def copy(self) -> Path:
    return Path(shutil.copytree(_cohort(), Path(self.get_temp_dir()) / 'in'))

  def problems(self, root: Path, contrasts=('dwi',), **patterns) -> dict[str, str]:
    with dicom.as_bids(root, contrasts, patterns) as converted:
      return {problem.session: problem.reason for problem in converted.problems}

  def test_trace_and_adc_where_they_were(self):
    with dicom.as_bids(_cohort(), _BOTH, {}) as converted:
      find = functools.partial(find_cases, 'dicom', contrasts=_BOTH, without_mask='negative')
      cases, problems = dicom.name_folders(converted, _cohort(), find)
      self.assertEqual(problems, [])
      groups = {case.session: case.group for case in cases}
      self.assertEqual(groups, {'Doe_John': 'positive', 'sub-7': 'negative'})
      (doe,) = (case for case in cases if case.session == 'Doe_John')
      for role in _BOTH:
        affine = nib.as_closest_canonical(nib.load(doe.files[role])).affine
        self.assertAllClose(affine, made_up_scans.SCAN_GRID.affine)
        for text in (b'TE=', b'Quack', b'Doe', b'2023'):
          self.assertNotIn(text, doe.files[role].read_bytes())
    self.assertRegex(doe.subject, 'sub-[0-9a-f]{12}$')
    self.assertFalse(converted.root.exists())

  def test_voxels(self):
    with dicom.as_bids(_cohort(), _BOTH, {}) as converted:
      dwi, adc = (
        nib.as_closest_canonical(nib.load(converted.root / 'sub-7' / 'dwi' / f'sub-7_{name}.nii'))
        for name in ('trace', 'adc')
      )
      self.assertAllEqual(dwi.get_fdata(), np.rint(made_up_scans.scan(_ROE.number)))
      self.assertAllEqual(np.unique(adc.get_fdata()), [0, 400, 800])

  def test_the_same_again(self):
    stats = []
    for _ in range(2):
      with dicom.as_bids(_cohort(), _BOTH, {}) as converted:
        files = sorted(converted.root.rglob('*.nii*'))
        stats.append([(f.relative_to(converted.root), f.stat().st_mtime_ns) for f in files])
    self.assertLen(stats[0], 5)
    self.assertEqual(*stats)

  def test_patterns(self):
    self.assertEqual(self.problems(_cohort(), dwi='T2 *'), {})
    found = self.problems(_cohort(), dwi='*perfusion*')
    wanted = 'dwi: none of 3 series fits its pattern in --series, expected one'
    self.assertEqual(found, {'Doe_John': wanted, 'sub-7': wanted})

  def test_unfit_folders(self):
    root = self.copy()
    shutil.rmtree(root / 'sub-7' / 'trace')
    shutil.copytree(root / 'Doe_John' / 'adc', root / 'two' / 'adc')
    made_up_dicom.save_patient(root / 'two' / 'other', _ROE)
    # Of equal IDs, as where they were replaced; and of the same patient on two days.
    for name, change in (('names', {'name': 'Roe^Jane'}), ('days', {'number': 3})):
      other = dataclasses.replace(_DOE, **change)
      made_up_dicom.save_series(root / name / 'dwi', _DOE, 3, 'trace', [_FLAT])
      made_up_dicom.save_series(root / name / 'adc', other, 4, 'adc', [_FLAT])
    (root / 'text').mkdir()
    (root / 'text' / 'a.txt').write_text('not DICOM')
    shutil.copytree(root / 'Doe_John', root / 'damaged')
    (root / 'damaged' / 'trace' / 'IM030020').write_bytes(b'')
    shutil.copytree(root / 'Doe_John', root / 'uneven')
    (root / 'uneven' / 'adc' / 'IM040007').unlink()
    shutil.copytree(root / 'Doe_John', root / 'again')
    (root / 'again' / 'gone').symlink_to('nowhere')
    found = self.problems(root, _BOTH)
    no_dwi = 'dwi: none of 3 series is one, expected one'
    self.assertEqual(
      found,
      {
        'again': 'a file of it cannot be read: No such file or directory',
        'days': 'holds 2 studies, expected one: a folder for the one to take',
        'names': 'holds scans of 2 patients, expected a folder for each',
        'damaged': f'{no_dwi.replace("3", "2")}; some DICOM files could not be converted, as they '
        'are damaged or slices are missing',
        'sub-7': no_dwi.replace('3', '2'),
        'text': 'holds no DICOM file, expected the series of one patient',
        'uneven': 'adc: its slices are not equally spaced, as where some are missing',
        'two': 'holds scans of 2 patients, expected a folder for each',
      },
    )

  def test_a_patient_in_two_folders(self):
    root = self.copy()
    shutil.copytree(root / 'sub-7', root / 'sub-8')
    wanted = 'is of the same patient as another folder, expected one for each'
    self.assertEqual(self.problems(root), {'sub-8': wanted})

  def test_an_image_in_two_folders(self):
    root = self.copy()
    shutil.rmtree(root / 'sub-7')
    shutil.copytree(root / 'Doe_John', root / 'Roe')  # All of one patient: names were taken out.
    wanted = 'holds the same image as another folder, expected each patient once'
    self.assertEqual(self.problems(root), {'Roe': wanted})

  def test_no_patient(self):
    root = Path(tfds.testing.make_tmp_dir())
    with self.assertRaisesRegex(InputError, 'holds no folder'):
      self.problems(root)
    with self.assertRaisesRegex(InputError, 'no such folder'):
      self.problems(root / 'none')

  def test_without_the_program(self):
    none = mock.patch.object
    with none(importlib.util, 'find_spec', lambda name: None), none(shutil, 'which', lambda name: None):
      with self.assertRaisesRegex(InputError, r'pip install "keras-itm\[dicom\]"'):
        self.problems(_cohort())


class ChooseTest(parameterized.TestCase):
  def series(self, *named: tuple[str, str]) -> list[Series]:
    return [Series(Path(f'/none/s{i}.nii'), name, (kind,), '') for i, (name, kind) in enumerate(named)]

  @parameterized.parameters(
    ('ep2d_diff_3scan_trace_ADC', 'M', 'adc'),
    ('Apparent_Diffusion_Coefficient_(mm2/s)', 'M', 'adc'),
    ('dADC', 'M', 'adc'),
    ('eADC', 'M', 'other'),
    ('DWI_adc', 'TRACEW', 'trace'),
    ('DWI', 'ADC', 'adc'),
    ('resolve_3scan_trace_tra_FA', 'M', 'other'),
    ('Ax_DWI_b1000', 'M', 'diffusion'),
    ('t2_tse_tra', 'M', 'other'),
  )
  def test_kinds(self, name, image_type, kind):
    self.assertEqual(self.series((name, image_type))[0].kind, kind)

  def test_a_trace_comes_first(self):
    series = self.series(('DTI_64', 'M'), ('DTI_64_TRACEW', 'M'), ('t1', 'M'))
    self.assertEqual(choose(series, 'dwi').name, 'DTI_64_TRACEW')
    self.assertEqual(choose(series, 'dwi', 'dti_64').name, 'DTI_64')
    self.assertEqual(choose(series, 't1').name, 't1')

  def test_two_that_fit(self):
    series = self.series(('trace_1', 'M'), ('trace_2', 'M'))
    with self.assertRaisesRegex(InputError, 'dwi: 2 of 2 series fit.*--series=dwi=PATTERN'):
      choose(series, 'dwi')


class WriteCleanTest(tf.test.TestCase):
  def write(self, b_values: str, n_volumes: int) -> np.ndarray:
    folder = Path(tfds.testing.make_tmp_dir())
    data = np.broadcast_to(np.arange(n_volumes, dtype=np.int16), (4, 4, 4, n_volumes))
    made_up_scans.save(folder / 's1.nii', data)
    (folder / 's1.bval').write_text(b_values)
    dicom_series.write_clean(Series(folder / 's1.nii', '', (), ''), 'dwi', folder / 'out' / 'dwi.nii')
    return np.unique(nib.load(folder / 'out' / 'dwi.nii').get_fdata())

  def test_the_volume_of_a_usual_weighting(self):
    self.assertAllEqual(self.write('0 500 1000 2000', 4), [2])

  def test_directions(self):
    with self.assertRaisesRegex(InputError, 'holds 2 volumes of b = 1000'):
      self.write('0 1000 1000', 3)

  def test_no_b_values(self):
    with self.assertRaisesRegex(InputError, 'holds 2 volumes, expected one'):
      self.write('', 2)


if __name__ == '__main__':
  tf.test.main()
