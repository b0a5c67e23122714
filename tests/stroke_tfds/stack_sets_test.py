"""Data sets that either stack built are read by both, number by number."""

import json
import shutil
import tempfile
from pathlib import Path

import tensorflow as tf
import tensorflow_datasets as tfds
from absl.testing import parameterized

from tests.stroke_tfds import stack_sets


class StackSetsTest(parameterized.TestCase):
  @parameterized.parameters(*stack_sets.STACKS)
  def test_holds_what_it_held_where_it_was_built(self, stack):
    with tempfile.TemporaryDirectory() as folder:
      shutil.unpack_archive(stack_sets.archive(stack), folder)
      expected = json.loads(Path(folder, 'summary.json').read_text())
      self.assertEqual(stack_sets.summary(expected['name'], folder), expected['train'])
      self.assertLen(expected['train'], 2)
      plain = tfds.load(expected['name'], split='train', data_dir=folder, as_supervised=True)
      lesions = [int(lesion.sum()) for _, lesion in plain.as_numpy_iterator()]
      self.assertEqual(lesions, [case['lesion'] for case in expected['train']])


if __name__ == '__main__':
  tf.test.main()
