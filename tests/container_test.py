"""The recipe of an image takes files that are there, and versions that go with its Python."""

import json
import re
from pathlib import Path

from absl.testing import absltest

_ROOT = Path(__file__).resolve().parents[1]


class ContainerTest(absltest.TestCase):
  def test_what_is_copied_is_there_and_all_packages_are(self):
    lines = (_ROOT / '.dockerignore').read_text('utf-8').splitlines()
    copied = {line.removeprefix('!') for line in lines if line.startswith('!')}
    self.assertIn('*', lines)
    for name in copied:
      self.assertTrue((_ROOT / name).exists(), name)
    setup = (_ROOT / 'setup.cfg').read_text('utf-8')
    packages = re.search(r'packages.find\]\ninclude =\n((?:  \S+\n)+)', setup)[1].split()
    self.assertContainsSubset({name.rstrip('*') for name in packages}, copied)

  def test_python_goes_with_the_constraints(self):
    text = (_ROOT / 'Dockerfile').read_text('utf-8')
    self.assertIn('FROM python:3.12-', text)
    self.assertIn('/constraints-modern.txt', text)
    recipe = json.loads((_ROOT / '.devcontainer' / 'devcontainer.json').read_text('utf-8'))
    self.assertStartsWith(recipe['image'], 'python:3.12')
    self.assertIn('constraints-modern.txt', recipe['postCreateCommand'])


if __name__ == '__main__':
  absltest.main()
