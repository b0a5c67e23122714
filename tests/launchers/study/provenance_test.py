"""Test cases are found in what is learnt from, also behind sets that were made from them."""

from unittest import mock

import tensorflow as tf

from launchers.study import provenance
from launchers.study.provenance import check_untouched
from stroke_tfds import carvemix, lesion_fusion, sources
from stroke_tfds.errors import InputError
from tests import tiny
from tests.launchers.study import tiny_study


class ProvenanceTest(tf.test.TestCase):
  def setUp(self):
    super().setUp()
    self.data_dir, self.cohort = tiny_study.cohort()
    self.test = self.open(f'{self.cohort}:test')

  def open(self, text):
    return sources.open_sources([text], self.data_dir, build=False)[0]

  def build(self, package, **fields):
    """A recombined set, and its name."""
    known = type(package.Builder.BUILDER_CONFIGS[0])
    config = known(num_volumes=2, min_voxels=3, **fields)
    builder = package.Builder(config=config, data_dir=self.data_dir)
    builder.download_and_prepare()
    return f'{builder.name}/{builder.builder_config.name}:train'

  def fused(self, split):
    healthy = f'{self.cohort}:healthy'
    return self.build(lesion_fusion, clinical=f'{self.cohort}:{split}', healthy=healthy)

  def check(self, *texts):
    check_untouched(self.test, {'SPADE': [self.open(text) for text in texts]}, self.data_dir)

  def refuses(self, message, *texts):
    with self.assertRaisesRegex(InputError, message) as caught:
      self.check(*texts)
    self.assertNotIn('\n', str(caught.exception))

  def test_other_splits_are_fine(self):
    self.check(f'{self.cohort}:train', f'{self.cohort}:healthy', self.fused('train'))

  def test_the_test_split_itself(self):
    ids = [example['subject_id'].decode() for example in self.test.examples().as_numpy_iterator()]
    text = f'{self.cohort}:test[2:3]'
    message = rf"SPADE: {self.cohort}:test\[2:3\] holds '{ids[2]}', which is the test case '{ids[2]}'"
    self.refuses(message, f'{self.cohort}:train', text)

  def test_the_same_scan_in_another_set(self):
    other = tiny.build_phantom(self.data_dir, n_healthy=1, n_train=1, n_test=1, n_test_negative=0)
    self.assertNotEqual(other, self.cohort)
    self.refuses(
      f'SPADE: {other}:test holds .*, which is the test case .* of {self.cohort}:test', f'{other}:test'
    )
    self.check(f'{other}:train')

  def test_behind_a_set_that_was_made_from_it(self):
    text = self.fused('test[:5]')
    # No volume of the set is a test case.
    volumes = provenance.images(self.open(text))
    self.assertFalse(volumes.keys() & provenance.images(self.test).keys())
    self.refuses(rf'SPADE: {self.cohort}:test\[:5\] holds .*, which is the test case', text)

  def test_behind_two_sets(self):
    text = self.build(carvemix, clinical=self.fused('test[:5]'))
    self.refuses(rf'SPADE: {self.cohort}:test\[:5\] holds .*, which is the test case', text)
    self.check(self.build(carvemix, clinical=self.fused('train')))

  def test_a_set_to_look_at_that_is_not_there(self):
    text = self.fused('train')
    source = self.open(text)
    metadata = {**source.metadata, 'made_from': ['phantom_stroke/mini:train']}
    with mock.patch.object(sources.Source, 'metadata', metadata):
      with self.assertRaisesRegex(InputError, "data set 'phantom_stroke/mini' is not built"):
        check_untouched(self.test, {'SPADE': [source]}, self.data_dir)

  def test_each_set_is_read_once(self):
    train = self.open(f'{self.cohort}:train')
    with mock.patch.object(provenance, 'images', wraps=provenance.images) as read:
      check_untouched(self.test, {'a': [train], 'b': [train, train]}, self.data_dir)
    self.assertEqual([str(call.args[0]) for call in read.mock_calls], [str(self.test), str(train)])

  def test_sets_made_from_each_other_come_to_an_end(self):
    source = self.open(f'{self.cohort}:train')
    metadata = {**source.metadata, 'made_from': [f'{self.cohort}:healthy', f'{self.cohort}:train']}
    with mock.patch.object(sources.Source, 'metadata', metadata):
      check_untouched(self.test, {'SPADE': [source]}, self.data_dir)


if __name__ == '__main__':
  tf.test.main()
