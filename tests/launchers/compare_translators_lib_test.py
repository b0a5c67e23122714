"""Toy translators on a tiny cohort: what is written, and what is refused."""

import csv
import json
from pathlib import Path
from unittest import mock

import gin
import numpy as np
import tensorflow as tf

from keras_itm.bundle import load_bundle, save_bundle
from keras_itm.bundle_spec import TRANSLATOR, BundleSpec
from launchers import compare_translators_lib
from launchers.compare_translators_lib import compare_translators, table
from stroke_eval.translation import Scores
from stroke_tfds.errors import InputError
from stroke_tfds.sources import fingerprint, open_sources
from tests import tiny


class Drawn(tf.keras.Model):
  """The toy translator, shifted by its latent."""

  def __init__(self):
    super().__init__()
    self.toy = tiny.ToyTranslator()

  def call(self, segmentation: tf.Tensor, latent: tf.Tensor) -> tf.Tensor:
    return self.toy(segmentation) / 2 + 0.1 * tf.tanh(latent[:, :1])[..., None, None]


class Dark(tiny.ToyTranslator):
  """Has learnt nothing."""

  def call(self, segmentation: tf.Tensor) -> tf.Tensor:
    return 0 * super().call(segmentation) - 1


class CompareTest(tiny.CohortTestCase):
  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    source = open_sources([f'{cls.cohort}:test'], cls.data_dir)[0]
    cls.cases = list(source.examples().as_numpy_iterator())
    cls.metadata = source.metadata
    cls.toy, cls.lesions = map(str, tiny.save_toy_bundles(cls.folder, cls.metadata))
    drawn = Drawn()
    facts = {key: cls.metadata[key] for key in ('grid', 'label_scheme', 'intensity_scaling')}
    spec = BundleSpec(
      TRANSLATOR, latent_size=3, intensity_range=(-1.0, 1.0), training_set='none', **facts
    )
    serve = lambda segmentation, latent: drawn(segmentation, latent)
    cls.drawn = str(cls.folder / 'drawn')
    save_bundle(cls.drawn, spec, serve, drawn, '')

  def setUp(self):
    super().setUp()
    gin.clear_config()

  def compare(self, name: str = 'out', **values) -> Path:
    folder = self.folder / name
    given = {'bundles': {'toy': self.toy, 'drawn': self.drawn}, 'source': f'{self.cohort}:test'}
    compare_translators(str(folder), self.data_dir, **{**given, **values})
    return folder

  def test_writes_means_cases_and_figure(self):
    folder = self.compare(n_shown=2)
    summary = json.loads((folder / 'comparison.json').read_text())
    self.assertEqual(summary['n_cases'], 2)
    with (folder / 'comparison.csv').open() as file:
      rows = list(csv.DictReader(file))
    self.assertEqual([row['translator'] for row in rows], ['toy', 'toy', 'drawn', 'drawn'])
    with_lesion = [case for case in self.cases if case['lesion'].any()]
    for row, case in zip(rows, 2 * with_lesion):
      self.assertEqual(row['subject_id'], case['subject_id'].decode())
    toy = summary['translators']['toy']
    expected = []
    for case in with_lesion:
      # The toy's brightness is the label over 28, the lesion being 28.
      made = np.where(case['lesion'] > 0, 28, case['labels']) / 28
      expected.append(np.abs(made - case['image'][..., 0])[case['labels'] > 0].mean())
    self.assertAllClose([float(row['l1']) for row in rows[:2]], expected, atol=1e-3)
    self.assertAllClose(toy['l1'], np.mean(expected), atol=1e-3)
    self.assertIsNone(toy['diversity'])
    self.assertGreater(summary['translators']['drawn']['diversity'], 0)
    self.assertNotEqual(toy['bundle'], summary['translators']['drawn']['bundle'])
    self.assertIsNone(toy['told_apart'])  # Two cases are too few.
    picture = tf.io.decode_png((folder / 'comparison.png').read_bytes())
    self.assertGreater(picture.shape[0], picture.shape[1] / 2)

  def test_the_same_seed_gives_the_same_latents(self):
    scores = [
      json.loads((self.compare(bundles={'drawn': self.drawn}, seed=s) / 'comparison.json').read_text())
      for s in (0, 0, 1)
    ]
    l1 = [score['translators']['drawn']['l1'] for score in scores]
    self.assertEqual(l1[0], l1[1])
    self.assertNotEqual(l1[0], l1[2])

  def test_refuses_what_cannot_be_compared(self):
    for values, message in (
      ({'bundles': {}}, 'expected at least one each'),
      ({'n_shown': 0}, 'n_shown 0: expected'),
      ({'source': f'{self.cohort}:healthy'}, 'no case with a lesion'),
      ({'source': 'nothing'}, 'expected "name/config:split"'),
    ):
      with self.assertRaisesRegex(InputError, message):
        self.compare(**values)
    with self.assertRaisesRegex(InputError, 'lesion_generator'):
      self.compare(bundles={'wrong': self.lesions})
    learnt = open_sources([f'{self.cohort}:train', f'{self.cohort}:test[:1]'], self.data_dir)
    seen = {'trained_on': tuple(map(str, learnt)), 'training_set': fingerprint(learnt)}
    known, _ = tiny.save_toy_bundles(self.folder / 'known', self.metadata, **seen)
    with self.assertRaisesRegex(InputError, r'source .*:test: 1 of its cases are in .*:test\[:1\] as'):
      self.compare(bundles={'toy': self.toy, 'known': str(known)})
    with mock.patch.object(compare_translators_lib, 'say') as say:
      (test,) = open_sources([f'{self.cohort}:test'], self.data_dir)
      compare_translators_lib._check_unseen(load_bundle(self.toy), test, self.data_dir)
    self.assertRegex(say.call_args.args[0], f'not known or not here, .* of {self.cohort}:test are')
    classes = tiny.save_toy_class_translator(self.folder / 'classes', self.metadata)
    message = (
      r"^translator .* takes the classes \['background', .*, expected a translator of the labels"
    )
    with self.assertRaisesRegex(InputError, message):
      self.compare(bundles={'wrong': str(classes)})
    (self.folder / 'file').write_text('')
    with self.assertRaisesRegex(InputError, 'is a file'):
      self.compare('file')

  def test_refuses_a_translator_of_another_grid(self):
    grid = {**self.metadata['grid'], 'spacing_mm': [5.0, 6.0, 16.0]}
    other, _ = tiny.save_toy_bundles(self.folder / 'other', {**self.metadata, 'grid': grid})
    with self.assertRaisesRegex(InputError, r'translator .* grid .*5.0, 6.0.* but .*6.0, 6.0'):
      self.compare(bundles={'far': str(other)})


