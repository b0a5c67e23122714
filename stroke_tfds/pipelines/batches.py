"""Endless batches in an order by seed and position alone, so that a resumed training sees the same."""

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from stroke_tfds.kept_examples import kept_examples


def endless(
  dataset: tf.data.Dataset,
  batch_size: int,
  *,
  seed: int,
  start_step: int,
  transform: Callable[..., Any],
) -> tf.data.Dataset:
  """Yields shuffled, transformed batches without end; keeps examples in memory where they fit.

  The same seed gives the same batches, also when a resumed run starts at a later step: order and
  random numbers depend on the seed and the example's position alone.
  """
  stream = shuffled(dataset, seed)
  return batched(stream, batch_size, seed=seed, start_step=start_step, transform=transform)


def shuffled(dataset: tf.data.Dataset, seed: int) -> tf.data.Dataset:
  """Endless elements, kept in memory where they fit, in another order in each round."""
  n_shuffled = 4096
  dataset = kept_examples(dataset)
  return dataset.shuffle(n_shuffled, seed=seed, reshuffle_each_iteration=True).repeat()


def mixed(datasets: Sequence[tf.data.Dataset], weights: Sequence[float], seed: int) -> tf.data.Dataset:
  """Endless elements, each data set in an order of its own and drawn as often as its weight says."""
  streams = [shuffled(dataset, seed + 1000 * i) for i, dataset in enumerate(datasets)]
  return tf.data.Dataset.sample_from_datasets(
    streams, [float(weight) for weight in weights], seed=seed, rerandomize_each_iteration=False
  )


def batched(
  stream: tf.data.Dataset,
  batch_size: int,
  *,
  seed: int,
  start_step: int,
  transform: Callable[..., Any],
) -> tf.data.Dataset:
  """Batches of transformed elements of an endless stream, from batch `start_step` on."""

  def numbered(index: tf.Tensor, elements: Any) -> Any:
    elements = elements if isinstance(elements, tuple) else (elements,)
    return transform(*elements, tf.stack([tf.constant(seed, tf.int64), index]))

  dataset = stream.enumerate().skip(start_step * batch_size)
  dataset = dataset.map(numbered, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
  return dataset.batch(batch_size, drop_remainder=True).prefetch(2)
