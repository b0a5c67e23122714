"""What a stranger's project gets: names, the examples of the docstrings, a cheap import."""

import doctest
import importlib
import pkgutil
import subprocess
import sys

from absl.testing import absltest, parameterized

import stroke_eval
from stroke_eval import statistics

_HEAVY = ('tensorflow', 'tensorflow_datasets', 'gin', 'matplotlib')


class PackageTest(parameterized.TestCase):
  def test_names_every_module(self):
    found = {module.name for module in pkgutil.iter_modules(stroke_eval.__path__)}
    self.assertEqual(set(stroke_eval.__all__), found)
    for name in stroke_eval.__all__:
      module = getattr(stroke_eval, name)
      self.assertIs(module, importlib.import_module(f'stroke_eval.{name}'))
      self.assertTrue(module.__doc__)
      self.assertIn(name, dir(stroke_eval))

  def test_has_no_other_names(self):
    with self.assertRaisesRegex(AttributeError, "'stroke_eval' has no attribute 'sanity'"):
      _ = stroke_eval.sanity

  @parameterized.parameters(stroke_eval, statistics)
  def test_examples_of_the_docstring(self, module):
    result = doctest.testmod(module)
    self.assertGreater(result.attempted, 3)
    self.assertEqual(result.failed, 0)

  def test_statistics_names_what_it_has(self):
    for name in statistics.__all__:
      self.assertTrue(callable(getattr(statistics, name)), name)

  @parameterized.parameters(
    'import stroke_eval',
    'from stroke_eval import segmentation, statistics, lesion_contrast, translation, survey',
  )
  def test_import_is_cheap(self, line):
    heavy = f'import sys; print([name for name in {_HEAVY} if name in sys.modules])'
    found = subprocess.run(
      [sys.executable, '-c', f'{line}\n{heavy}'], capture_output=True, text=True, check=True
    )
    self.assertEqual(found.stdout.strip(), '[]')


if __name__ == '__main__':
  absltest.main()
