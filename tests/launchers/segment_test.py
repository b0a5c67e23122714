import json
import os
import subprocess
import sys

import nibabel as nib
import pytest
import tensorflow as tf

from stroke_tfds.imaging.grid import get_grid
from tests.launchers import segment_lib_test
from tests.real_samples import SAMPLES, needs_samples

_CASE = 'sub-strokecase0009/ses-0001/sub-strokecase0009_ses-0001'


class SegmentProgramTest(tf.test.TestCase):
  """Flags as a user types them, in a process of its own."""

  def run_segment(self, *flags: str) -> subprocess.CompletedProcess:
    command = [sys.executable, '-m', 'launchers.segment', *flags]
    environment = os.environ | {'CUDA_VISIBLE_DEVICES': '', 'TF_CPP_MIN_LOG_LEVEL': '3'}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

  def make_files(self) -> segment_lib_test.SegmentTest:
    case = segment_lib_test.SegmentTest()
    case.setUp()
    return case

  def test_plain_flags_are_bindings(self):
    case = self.make_files()
    flags = [f'--bundle={case.root}/bundle', f'--image={case.root}/dwi.nii.gz', '--space=mni']
    done = self.run_segment(*flags, f'--mask={case.root}/mask.nii.gz', f'--workdir={case.root}/w')
    self.assertEqual(done.returncode, 0, done.stderr)
    self.assertEqual(json.loads((case.root / 'w' / 'finished.json').read_text())['dice'], 1.0)
    other = self.run_segment(*flags, f'--workdir={case.root}/w')
    self.assertEqual(other.returncode, 1)
    self.assertIn("segment.mask = '", other.stderr.splitlines()[-1])
    missing = self.run_segment(f'--workdir={case.root}/other')
    self.assertEqual(missing.returncode, 1)
    line = missing.stderr.splitlines()[-1]
    self.assertRegex(line, r"^error: .*\['bundle', 'image'\].*; give --bundle and --image")

  @pytest.mark.slow
  @needs_samples
  def test_volumes_and_place_are_those_of_a_real_scan(self):
    # ISLES'22: the mask of the expert has 4.184 ml.
    case = self.make_files()
    case.grid = get_grid('mini')
    case.save_segmenter(lambda x: x[..., 0], 1)
    image = SAMPLES / 'isles22' / 'rawdata' / f'{_CASE}_dwi.nii.gz'
    mask = SAMPLES / 'isles22' / 'derivatives' / f'{_CASE}_msk.nii.gz'
    done = self.run_segment(
      f'--bundle={case.root}/bundle', f'--image={image}', f'--mask={mask}', f'--workdir={case.root}/w'
    )
    self.assertEqual(done.returncode, 0, done.stderr)
    results = json.loads((case.root / 'w' / 'finished.json').read_text())
    self.assertAllClose(results['mask_volume_ml'], 4.184, rtol=0.01)
    self.assertGreater(results['dice_ceiling'], 0.71)
    made, scan = nib.load(case.root / 'w' / 'prediction_native.nii.gz'), nib.load(image)
    self.assertEqual(made.shape, scan.shape)
    self.assertAllEqual(made.affine, scan.affine)
    for code in ('qform_code', 'sform_code'):
      self.assertEqual(made.header[code], scan.header[code])


if __name__ == '__main__':
  tf.test.main()
