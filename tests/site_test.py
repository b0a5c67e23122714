"""The documentation as a site: every link of its pages leads somewhere."""

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from absl.testing import absltest

_ROOT = Path(__file__).resolve().parents[1]
_HOOK = 'docs/site_files.py'


def build(root: Path, site: Path) -> subprocess.CompletedProcess:
  """Builds the site of a folder as `make site` does."""
  command = ['mkdocs', 'build', '--strict', '--site-dir', str(site), '--config-file']
  return subprocess.run(
    [sys.executable, '-m', *command, str(root / 'mkdocs.yml')],
    capture_output=True,
    text=True,
    check=False,
    env={**os.environ, 'NO_MKDOCS_2_WARNING': '1'},
  )


@unittest.skipUnless(importlib.util.find_spec('material'), 'needs mkdocs-material')
class SiteTest(absltest.TestCase):
  def setUp(self):
    super().setUp()
    self.folder = Path(tempfile.mkdtemp())
    self.addCleanup(shutil.rmtree, self.folder)

  def test_builds_with_all_that_pages_link_to(self):
    done = build(_ROOT, self.folder)
    self.assertEqual(done.returncode, 0, done.stderr)
    for name in ('index.html', 'docs/pipeline.png', 'launchers/study/arms.py', 'docs/real_data.html'):
      self.assertTrue((self.folder / name).is_file(), name)
    index = (self.folder / 'index.html').read_text('utf-8')
    self.assertIn('href="docs/training.html#the-command"', index)
    self.assertFalse((self.folder / 'launchers' / 'app.py').exists())

  def test_a_broken_link_is_an_error(self):
    config = (_ROOT / 'mkdocs.yml').read_text('utf-8').partition('\nnav:')[0]
    (self.folder / 'mkdocs.yml').write_text(f'{config}\nnav: [README.md, docs/a.md]\n')
    (self.folder / 'docs').mkdir()
    shutil.copy(_ROOT / _HOOK, self.folder / _HOOK)
    (self.folder / 'docs' / 'a.md').write_text('# A\n\n## Part\n')
    page = self.folder / 'README.md'
    page.write_text('[place](docs/a.md#part) [file](mkdocs.yml)')
    done = build(self.folder, self.folder / 'site')
    self.assertEqual(done.returncode, 0, done.stderr)
    broken = ('docs/a.md#other', 'docs/b.md', 'docs', '../outside.txt')
    page.write_text(' '.join(f'[text]({link})' for link in broken))
    done = build(self.folder, self.folder / 'site')
    self.assertEqual(done.stderr.count('WARNING'), len(broken))
    self.assertNotEqual(done.returncode, 0)
    for link in broken:
      self.assertIn(f"'{link}'", done.stderr)


if __name__ == '__main__':
  absltest.main()
