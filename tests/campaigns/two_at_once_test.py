"""Two programs at one folder, each a process: the second ends at once and changes nothing."""

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
import tensorflow as tf
from absl.testing import parameterized

from tests import tiny
from tests.campaigns import kill_jobs

_PATIENCE_S = 300


def _state(folder: Path) -> dict[str, bytes]:
  files = [path for path in sorted(folder.rglob('*')) if path.is_file()]
  return {str(path.relative_to(folder)): path.read_bytes() for path in files}


@pytest.mark.slow
class TwoAtOnceTest(parameterized.TestCase, tf.test.TestCase):
  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    cls.base = Path(tempfile.mkdtemp())
    (cls.base / 'cohort').write_text(tiny.build_phantom(str(cls.base / 'data')))

  def begin(self, job: kill_jobs.Job) -> subprocess.Popen:
    environment = os.environ | {'CUDA_VISIBLE_DEVICES': '', 'TF_CPP_MIN_LOG_LEVEL': '3'}
    command = [sys.executable, '-m', job.module, *job.flags]
    begun = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    self.addCleanup(begun.kill)
    return begun

  def wait_for(self, folder: Path, pattern: str, first: subprocess.Popen) -> None:
    end = time.monotonic() + _PATIENCE_S
    while not any(folder.glob(pattern)):
      self.assertIsNone(first.poll(), 'ended before its work began')
      self.assertLess(time.monotonic(), end)
      time.sleep(0.01)

  @parameterized.parameters(
    ('phantom', 'data/phantom_stroke/*/incomplete.*', 'data/phantom_stroke/k-*/*/dataset_info.json'),
    ('train_unet', 'run/config.gin', 'run/finished.json'),
  )
  def test_the_second_is_refused(self, name, begins, ends):
    work = Path(tempfile.mkdtemp(dir=self.base))
    job = kill_jobs.Jobs(self.base).all()[name](work)
    first = self.begin(job)
    self.wait_for(work, begins, first)
    os.kill(first.pid, signal.SIGSTOP)  # However slow the second is to start, the first is at work.
    before = _state(work)
    second = self.begin(job)
    told = second.communicate(timeout=_PATIENCE_S)[1]
    self.assertEqual(second.returncode, 1, told)
    self.assertNotIn('Traceback', told)
    pattern = r'^error: [^\n]*: another run writes there, expected its end or another folder$'
    self.assertLen(re.findall(pattern, told, re.MULTILINE), 1)
    self.assertRegex(told.splitlines()[-1], pattern)
    self.assertEqual(_state(work), before)
    os.kill(first.pid, signal.SIGCONT)
    told = first.communicate(timeout=_PATIENCE_S)[1]
    self.assertEqual(first.returncode, 0, told)
    self.assertLen(list(work.glob(ends)), 1)
    self.assertEmpty(list(work.glob('data/*/*/incomplete.*')))
    self.assertNotEmpty(job.digest())


if __name__ == '__main__':
  tf.test.main()
