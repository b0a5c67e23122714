"""What the README promises of an environment beyond this package."""

import configparser
import importlib.metadata
import subprocess
import sys
from pathlib import Path

import tensorflow as tf

_SETUP = Path(__file__).parents[1] / 'setup.cfg'
# TensorBoard needs pkg_resources, which setuptools has no longer from here on.
_TOO_NEW = 82


class TensorBoardTest(tf.test.TestCase):
  def test_setuptools_is_held_below(self):
    setup = configparser.ConfigParser()
    setup.read(_SETUP)
    needs = setup['options']['install_requires'].split('\n')
    self.assertIn(f'setuptools <{_TOO_NEW}', needs)

  def test_starts(self):
    if int(importlib.metadata.version('setuptools').split('.')[0]) >= _TOO_NEW:
      self.skipTest('this environment was made before setup.cfg held setuptools below 82')
    code = 'import tensorboard.main; from tensorboard import default; default.get_plugins()'
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=False)
    self.assertEqual(done.returncode, 0, done.stderr)


if __name__ == '__main__':
  tf.test.main()
