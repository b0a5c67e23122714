"""Two tiny cohorts: what is written, and what is refused."""

import csv
import json
from pathlib import Path

import gin
import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from launchers.compare_scans_lib import compare_scans
from stroke_eval import tissue_contrast
from stroke_tfds.errors import InputError
from stroke_tfds.imaging.grid import Grid
from stroke_tfds.sources import open_sources
from tests import tiny


class CompareTest(tf.test.TestCase):
  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    cls.root = Path(tfds.testing.make_tmp_dir())
    cls.data_dir = str(cls.root / 'data')
    cls.one, cls.other = (tiny.build_phantom(cls.data_dir, seed=seed) for seed in (0, 1))
    coarse = {**tiny.GRID, 'shape': [16, 16, 8], 'spacing_mm': [12.0, 12.0, 16.0]}
    cls.coarse = tiny.build_phantom(cls.data_dir, grid=coarse)

  def setUp(self):
    super().setUp()
    gin.clear_config()

  def compare(self, name: str = 'out', **values) -> Path:
    given = {'real': f'{self.one}:train', 'simulated': f'{self.other}:test', 'n_shown': 2}
    compare_scans(str(self.root / name), self.data_dir, **{**given, **values})
    return self.root / name

  def test_writes_numbers_of_each_scan_and_their_medians(self):
    folder = self.compare()
    facts = json.loads((folder / 'scans.json').read_text())
    self.assertEqual((facts['real']['n_scans'], facts['simulated']['n_scans']), (4, 3))
    with (folder / 'scans.csv').open() as file:
      rows = list(csv.DictReader(file))
    self.assertEqual([row['kind'] for row in rows], ['real'] * 4 + ['simulated'] * 3)
    for kind in ('real', 'simulated'):
      values = [float(row['grey']) for row in rows if row['kind'] == kind]
      self.assertAllClose(facts[kind]['grey'], np.median(values), atol=1e-3)
    source = open_sources([f'{self.one}:train'], self.data_dir)[0]
    case = next(iter(source.examples().as_numpy_iterator()))
    self.assertEqual(rows[0]['subject_id'], case['subject_id'].decode())
    expected = tissue_contrast.measure(
      case['image'][..., 0],
      case['labels'],
      case['lesion'],
      Grid.from_json(tiny.GRID),
      source.metadata['label_scheme'],
    )
    self.assertAllClose(float(rows[0]['grey']), expected.contrast.grey, atol=1e-4)
    self.assertEqual((folder / 'scans.png').read_bytes()[1:4], b'PNG')

  def test_a_source_beside_itself_is_no_distance_away(self):
    folder = self.compare('same', simulated=f'{self.one}:train')
    facts = json.loads((folder / 'scans.json').read_text())
    self.assertEqual(set(facts['histogram_distance'].values()), {0.0})

  def test_at_most_max_scans_are_measured(self):
    facts = json.loads((self.compare('few', max_scans=2) / 'scans.json').read_text())
    self.assertEqual((facts['real']['n_scans'], facts['simulated']['n_scans']), (2, 2))

  def test_mistakes_are_named(self):
    (self.root / 'file').write_text('')
    cases = (
      ({'name': 'file'}, 'is a file, expected a folder'),
      ({'n_shown': 0}, 'n_shown 0, max_scans 40: expected'),
      ({'max_scans': 1}, 'n_shown 2, max_scans 1: expected'),
      ({'simulated': f'{self.coarse}:train'}, 'must agree'),
      ({'real': f'{self.one}:train[:0]'}, 'holds no example'),
    )
    for values, message in cases:
      with self.subTest(values), self.assertRaisesRegex(InputError, message):
        self.compare(**values)


if __name__ == '__main__':
  tf.test.main()
