"""A toy generator of slices beside a tiny cohort: what is written, and what is refused."""

import csv
import json
import re
from pathlib import Path
from unittest import mock

import gin
import tensorflow as tf

from keras_itm.bundle import read_spec
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
    cls.masks = cls.save('masks', 0, contrasts=())
    cls.healthy = f'{cls.cohort}:healthy'
    cls.both = open_sources([cls.healthy, cls.learnt], cls.data_dir)
    cls.translator = cls.save_translator('translator')

  @classmethod
  def save(cls, name: str, n_contrasts: int = 1, **facts) -> str:
    metadata = cls.source.metadata
    folder = cls.folder / name
    return str(tiny.save_toy_joint(folder, metadata, n_contrasts, **{**cls.facts, **facts}))

  @classmethod
  def save_translator(cls, name: str, n_contrasts: int = 1, **facts) -> str:
    """Of a translator that has learnt from healthy brains, too."""
    more = {'training_set': fingerprint(cls.both), 'trained_on': (cls.healthy, cls.learnt)}
    given = {**cls.facts, **more, **facts}
    folder, metadata = cls.folder / name, cls.source.metadata
    return str(tiny.save_toy_class_translator(folder, metadata, n_contrasts=n_contrasts, **given))

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
    self.assertEqual((shares['of_asked_at_once'], found['tries']), (1, 8))
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
    folder = self.evaluate('masks_out', bundle=self.masks)
    found = json.loads((folder / 'fidelity.json').read_text())
    self.assertEqual((found['contrasts'], found['explained']), ([], {}))
    self.assertGreater(found['distance']['drawn'], 0)
    self.assertNotIn('translator', found)

  def translated(self, **values) -> dict:
    learnt = {'real': [self.learnt, self.healthy]}
    return {'bundle': self.masks, 'translator': self.translator, **learnt, **values}

  def test_classes_and_then_images(self):
    folder = self.evaluate('translated', **self.translated())
    found = json.loads((folder / 'fidelity.json').read_text())
    made = [found[name] for name in ('bundle', 'translator')]
    self.assertEqual(made, [read_spec(one).fingerprint for one in (self.masks, self.translator)])
    n_training = sum(
      int(example['labels'].any((0, 1)).sum())
      for source in self.both
      for example in source.examples().as_numpy_iterator()
    )
    self.assertEqual(found['n_training'], n_training)
    shares = found['lesion_shares']
    self.assertAlmostEqual(found['areas']['lesion']['drawn'], 12 * shares['asked'], 3)
    # A quarter for each class: 1 in the lesion and 1/4 in white matter, the only parenchyma.
    (contrast,) = found['contrasts']
    self.assertAllClose(contrast['drawn'], 1 / 0.25 - 1)
    self.assertAllClose(found['explained']['DWI']['drawn'], 1)
    page = (folder / 'report.html').read_text()
    for fingerprint_ in made:
      self.assertIn(fingerprint_, page)
    self.assertIn('The second bundle has one latent for all', page)

  def test_refuses_what_does_not_fit_in_one_line(self):
    translator, _ = tiny.save_toy_bundles(self.folder / 'others', self.source.metadata)
    grid = {**self.source.metadata['grid'], 'spacing_mm': [5.0, 6.0, 16.0]}
    levels = {**self.source.metadata['grid'], 'shape': [32, 32, 6]}
    names = [f'class {i}' for i in range(5)]
    for values, message in (
      ({'number': 0}, 'number 0: expected at least 1'),
      ({'tries': 0}, 'tries 0: expected at least 1'),
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
      ({'real': [self.learnt, self.healthy]}, r"real has \['[^']*:healthy'\], expected .*:test'\]"),
    ):
      with self.assertRaisesRegex(InputError, f'^[^\n]*{message}'):
        self.evaluate(**values)

  def test_refuses_a_translator_that_does_not_fit_in_one_line(self):
    labels, _ = tiny.save_toy_bundles(self.folder / 'of labels', self.source.metadata)
    saved = self.save_translator
    for values, message in (
      ({'bundle': self.bundle}, r'makes 1 contrast\(s\) itself, expected one of classes alone'),
      ({'translator': str(labels)}, 'of labels/translator takes labels, expected one of the classes'),
      ({'translator': '/nowhere'}, 'translator /nowhere: no bundle there'),
      (
        {'translator': saved('images of two', 2, contrasts=('DWI', 'ADC'))},
        r'images of two makes 2 contrast\(s\) .*DWI',
      ),
      (
        {'translator': saved('scaled', intensity_scaling='percentile')},
        'scaled was trained for the intensity_scaling percentile, but',
      ),
      ({'translator': saved('other', training_set='x')}, 'other was not trained on .*:healthy'),
      ({'real': [self.learnt]}, r'/translator was not trained on .*:healthy'),
      ({'real': [self.healthy]}, r'/masks was not trained on .*:healthy.*, expected the .*:test'),
    ):
      with self.assertRaisesRegex(InputError, f'^[^\n]*{message}'):
        self.evaluate(**self.translated(**values))


if __name__ == '__main__':
  tf.test.main()
