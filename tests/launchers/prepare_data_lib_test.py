import errno
import gzip
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds

from launchers import prepare_data_lib, prepare_options, subject_pool
from launchers.prepare_data_lib import prepare_data
from launchers.prepare_options import Options
from stroke_tfds.errors import InputError
from stroke_tfds.preparation.folder import PreparedFolder
from tests.launchers import bad_cohorts
from tests.real_samples import SAMPLES, needs_samples
from tests.stroke_tfds.preparation import made_up_scans as scans
from tests.stroke_tfds.preparation.made_up_scans import GRID

_GRID_JSON = json.dumps(GRID.to_json())
_PROJECT = Path(__file__).resolve().parents[2]


def _in_this_process(work, shared, tasks, n_workers, preload=()):
  """Instead of the pool, where patches must reach the work."""
  for task in tasks:
    yield task, work(shared, task)


# Drawing takes longer than all else here; where the page is not the subject, it is left out.
_without_page = mock.patch.object(prepare_data_lib, 'write_page', lambda folder, viewer: folder.path)


class _Case(tf.test.TestCase):
  def setUp(self):
    super().setUp()
    folder = Path(tfds.testing.make_tmp_dir())
    self.root, self.output = folder / 'in', folder / 'out'
    self.root.mkdir()

  def options(self, **changes):
    given = {'source': 'bids', 'registration': 'none', 'grid': _GRID_JSON, 'workers': 2}
    return Options(**{**given, 'input': str(self.root), 'output': str(self.output), **changes})

  def prepare(self, **changes):
    return prepare_data(self.options(**changes))

  def prepare_here(self, **changes):
    with mock.patch.object(subject_pool, 'run', _in_this_process):
      return self.prepare(**changes)

  def records(self):
    return {record.case_id: record for record in PreparedFolder(self.output).records}


