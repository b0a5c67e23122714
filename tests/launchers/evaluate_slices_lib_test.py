"""A toy generator of slices beside a tiny cohort: what is written, and what is refused."""

import csv
import json
import re
from pathlib import Path
from unittest import mock

import gin
import tensorflow as tf

from launchers import evaluate_slices_lib
from launchers.evaluate_slices_lib import evaluate_slices
from stroke_tfds.errors import InputError
from stroke_tfds.sources import fingerprint, open_sources
from tests import tiny


class EvaluateTest(tiny.CohortTestCase):
  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    # The lesions of the training split are the larger ones.
    cls.learnt, cls.held_out = f'{cls.cohort}:test', f'{cls.cohort}:train'
    cls.source = open_sources([cls.learnt], cls.data_dir)[0]
    cls.facts = {
      'training_set': fingerprint([cls.source]),
      'trained_on': (cls.learnt,),
      'intensity_scaling': cls.source.intensity_scaling,
      'contrasts': ('DWI',),
    }
    cls.bundle = cls.save('bundle')

  @classmethod
  def save(cls, name: str, n_contrasts: int = 1, **facts) -> str:
    metadata = cls.source.metadata
    folder = cls.folder / name
    return str(tiny.save_toy_joint(folder, metadata, n_contrasts, **{**cls.facts, **facts}))

  def setUp(self):
    super().setUp()
    gin.clear_config()

  def evaluate(self, name: str = 'out', **values) -> Path:
    given = {
      'bundle': self.bundle,
      'real': [self.learnt],
      'held_out': self.held_out,
      'number': 32,
    }
    evaluate_slices(str(self.folder / name), self.data_dir, **{**given, **values})
    return self.folder / name

  def test_writes_page_numbers_and_table(self):
    folder = self.evaluate()
    found = json.loads((folder / 'fidelity.json').read_text())
    self.assertEqual((found['n_drawn'], found['real']), (32, [self.learnt]))
    held_out = open_sources([self.held_out], self.data_dir)[0].examples()
    n_slices = sum(int((e['labels'].any((0, 1))).sum()) for e in held_out.as_numpy_iterator())
    self.assertEqual(found['n_held_out'], n_slices)
    # The toy draws a square of 12 pixels where a lesion is asked for, and none elsewhere.
    shares = found['lesion_shares']
    self.assertEqual((shares['drawn'], shares['of_asked']), (shares['asked'], 1))
    self.assertBetween(shares['asked'], 0.3, 0.6)
    self.assertEqual(shares['of_others'], 0)
    self.assertAlmostEqual(found['areas']['lesion']['drawn'], 12 * shares['asked'], 3)
    with (folder / 'fidelity.csv').open() as file:
      rows = {(row['measure'], row['of']): row for row in csv.DictReader(file)}
    area = rows['mean area, pixels', 'lesion']
    self.assertAllClose(float(area['drawn']), 12 * shares['asked'], atol=1e-3)
    # All of its slices are one plane without a brain.
    frechet = rows['frechet', 'all']
    self.assertGreater(float(frechet['drawn']), 3 * float(frechet['real']))
    page = (folder / 'report.html').read_text()
    self.assertEqual(re.findall('<h2>Figure (.)', page), ['1', '2', '3', '4'])
    self.assertIn('class="attention"', page)
    self.assertNotIn(str(self.folder), page)
    for value in re.findall(r'(?:src|href)="([^"]*)"', page):
      self.assertStartsWith(value, 'data:image/')

  def test_the_same_seed_gives_the_same_numbers(self):
    with mock.patch.object(evaluate_slices_lib, 'write_page'):
      folders = [self.evaluate(f'seeds {i}', seed=s, number=3) for i, s in enumerate((0, 0, 1))]
    numbers = [json.loads((folder / 'fidelity.json').read_text())['gaps'] for folder in folders]
    self.assertEqual(numbers[0], numbers[1])
    self.assertNotEqual(numbers[0], numbers[2])

  def test_classes_alone_and_nothing_asked(self):
    bundle = self.save('masks', 0, contrasts=())
    found = json.loads((self.evaluate('masks_out', bundle=bundle) / 'fidelity.json').read_text())
    self.assertEqual((found['contrasts'], found['explained']), ([], {}))
    self.assertGreater(found['distance']['drawn'], 0)

  def test_refuses_what_does_not_fit_in_one_line(self):
    translator, _ = tiny.save_toy_bundles(self.folder / 'others', self.source.metadata)
    grid = {**self.source.metadata['grid'], 'spacing_mm': [5.0, 6.0, 16.0]}
    levels = {**self.source.metadata['grid'], 'shape': [32, 32, 6]}
    names = [f'class {i}' for i in range(5)]
    for values, message in (
      ({'number': 0}, 'number 0, truncation 1.0: expected at least 1'),
      ({'truncation': 1.5}, 'truncation 1.5: expected'),
      ({'bundle': str(translator)}, "kind 'translator', expected 'joint_generator'"),
      ({'bundle': '/nowhere'}, 'no bundle there'),
      ({'bundle': self.save('grid', grid=grid)}, 'was trained for the grid .*5.0, 6.0'),
      ({'bundle': self.save('levels', grid=levels)}, r'was trained for the grid .*32, 32, 6'),
      ({'bundle': self.save('two', 2, contrasts=('DWI', 'ADC'))}, r'makes 2 contrast.*DWI'),
      ({'bundle': self.save('adc', contrasts=('ADC',))}, r"\['ADC'\], expected the first of \['DWI'\]"),
      ({'bundle': self.save('names', classes=names)}, 'makes the classes .*expected .*white matter'),
      ({'bundle': self.save('seen', training_set='x')}, 'was not trained on .*sets that it has seen'),
      ({'real': [self.held_out]}, 'was not trained on .*:train'),
      ({'held_out': f'{self.learnt}[:2]'}, '2 of its patients are in the training'),
      ({'held_out': f'{self.held_out}[:1]'}, 'has 1 patient, expected two'),
      ({'held_out': 'nothing'}, 'expected "name/config:split"'),
    ):
      with self.assertRaisesRegex(InputError, f'^[^\n]*{message}'):
        self.evaluate(**values)


if __name__ == '__main__':
  tf.test.main()
