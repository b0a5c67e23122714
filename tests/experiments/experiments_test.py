"""Tests of what the documentation quotes: every number has a script, every script says what it does."""

import ast
import csv
import importlib
import re

import gin
import tensorflow as tf
from absl.testing import parameterized

from experiments import _common
from launchers import gin_files
from launchers.run_study_lib import study_design

_ROOT = _common.ROOT
_SCRIPTS = sorted(
  file.stem for file in (_ROOT / 'experiments').glob('*.py') if not file.stem.startswith('_')
)
_TABLES = sorted((_ROOT / 'docs' / 'measurements').glob('*.csv'))
_HEADER = re.compile(r'^Command: (?P<command>.+)\nHardware: .+\nTime: .+\nExpected: .+', re.MULTILINE)
_NOWHERE = re.compile(r'\b(outside|not\s+in)\s+(the|this)\s+repository', re.IGNORECASE)
_MOST_BYTES = 50_000


def _documents():
  names = ('README.md', 'BUILD_NOTES.md', 'CONTRIBUTING.md')
  return [*(_ROOT / name for name in names), *sorted((_ROOT / 'docs').rglob('*.md'))]


class ExperimentsTest(parameterized.TestCase, tf.test.TestCase):
  @parameterized.parameters(_SCRIPTS)
  def test_a_script_opens_with_its_header(self, name):
    tree = ast.parse((_ROOT / 'experiments' / f'{name}.py').read_text())
    header = _HEADER.search(ast.get_docstring(tree) or '')
    self.assertIsNotNone(header, 'expected lines Command, Hardware, Time and Expected')
    self.assertRegex(header['command'], rf'\bpython -m experiments\.{name}$')

  @parameterized.parameters(_SCRIPTS)
  def test_an_import_runs_nothing(self, name):
    before = {file: file.stat().st_mtime_ns for file in _TABLES}
    self.assertTrue(callable(importlib.import_module(f'experiments.{name}').main))
    self.assertEqual({file: file.stat().st_mtime_ns for file in _TABLES}, before)

  @parameterized.parameters(file.stem for file in _TABLES)
  def test_a_table_has_its_script_and_is_small_and_whole(self, name):
    self.assertIn(name, _SCRIPTS)
    file = _ROOT / 'docs' / 'measurements' / f'{name}.csv'
    self.assertLess(file.stat().st_size, _MOST_BYTES)
    with file.open(newline='') as stream:
      header, *rows = csv.reader(stream)
    self.assertNotEmpty(rows)
    self.assertEqual({len(row) for row in rows}, {len(header)})

  def test_scripts_and_files_that_documents_name_exist(self):
    for document in _documents():
      text = document.read_text()
      for name in re.findall(r'experiments\.(\w+)', text):
        self.assertIn(name, [*_SCRIPTS, 'NAME'], document.name)
      for link in re.findall(r'\]\(([^)#:]+)(?:#[^)]*)?\)', text):
        self.assertTrue((document.parent / link).exists(), f'{document.name}: {link}')
      for path in re.findall(r'`((?:keras_itm|stroke_\w+|launchers|gin_configs|tests)/[\w/.]+)`', text):
        is_there = 'NAME' in path or (_ROOT / path).exists()
        self.assertTrue(is_there, f'{document.name}: {path}')

  def test_every_table_is_linked(self):
    text = (_ROOT / 'docs' / 'measurements.md').read_text()
    for file in _TABLES:
      self.assertIn(f'(measurements/{file.name})', text)

  def test_no_number_rests_on_what_is_nowhere(self):
    for document in _documents():
      self.assertNoMatch(_NOWHERE, document.read_text(), document.name)

  def assertNoMatch(self, pattern, text, name):
    found = pattern.search(text)
    self.assertIsNone(found, found and f'{name}: {found[0]}')


class DevelopmentStudyTest(tf.test.TestCase):
  def test_a_study_on_test_cases_of_its_own_that_compares_rates_and_sources(self):
    gin.clear_config()
    self.addCleanup(gin.clear_config)
    gin_files.parse_gin([str(_ROOT / 'experiments' / 'development_study.gin')], [])
    design = study_design()
    self.assertNotIn('mini:test', design.test)
    rates = {arm.bindings[0].split()[-1] for arm in design.arms if arm.start}
    self.assertEqual(rates, {'1e-4', '3e-4', '1e-3', '2e-3'})
    self.assertLen([arm for arm in design.arms if arm.n_clinical == 50], 4)
    self.assertLen(design.used(), 5)


class TableTest(tf.test.TestCase):
  def test_floats_have_four_digits_and_what_is_not_finite_is_empty(self):
    self.assertEqual(
      [_common._cell(v) for v in (0.123456, float('nan'), 7, 'a')], ['0.1235', '', 7, 'a']
    )


if __name__ == '__main__':
  tf.test.main()
