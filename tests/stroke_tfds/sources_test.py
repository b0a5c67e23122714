import functools
import json
import re
import shutil
from pathlib import Path
from unittest import mock

import tensorflow as tf
import tensorflow_datasets as tfds

from keras_itm.lesions import MIN_VOXELS
from stroke_tfds import sources
from stroke_tfds.errors import InputError
from tests import tiny


@functools.cache
def _shared() -> tuple[str, str, dict[str, int]]:
  """A data folder, the name of a cohort in it, and the lesion voxels of its training subjects."""
  data_dir = tfds.testing.make_tmp_dir()
  name = tiny.build_phantom(data_dir, n_train=16)
  stored = tfds.as_numpy(tfds.load(name, split='train', data_dir=data_dir))
  return data_dir, name, {e['subject_id'].decode(): int(e['lesion'].sum()) for e in stored}


class SmallestLesionTest(tf.test.TestCase):
  def test_is_that_of_synthesis(self):
    self.assertEqual(sources.MIN_VOXELS, MIN_VOXELS)


class DrawnCasesTest(tf.test.TestCase):
  def setUp(self):
    super().setUp()
    self.data_dir, self.name, self.voxels = _shared()

  def open(self, draw: str) -> sources.Source:
    return sources.open_sources([f'{self.name}:train{draw}'], self.data_dir)[0]

  def subjects(self, draw: str) -> list[str]:
    examples = self.open(draw).examples(['subject_id']).as_numpy_iterator()
    return [example['subject_id'].decode() for example in examples]

  def test_as_many_as_asked_for_all_with_a_lesion_of_20_voxels(self):
    usable = {subject for subject, voxels in self.voxels.items() if voxels >= MIN_VOXELS}
    self.assertBetween(len(usable), 5, 15)
    drawn = self.subjects('(4, seed=0)')
    self.assertLen(set(drawn), 4)
    self.assertLessEqual(set(drawn), usable)
    self.assertEqual(self.subjects(f'({len(usable)}, seed=3)'), [s for s in self.voxels if s in usable])

  def test_few_are_among_many_and_the_seed_decides(self):
    draws = {seed: self.subjects(f'(2, seed={seed})') for seed in range(6)}
    for seed, few in draws.items():
      self.assertLessEqual(set(few), set(self.subjects(f'(4, seed={seed})')))
    self.assertGreater(len(set(map(tuple, draws.values()))), 2)

  def test_one_text_is_no_list(self):
    with self.assertRaisesRegex(InputError, "^data sources are 'a/b:train', expected a list"):
      sources.open_sources('a/b:train')

  def test_held_out_cases_are_those_that_are_not_learnt_from(self):
    train, drawn, head = self.open(''), self.open('(3, seed=0)'), self.open('[:2]')
    self.assertEqual(train.subject_ids, set(self.voxels))
    self.assertEqual(drawn.subject_ids, set(self.subjects('(3, seed=0)')))
    sources.check_unseen('test', head, [self.open('[2:]')])
    with self.assertRaisesRegex(InputError, r'^test .*:train\[:2\]: 2 of its cases are in .*:train as'):
      sources.check_unseen('test', head, [self.open('[2:]'), train])
    with self.assertRaisesRegex(InputError, r'3 of its cases are in .*\(3, seed=0\) as well'):
      sources.check_unseen('test', train, [drawn])
    for origin, is_seen in ((train, True), (drawn, True), (self.open('[2:]'), False)):
      made = mock.MagicMock(metadata={'made_from': ['elsewhere/a:train', str(origin)]})
      made.__str__.return_value = 'made/b:train'
      if is_seen:
        message = re.escape(f'are in {origin} as well, which made/b:train was made from')
        with self.assertRaisesRegex(InputError, message):
          sources.check_unseen('test', train, [made])
      else:
        sources.check_unseen('test', head, [made])

  def test_begins_again_where_more_are_wanted_than_there_are(self):
    few = self.subjects('(3, seed=1)')
    for count, expected in ((2, few[:2]), (5, [*few, *few[:2]])):
      cycled = self.open('(3, seed=1)').cycle(count, ['subject_id']).as_numpy_iterator()
      self.assertEqual([example['subject_id'].decode() for example in cycled], expected)

  def test_begins_anywhere(self):
    for draw in ('', '[1:]', '[1:]+train[:1]', '(3, seed=1)'):
      source, subjects = self.open(draw), self.subjects(draw)
      for start in (0, 1, len(subjects) + 2):
        cycled = source.cycle(4, ['subject_id'], start).as_numpy_iterator()
        expected = [subjects[i % len(subjects)] for i in range(start, start + 4)]
        self.assertEqual([example['subject_id'].decode() for example in cycled], expected)

  def test_volumes_are_those_of_the_split(self):
    whole = {e['subject_id']: e['image'] for e in self.open('').examples().as_numpy_iterator()}
    drawn = list(self.open('(3, seed=1)').examples().as_numpy_iterator())
    self.assertLen(drawn, 3)
    for example in drawn:
      self.assertAllEqual(example['image'], whole[example['subject_id']])

  def test_name_and_number(self):
    source = self.open('(3,seed=1)')
    self.assertEqual(source.n_examples, 3)
    self.assertEqual(str(source), f'{self.name}:train(3, seed=1)')
    fingerprints = {
      sources.fingerprint([self.open(draw)]) for draw in ('', '(3, seed=1)', '(3, seed=2)')
    }
    self.assertLen(fingerprints, 3)

  def test_refuses_more_than_there_are(self):
    n = sum(voxels >= MIN_VOXELS for voxels in self.voxels.values())
    with self.assertRaisesRegex(
      InputError, rf'train has {n} cases with a lesion of 20 voxels or more, expected at least {n + 1}'
    ):
      self.open(f'({n + 1}, seed=0)')
    with self.assertRaisesRegex(InputError, 'holds no example'):
      self.open('(0, seed=0)')
    with self.assertRaisesRegex(InputError, r'expected "name/config:split" or'):
      self.open('(3)')


