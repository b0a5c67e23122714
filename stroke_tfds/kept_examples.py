"""Which examples a training keeps in memory, and which it reads anew in each round."""

import math
import os

import gin
import numpy as np
import tensorflow as tf
from absl import logging


@gin.configurable
def kept_examples(dataset: tf.data.Dataset, share: float = 1 / 3) -> tf.data.Dataset:
  """The same elements in the same order, in memory from the second round on where they fit.

  In a graph, as under a strategy on Keras 3, nobody knows how many there are: they are kept.

  Args:
    dataset: Finite.
    share: Of the machine's memory that they may take.
  """
  if not tf.executing_eagerly():
    return dataset.cache()
  limit = share * os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE')
  n_bytes = _most_bytes(dataset)
  if n_bytes > limit and dataset.cardinality() < 0:
    n_bytes = _counted_bytes(dataset, limit)
  if n_bytes <= limit:
    return dataset.cache()
  logging.info('examples of more than %.1f GiB are read anew in each round', limit / 2**30)
  return dataset


def _most_bytes(dataset: tf.data.Dataset) -> float:
  """No more than this; what is filtered or cut into slices is no larger than what it comes from."""
  n = int(dataset.cardinality())
  if n >= 0:
    return n * _element_bytes(dataset)
  return sum(map(_most_bytes, dataset._inputs())) or math.inf


def _counted_bytes(dataset: tf.data.Dataset, limit: float) -> float:
  """By a round over the elements, which ends where they are known to be more than the limit."""
  most = int(limit // _element_bytes(dataset)) + 1
  n = dataset.take(most).reduce(np.int64(0), lambda n, *element: n + 1)
  return int(n) * _element_bytes(dataset)


def _element_bytes(dataset: tf.data.Dataset) -> int:
  """Of an element, its texts and axes of unknown length left out."""
  specs = tf.nest.flatten(dataset.element_spec)
  numbers = [spec for spec in specs if spec.dtype != tf.string]
  return sum(spec.dtype.size * math.prod(n or 1 for n in spec.shape) for spec in numbers) or 1
