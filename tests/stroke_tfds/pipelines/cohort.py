"""A cohort whose batches are looked at."""

import functools
import itertools

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from stroke_tfds.class_maps import ClassMap
from stroke_tfds.label_schemes import ASEG28
from stroke_tfds.sources import Source, open_sources
from tests import tiny

CLASSES = ClassMap.from_scheme(ASEG28.to_json())


def class_ids(example: dict) -> np.ndarray:
  """[Z, X, Y]."""
  return CLASSES.classes(example).numpy().transpose(2, 0, 1)


def take(dataset: tf.data.Dataset, n: int) -> list:
  return list(itertools.islice(dataset.as_numpy_iterator(), n))


@functools.cache
def shared_cohort() -> tuple[str, str, list[dict]]:
  """A data folder, the name of a cohort in it and its training examples."""
  data_dir = tfds.testing.make_tmp_dir()
  name = tiny.build_phantom(data_dir)
  return data_dir, name, list(tfds.as_numpy(tfds.load(name, split='train', data_dir=data_dir)))


class BatchesTestCase(tf.test.TestCase):
  def setUp(self):
    super().setUp()
    self.data_dir, self.name, self.examples = shared_cohort()

  def open(self, *splits: str) -> list[Source]:
    return open_sources([f'{self.name}:{split}' for split in splits], self.data_dir)
