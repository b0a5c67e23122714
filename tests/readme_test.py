"""What the README shows in Python runs, block after block in one session, and it stays short."""

import contextlib
import io
import os
import re
import tempfile
from pathlib import Path

import tensorflow as tf
import tensorflow_datasets as tfds

from tests import tiny

README = Path(__file__).resolve().parent.parent / 'README.md'


class ReadmeTest(tf.test.TestCase):
  def test_python_blocks_run(self):
    text = README.read_text('utf-8')
    blocks = re.findall(r'```python\n(.*?)```', text, re.DOTALL)
    self.assertLen(blocks, 4)
    folder = tempfile.mkdtemp()
    with _changed_to(folder):
      name = _prepare()
      printed, names = io.StringIO(), {}
      with contextlib.redirect_stdout(printed):
        for block in blocks:
          # On a set of a few seconds instead of one minute.
          exec(compile(block.replace('phantom_stroke/mini', name), 'README.md', 'exec'), names)
    self.assertIn('(32, 32, 8, 1)', printed.getvalue())
    self.assertIn('0.666', printed.getvalue())
    self.assertNotEmpty(list((Path(folder) / 'case').glob('lesion.nii.gz')))
    self.assertTrue((Path(folder) / 'runs/translator/bundle.json').exists())

  def test_is_short(self):
    self.assertLessEqual(len(README.read_text('utf-8').splitlines()), 200)


def _prepare() -> str:
  """The folders that the README's commands would have made, with toys for the generators."""
  name = tiny.build_phantom('data')
  builder = tfds.builder(name, data_dir='data')
  _, lesions = tiny.save_toy_bundles(Path('toys'), builder.info.metadata)
  Path('runs/lesion_gan').mkdir(parents=True)
  os.symlink(lesions.resolve(), 'runs/lesion_gan/bundle')
  return name


@contextlib.contextmanager
def _changed_to(folder: str):
  """Of `contextlib.chdir` Python 3.10 knows nothing."""
  before = os.getcwd()
  os.chdir(folder)
  try:
    yield
  finally:
    os.chdir(before)


if __name__ == '__main__':
  tf.test.main()