class PrepareDataTest(_Case):
  def test_a_cohort_of_groups(self):
    scans.save_subject(self.root, 'sub-1', 1)
    scans.save_subject(self.root, 'sub-2', 2, lesion=False)
    self.assertEqual(self.prepare_here(without_mask='healthy'), 0)
    folder = PreparedFolder(self.output)
    self.assertEqual(
      [(case.case_id, case.group, case.status) for case in folder.cases],
      [('sub-1', 'positive', 'prepared'), ('sub-2', 'healthy', 'prepared')],
    )
    image, labels, fraction, sidecar = folder.load('sub-1')
    self.assertEqual((image.shape, labels.shape), ((32, 32, 8, 1), (32, 32, 8)))
    self.assertAlmostEqual(fraction.sum() * GRID.voxel_volume_ml, 10.368, places=3)
    self.assertEqual(sidecar['versions']['preparation'], '1.1.0')
    self.assertEqual(folder.load('sub-2')[2].max(), 0)
    self.assertTrue((self.output / 'quality.html').exists())
    self.assertEqual(self.records()['sub-1'].quality, sidecar['quality'])

  def test_broken_subjects_among_good_ones(self):
    expected = bad_cohorts.break_many(self.root)
    for number, subject in enumerate(('sub-good1', 'sub-good2')):
      scans.save_subject(self.root, subject, 1000 + number)
    self.assertEqual(self.prepare(), 1)
    records = self.records()
    self.assertEqual(sorted(records), sorted([*expected, 'sub-good1', 'sub-good2']))
    for subject, pattern in expected.items():
      self.assertEqual(records[subject].status, 'failed', subject)
      self.assertRegex(records[subject].reason, pattern, subject)
      self.assertNotIn(str(self.root), records[subject].reason)
    cases = [case.case_id for case in PreparedFolder(self.output).cases]
    self.assertEqual(cases, ['sub-good1', 'sub-good2'])

  def test_says_what_became_of_each(self):
    scans.save_subject(self.root, 'sub-1', 1)
    scans.save_subject(self.root, 'sub-2', 2)
    scans.mask_path(self.root, 'sub-2').write_bytes(b'no mask')
    scans.save(scans.dwi_path(self.root, 'sub-3'), np.roll(scans.scan(3), 10, axis=1))
    with mock.patch('builtins.print') as printed:
      with mock.patch.object(prepare_data_lib, 'write_page', side_effect=InputError('torn strip')):
        with self.assertRaisesRegex(InputError, 'torn strip'):  # The summary has been printed by then.
          self.prepare_here(without_mask='healthy')
    lines = printed.call_args.args[0].splitlines()
    self.assertRegex(lines[0], r'^prepared +1$')
    self.assertRegex(lines[1], r'^suspicious +1$')
    self.assertRegex(lines[2], r'^  sub-3 .*brain_dice is 0\..*, expected at least 0.8')
    self.assertRegex(lines[3], r'^failed +1$')
    self.assertRegex(lines[4], r'^  sub-2 +lesion: ')

  @_without_page
  def test_suspicious_cases_are_told_to_be_left_out(self):
    scans.save_subject(self.root, 'sub-1', 1)
    scans.save(scans.dwi_path(self.root, 'sub-3'), np.roll(scans.scan(3), 10, axis=1))
    with mock.patch.object(prepare_data_lib, 'say') as said:
      self.assertEqual(self.prepare_here(without_mask='healthy'), 0)
    lines = [call.args[0] for call in said.call_args_list]
    self.assertStartsWith(lines[-2], '1 suspicious cases will be left out of data sets, unless')

  @_without_page
  def test_an_input_without_sessions_has_no_key(self):
    scans.save_subject(self.root, 'sub-1', 1)
    self.assertEqual(self.prepare_here(), 0)
    self.assertFalse((self.output.parent / 'out_sessions.tsv').exists())

  @_without_page
  def test_failed_ones_are_tried_again_and_done_ones_left(self):
    scans.save_subject(self.root, 'sub-1', 1)
    scans.save_subject(self.root, 'sub-2', 2)
    good = scans.mask_path(self.root, 'sub-2').read_bytes()
    scans.mask_path(self.root, 'sub-2').write_bytes(good[:-200])
    self.assertEqual(self.prepare_here(), 1)
    before = _times(self.output / 'sub-1')
    scans.mask_path(self.root, 'sub-2').write_bytes(good)
    self.assertEqual(self.prepare_here(), 0)
    self.assertEqual(_times(self.output / 'sub-1'), before)
    self.assertEqual(self.records()['sub-2'].status, 'prepared')
    # A scan that was replaced is prepared again.
    scans.save(scans.dwi_path(self.root, 'sub-1'), scans.scan(77))
    self.assertEqual(self.prepare_here(), 0)
    self.assertNotEqual(_times(self.output / 'sub-1'), before)

  @_without_page
  def test_resumes_after_a_kill(self):
    subjects = [f'sub-{n:02d}' for n in range(8)]
    for number, subject in enumerate(subjects):
      scans.save_subject(self.root, subject, number)
    command = [sys.executable, '-m', 'launchers.prepare_data', '--source=bids', f'--grid={_GRID_JSON}']
    command += [f'--input={self.root}', f'--output={self.output}', '--registration=none', '--workers=1']
    started = subprocess.Popen(command, cwd=_PROJECT, start_new_session=True, stderr=subprocess.DEVNULL)
    sidecars = lambda: sorted(self.output.glob('sub-*/dwi/*.json'))
    while len(sidecars()) < 2 and started.poll() is None:
      time.sleep(0.005)
    os.kill(started.pid, signal.SIGKILL)  # Its processes are left to end by themselves.
    started.wait()
    done = [path.parents[1].name for path in sidecars()]
    self.assertBetween(len(done), 2, 7)
    before = {subject: _times(self.output / subject) for subject in done}
    self.assertEqual(self.prepare_here(), 0)
    for subject in done:
      self.assertEqual(_times(self.output / subject), before[subject])
    self.assertEqual([case.case_id for case in PreparedFolder(self.output).cases], subjects)
    self.assertEmpty([path for path in self.output.rglob('.*') if path.is_file()])
    resumed = PreparedFolder(self.output).fingerprint
    self.output = self.output.with_name('at_once')
    self.assertEqual(self.prepare_here(), 0)
    self.assertEqual(PreparedFolder(self.output).fingerprint, resumed)

  @_without_page
  def test_a_process_that_dies_fails_its_case_alone(self):
    for number in range(3):
      scans.save_subject(self.root, f'sub-{number}', number)

    def one_dies(work, shared, tasks, *_):
      for task in tasks:
        died = task.case_id == 'sub-1'
        yield task, subject_pool.Died(-9) if died else work(shared, task)

    with mock.patch.object(subject_pool, 'run', one_dies):
      self.assertEqual(self.prepare(), 1)
    self.assertRegex(self.records()['sub-1'].reason, 'ended by SIGKILL, as when memory runs out')
    self.assertEqual([case.case_id for case in PreparedFolder(self.output).cases], ['sub-0', 'sub-2'])

  @_without_page
  def test_a_full_disk_stops_with_one_line_and_keeps_what_is_done(self):
    for number in range(3):
      scans.save_subject(self.root, f'sub-{number}', number)
    write = Path.write_bytes

    def full(path, content):
      if 'sub-1_' in path.name:
        raise OSError(errno.ENOSPC, 'No space left on device')
      return write(path, content)

    with mock.patch.object(Path, 'write_bytes', full):
      with self.assertRaisesRegex(
        InputError, '^[^\n]*disk full[^\n]*; 1 cases are done and kept[^\n]*$'
      ):
        self.prepare_here()
    before = _times(self.output / 'sub-0')
    self.assertEqual(self.prepare_here(), 0)
    self.assertEqual(_times(self.output / 'sub-0'), before)
    self.assertLen(PreparedFolder(self.output).cases, 3)

  @_without_page
  def test_ctrl_c_keeps_what_is_done(self):
    for number in range(2):
      scans.save_subject(self.root, f'sub-{number}', number)

    def interrupted(work, shared, tasks, *_):
      yield tasks[0], work(shared, tasks[0])
      raise KeyboardInterrupt

    with mock.patch.object(subject_pool, 'run', interrupted):
      self.assertEqual(self.prepare(), 130)
    self.assertEqual([case.case_id for case in PreparedFolder(self.output).cases], ['sub-0'])
    self.assertEqual(self.prepare_here(), 0)

  @_without_page
  def test_the_same_scan_under_two_subjects_is_used_once(self):
    for subject in ('sub-2', 'sub-1'):
      scans.save_subject(self.root, subject, 5)
    scans.save_subject(self.root, 'sub-3', 6)
    for _ in range(2):  # Also when nothing is left to do.
      self.assertEqual(self.prepare_here(), 1)
      self.assertRegex(self.records()['sub-2'].reason, '^the same image as sub-1, expected another')
      cases = [case.case_id for case in PreparedFolder(self.output).cases]
      self.assertEqual(cases, ['sub-1', 'sub-3'])

  def test_nothing_of_a_patient_but_the_case_id_is_written(self):
    secrets = bad_cohorts.plant_secrets(self.root.with_name('Smith_Jane_1950-02-01'))
    self.root = self.root.with_name('Smith_Jane_1950-02-01')
    self.assertEqual(self.prepare_here(contrasts=('dwi', 'adc')), 1)
    records = self.records()
    self.assertEqual(
      {name: record.status for name, record in records.items()},
      {'sub-X1_ses-01': 'prepared', 'sub-X1_ses-02': 'failed', 'sub-X2': 'failed'},
    )
    for path in [self.output, *self.output.rglob('*')]:
      content = str(path.relative_to(self.output)).encode()
      if path.is_file():
        content += path.read_bytes()
        content += gzip.decompress(path.read_bytes()) if path.suffix == '.gz' else b''
      for secret in secrets:
        self.assertNotIn(secret.lower().encode(), content.lower(), path)
    # The owner keeps what the numbers of the sessions mean.
    self.assertEqual(
      (self.output.resolve().parent / 'out_sessions.tsv').read_text().splitlines()[1:],
      ['sub-X1_ses-01\tses-20230405', 'sub-X1_ses-02\tses-JSmith'],
    )

  @_without_page
  def test_an_output_has_one_run_at_a_time(self):
    scans.save_subject(self.root, 'sub-1')
    self.assertEqual(self.prepare_here(), 0)
    before = _times(self.output)
    with PreparedFolder(self.output).locked():
      with self.assertRaisesRegex(
        InputError, f'^{self.output}: another run writes there, expected its'
      ):
        self.prepare_here()
    self.assertEqual(_times(self.output), before)

  @_without_page
  def test_an_empty_mask_is_of_the_group_without_mask(self):
    save = lambda path, data: scans.save(self.root / path, data)
    for number, mask in ((1, scans.lesion_mask()), (2, 0 * scans.lesion_mask())):
      stem = f'sub-strokecase{number}/ses-0001/'
      name = f'sub-strokecase{number}_ses-0001'
      save(f'{stem}/dwi/{name}_dwi.nii.gz', scans.scan(number, lesion=number == 1))
      save(f'derivatives/{stem}/{name}_msk.nii.gz', mask)
    self.assertEqual(self.prepare_here(source='isles22'), 1)
    self.assertRegex(
      self.records()['sub-strokecase2'].reason, '^lesion: the mask is empty.*--without_mask=negative'
    )
    before = _times(self.output / 'sub-strokecase1')
    self.assertEqual(self.prepare_here(source='isles22', without_mask='negative'), 0)
    groups = [case.group for case in PreparedFolder(self.output).cases]
    self.assertEqual(groups, ['positive', 'negative'])
    self.assertEqual(_times(self.output / 'sub-strokecase1'), before)
    before = _times(self.output)
    self.assertEqual(self.prepare_here(source='isles22', without_mask='negative'), 0)
    self.assertEqual(_cases_of(_times(self.output)), _cases_of(before))
    # Without the option it is an error again, though its files are there.
    self.assertEqual(self.prepare_here(source='isles22'), 1)
    self.assertRegex(self.records()['sub-strokecase2'].reason, 'the mask is empty')

  def test_refuses_what_cannot_work_before_any_work(self):
    scans.save_subject(self.root, 'sub-1', lesion=False)
    for changes, error in (
      ({}, '^[^\n]*no lesion mask is found for 1 of 1 cases, such as sub-1[^\n]*$'),
      ({'registration': 'rigid'}, "registration is 'rigid', expected one of"),
      ({'contrasts': ('adc', 'dwi')}, "contrasts is 'adc,dwi', expected dwi first"),
      ({'source': 'isles22'}, 'no case fits the layout of isles22 .sub-.*: .*; see --help'),
      ({'workers': 0}, 'workers is 0, expected at least 1'),
      ({'grid': 'huge'}, "grid 'huge' is unknown"),
      ({'grid': '{"name": '}, 'expected a name or a JSON object'),
      ({'grid': '{"name": "x"}'}, 'expected the fields name, shape, spacing_mm and corner_mm'),
      ({'output': str(self.root / 'derivatives' / 'out')}, 'one lies inside the other'),
      ({'output': str(self.root.parent)}, 'one lies inside the other'),
      ({'input': str(self.root / 'absent')}, 'no such folder'),
    ):
      with self.assertRaisesRegex(InputError, error):
        self.prepare(**changes)
    with mock.patch.object(prepare_options.importlib.util, 'find_spec', return_value=None):
      with self.assertRaisesRegex(InputError, 'antspyx, which is not installed.*--registration=none'):
        self.prepare(registration='syn')
    self.assertFalse(self.output.exists())