class ToldApartTest(tf.test.TestCase):
  def test_with_cases_enough_every_translator_is_told_from_the_true_images(self):
    folder = Path(self.get_temp_dir())
    data_dir, counts = str(folder / 'data'), {'n_healthy': 1, 'n_train': 1, 'n_test': 11}
    cohort = tiny.build_phantom(data_dir, **counts)
    source = open_sources([f'{cohort}:test'], data_dir)[0]
    toy, _ = tiny.save_toy_bundles(folder, source.metadata)
    dark = Dark()
    facts = {key: source.metadata[key] for key in ('grid', 'label_scheme', 'intensity_scaling')}
    spec = BundleSpec(TRANSLATOR, latent_size=0, intensity_range=(-1.0, 1.0), training_set='', **facts)
    save_bundle(folder / 'dark', spec, lambda segmentation, latent: dark(segmentation), dark, '')
    bundles = {'toy': str(toy), 'dark': str(folder / 'dark')}
    compare_translators(str(folder / 'out'), data_dir, bundles=bundles, source=f'{cohort}:test')
    summary = json.loads((folder / 'out' / 'comparison.json').read_text())
    found = summary['translators']['toy']['told_apart']
    self.assertEqual((found['n_real'], found['n_synthetic']), (10, 10))
    # Its brightness is the label's number.
    self.assertEqual(found['auc'], 1.0)
    self.assertLen(found['gaps'], 5)
    self.assertIn(found['gaps'][0]['auc'], (0.0, 1.0))
    # Nothing of it can be measured, which is no reason to leave the others out.
    self.assertIsNone(summary['translators']['dark']['told_apart'])


class TableTest(tf.test.TestCase):
  def test_columns_stand_in_line(self):
    lines = table({'a long name': Scores(0.1, 0.2, 0.3, 0.4, 0.5, np.nan)}, {}, 0.6).split('\n')
    self.assertLen({len(line) for line in lines}, 1)
    self.assertEqual(lines[0].split()[2], 'lesion_excess')
    self.assertEqual(lines[1].split(), ['real', '-', '-', '0.600', '-', '-', '-', '-'])
    self.assertEqual(lines[2].split()[3:], ['0.100', '0.200', '0.300', '0.400', '0.500', '-', '-'])


if __name__ == '__main__':
  tf.test.main()
