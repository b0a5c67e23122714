"""Exported folders before the tools that they are made for; skipped where these are not there.

`pip install nnunetv2 bids-validator-deno` into an environment of their own whose programs are on PATH,
and for PyTorch torch, tensorflow-datasets, array_record and nibabel; KERAS_ITM_PYTORCH is its Python.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import tensorflow as tf

from launchers.export_lib import export
from tests import tiny

_EXAMPLE = Path(__file__).parents[2] / 'examples' / 'read_with_pytorch.py'
_PYTORCH = os.environ.get('KERAS_ITM_PYTORCH')


def _needs(program: str) -> pytest.MarkDecorator:
  return pytest.mark.skipif(not shutil.which(program), reason=f'{program} is not on PATH')


@pytest.mark.slow
class ExportToolsTest(tiny.CohortTestCase):
  def export(self, format: str, name: str) -> Path:
    output = self.folder / name
    if not output.exists():
      source = [f'{self.cohort}:train', f'{self.cohort}:test']
      export(data_dir=self.data_dir, source=source, format=format, output=str(output))
    return output

  def run_tool(self, *command: str, **environment: str) -> str:
    """What a program prints, which must end well."""
    done = subprocess.run(
      command, env=os.environ | environment, capture_output=True, text=True, check=False, timeout=600
    )
    self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
    return done.stdout

  @_needs('nnUNetv2_plan_and_preprocess')
  def test_nnunet_finds_no_fault(self):
    output = self.export('nnunet', 'Dataset501_Stroke')
    folders = {f'nnUNet_{name}': str(self.folder / name) for name in ('preprocessed', 'results')}
    printed = self.run_tool(
      *('nnUNetv2_plan_and_preprocess', '-d', '501', '--verify_dataset_integrity', '--no_pp'),
      *('-np', '1', '-npfp', '1'),
      nnUNet_raw=str(output.parent),
      **folders,
    )
    self.assertIn('verify_dataset_integrity Done', printed)
    self.assertNotIn('Error', printed)
    self.assertNotIn('Warning', printed)

  @_needs('bids-validator-deno')
  def test_the_validator_finds_no_error(self):
    output = self.export('bids', 'bids')
    found = json.loads(self.run_tool('bids-validator-deno', '--format=json', str(output)))
    errors = [issue for issue in found['issues']['issues'] if issue['severity'] == 'error']
    self.assertEqual(errors, [])
    self.assertCountEqual(found['summary']['subjects'], [f'phantom{n}' for n in self.labels()])

  def labels(self) -> list[str]:
    return [f'test{n:04d}' for n in range(3)] + [f'train{n:04d}' for n in range(4)]

  @pytest.mark.skipif(not _PYTORCH, reason='KERAS_ITM_PYTORCH names no Python with PyTorch')
  def test_pytorch_reads_the_same_from_a_set_and_a_folder(self):
    output = self.export('nifti', 'nifti')
    tfds_command = Path(sys.executable).parent / 'tfds'
    flags = [
      '--root_data_dir',
      self.data_dir,
      '--out_file_format',
      'array_record',
      '--num_workers',
      '1',
    ]
    self.run_tool(str(tfds_command), 'convert_format', *flags)
    read = lambda *where: self.run_tool(str(_PYTORCH), str(_EXAMPLE), *where).split(';')[:2]
    for path in output.glob('sub-phantomtest*'):
      shutil.rmtree(path)
    self.assertEqual(read(self.cohort, self.data_dir), read(str(output)))


if __name__ == '__main__':
  tf.test.main()