class RealSamplesTest(_Case):
  @needs_samples
  @pytest.mark.slow
  def test_isles22_case(self):
    changes = {'source': 'isles22', 'input': str(SAMPLES / 'isles22'), 'contrasts': ('dwi', 'adc')}
    self.assertEqual(self.prepare(**changes, registration='syn', grid='mni_128x128x32'), 0)
    [record] = self.records().values()
    self.assertEqual(record.status, 'prepared')
    self.assertGreaterEqual(record.quality['brain_dice'], 0.93)
    self.assertAllClose(record.quality['volume_kept'], 1, atol=0.05)
    self.assertGreater(record.quality['lesion_contrast_dwi'], 1.2)
    self.assertLess(record.quality['lesion_contrast_adc'], 0.8)

  @needs_samples
  @pytest.mark.slow
  def test_healthy_scans_with_skull_and_partial_coverage(self):
    for number, (folder, name) in enumerate(
      (
        ('siemens_xa30', 'trace_b2500'),
        ('uih_ap_134431', 'trace_b928'),
        ('uih_pa_132222', 'trace_b928'),
      )
    ):
      path = self.root / f'sub-{number}' / 'dwi' / f'sub-{number}_dwi.nii.gz'
      path.parent.mkdir(parents=True)
      shutil.copy(SAMPLES / 'healthy_dwi' / folder / f'{name}.nii.gz', path)
    self.assertEqual(self.prepare(registration='syn', grid='mini', without_mask='healthy'), 0)
    records = self.records()
    self.assertEqual(records['sub-0'].status, 'prepared', records['sub-0'].reason)
    for case_id in ('sub-1', 'sub-2'):  # Slabs without the cerebellum.
      self.assertRegex(records[case_id].reason, r'^coverage is 0\.[67]\d*, expected at least 0.75$')
    for record in records.values():
      self.assertGreater(record.quality['brain_dice'], 0.85)
      self.assertGreater(record.quality['template_correlation'], 0.4)


def _cases_of(times: dict[str, int]) -> dict[str, int]:
  return {name: time for name, time in times.items() if name.startswith('sub-')}


def _times(folder: Path) -> dict[str, int]:
  return {path.name: path.stat().st_mtime_ns for path in folder.rglob('*') if path.is_file()}


if __name__ == '__main__':
  tf.test.main()