class SourcesTest(tf.test.TestCase):
  def setUp(self):
    super().setUp()
    self.data_dir, self.name, _ = _shared()

  def open(self, *splits: str) -> list[sources.Source]:
    return sources.open_sources([f'{self.name}:{split}' for split in splits], self.data_dir)

  def test_features_that_are_asked_for_alone(self):
    [source] = self.open('healthy')
    whole, part = (
      list(d.as_numpy_iterator()) for d in (source.examples(), source.examples(['labels']))
    )
    self.assertEqual(part[0].keys(), {'labels'})
    self.assertAllEqual([e['labels'] for e in part], [e['labels'] for e in whole])

  def test_fingerprint_names_split_and_data(self):
    first = sources.fingerprint(self.open('train'))
    self.assertEqual(first, sources.fingerprint(self.open('train')))
    self.assertNotEqual(first, sources.fingerprint(self.open('train[:2]')))

  def test_refuses_what_is_not_there(self):
    for text, message in {
      'phantom_stroke/mini': 'expected "name/config:split"',
      f'{self.name}:sick': "no such split or part of one, .*has {'healthy': .*, 'test': .*, 'train': ",
      f'{self.name}:train[999:]': 'no such split or part of one',
      f'{self.name}:train[:0]': 'holds no example',
      'phantom_strke/mini:train': 'did you mean phantom_stroke[?]',
      'phantom_stroke/minni:train': 'did you mean phantom_stroke/mini[?]',
      f'{"a" * 300}/x:train': 'a name of at most 200 letters',
      'unheard_of/x:train': "data set 'unheard_of/x' does not exist",
    }.items():
      with self.assertRaisesRegex(InputError, message):
        sources.open_sources([text], self.data_dir)

  def test_refuses_what_is_stored_for_random_access(self):
    data_dir = Path(tfds.testing.make_tmp_dir())
    shutil.copytree(Path(self.data_dir) / self.name, data_dir / self.name)
    [file] = data_dir.rglob('dataset_info.json')
    stored = json.loads(file.read_text())
    self.assertEqual(stored['fileFormat'], 'tfrecord')
    file.write_text(json.dumps({**stored, 'fileFormat': 'array_record'}))
    with self.assertRaisesRegex(
      InputError, f"^data set '{self.name}' is stored as array_record, [^\\n]*expected tfrecord[^\\n]*$"
    ):
      sources.open_sources([f'{self.name}:train'], str(data_dir))

  def test_refuses_sets_of_different_grids(self):
    grid = {**tiny.GRID, 'name': 'shifted', 'corner_mm': [-90.0, -114.0, -56.0]}
    other = tiny.build_phantom(self.data_dir, grid=grid)
    with self.assertRaisesRegex(InputError, 'has the grid .*shifted.*sets used together must agree'):
      sources.open_sources([f'{self.name}:train', f'{other}:train'], self.data_dir)

  def test_refuses_sets_of_different_scalings(self):
    other = tiny.build_phantom(self.data_dir, intensity_scaling='percentile', seed=1)
    message = (
      f'^{other} has the intensity_scaling percentile, but {self.name} has parenchyma_median: sets '
      'used together must agree$'
    )
    with self.assertRaisesRegex(InputError, message):
      sources.open_sources([f'{self.name}:train', f'{other}:train'], self.data_dir)

  def test_a_set_that_names_no_scaling_has_the_percentile(self):
    other = tiny.build_phantom(self.data_dir, seed=2)
    [file] = Path(self.data_dir, other).glob('*/metadata.json')
    facts = json.loads(file.read_text())
    for changed, found in (({}, 'percentile'), ({'intensity_scaling': 'mean'}, None)):
      del facts['intensity_scaling']
      facts |= changed
      file.write_text(json.dumps(facts))
      if found:
        [source] = sources.open_sources([f'{other}:train'], self.data_dir)
        self.assertEqual(source.intensity_scaling, found)
        facts['intensity_scaling'] = found
      else:
        with self.assertRaisesRegex(InputError, f"^data set '{other}': intensity_scaling is 'mean'"):
          sources.open_sources([f'{other}:train'], self.data_dir)


if __name__ == '__main__':
  tf.test.main()
