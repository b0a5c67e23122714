"""What goes in and comes out against a plain loop, and over replicas."""

import numpy as np
import tensorflow as tf

from keras_itm.layers.image_pool import ImagePool

_SHAPE = (2, 3, 2)
# What all images have in common, so that parts of different ones would not pass for one.
_PATTERN = np.arange(12, dtype=np.float32).reshape(_SHAPE) / 16


def _batch(first, n):
  """Images that hold their own number, so that each is known wherever it turns up."""
  return np.arange(first, first + n, dtype=np.float32).reshape(-1, 1, 1, 1) + _PATTERN


def _batches(sizes, first=1):
  starts = first + np.concatenate([[0], np.cumsum(sizes)])
  return [_batch(start, n) for start, n in zip(starts, sizes)]


def _numbers(images):
  """Of images, each of which must be whole."""
  numbers = np.asarray(images)[:, 0, 0, 0]
  np.testing.assert_array_equal(images, numbers.reshape(-1, 1, 1, 1) + _PATTERN)
  return [int(number) for number in numbers]


def _simulate(size, batches_of_places):
  """The pool as a loop over images; places from outside, `size` and above for a pass through."""
  pool, given_back, is_old, number = [], [], [], 0
  for places in batches_of_places:
    first = number + 1
    for place in places:
      number += 1
      result = number
      if len(pool) < size:
        pool.append(number)
      elif place < size:
        result, pool[place] = pool[place], number
      given_back.append(result)
      is_old.append(float(result < first))
  return pool, given_back, is_old


def _two_cpus():
  return tf.distribute.MirroredStrategy(
    [device.name for device in tf.config.list_logical_devices('CPU')[:2]],
    tf.distribute.ReductionToOneDevice(),
  )


class FillingTest(tf.test.TestCase):
  def test_stores_and_gives_back_what_is_new(self):
    pool = ImagePool(5, _SHAPE)
    for first in (1, 3):
      images, is_old = pool(_batch(first, 2))
      self.assertAllEqual(images, _batch(first, 2))
      self.assertAllEqual(is_old, [0, 0])
    self.assertAllEqual(pool.images[:-1], [*_batch(1, 4), np.zeros(_SHAPE)])
    self.assertEqual(pool.n_seen.numpy(), 4)

  def test_gives_no_gradient(self):
    pool, x = ImagePool(5, _SHAPE), tf.constant(_batch(1, 2))
    with tf.GradientTape() as tape:
      tape.watch(x)
      images, _ = pool(x)
    self.assertIsNone(tape.gradient(images, x))
    self.assertEmpty(pool.trainable_variables)


class ExchangeTest(tf.test.TestCase):
  def _check(self, call, pool, batches):
    """Results of `call` are those of the loop with the places that the pool drew."""
    places, results = [], []
    for batch in batches:
      places.append(pool._draw_places(len(batch)).numpy())
      results.append(call(tf.constant(batch)))
    stored, given_back, is_old = _simulate(pool.size, places)
    self.assertEqual(_numbers(np.concatenate([images for images, _ in results])), given_back)
    self.assertAllEqual(np.concatenate([old for _, old in results]), is_old)
    self.assertEqual(_numbers(pool.images[:-1]), stored)
    return places

  def test_as_a_loop_over_the_images(self):
    """Batches larger than the pool make images of one batch meet in one place."""
    sizes = (4, 3, 7, 1, 20, 8, 9)
    self._check(pool := ImagePool(6, _SHAPE, seed=1), pool, _batches(sizes))
    self._check(tf.function(pool := ImagePool(1, _SHAPE)), pool, _batches(sizes))
    pool = ImagePool(6, _SHAPE, seed=2)
    graph = tf.function(pool, input_signature=[tf.TensorSpec([None, *_SHAPE])])
    places = self._check(graph, pool, _batches(sizes))
    met = [len(set(p[p < 6])) < np.sum(p < 6) for p in places[2:]]
    self.assertIn(True, met)

  def test_by_hand(self):
    """Places given, so that every case comes up."""
    pool = ImagePool(3, _SHAPE)
    pool(_batch(1, 2))
    # 3 fills the pool, 4 passes, 5 takes the place of 1, 6 that of 5, 7 that of 3, 8 that of 2.
    places = tf.constant([2, 3, 0, 0, 2, 1], tf.int64)
    pool._draw_places = lambda n: places
    images, is_old = pool(_batch(3, 6))
    self.assertEqual(_numbers(images), [3, 4, 1, 5, 3, 2])
    self.assertAllEqual(is_old, [0, 0, 1, 0, 0, 1])
    self.assertEqual(_numbers(pool.images[:-1]), [6, 8, 7])
    # One image a place: of two, a device may write either last.
    self.assertAllEqual(pool._stays(places), [False, False, False, True, True, True])

  def test_half_are_exchanged_each_place_as_often(self):
    pool = ImagePool(4, _SHAPE, seed=3)
    pool.n_seen.assign(4)
    counts = np.zeros(5)
    for _ in range(160):
      counts += np.bincount(np.minimum(pool._draw_places(50), 4), minlength=5)
      pool.n_seen.assign_add(50)
    expected = 160 * 50 * np.array([1 / 8] * 4 + [1 / 2])
    # Five standard deviations of a count, at most.
    self.assertAllInRange((counts - expected) / np.sqrt(expected), -5, 5)

  def test_draws_follow_the_seed(self):
    draws = []
    for seed in (0, 0, 1):
      pool = ImagePool(10, _SHAPE, seed)
      pool.n_seen.assign(10)
      draws.append(pool._draw_places(30).numpy())
    self.assertAllEqual(draws[0], draws[1])
    self.assertNotAllEqual(draws[0], draws[2])


class DistributionTest(tf.test.TestCase):
  def test_replicas_do_as_one_would(self):
    """On parts of a batch that differ in size."""
    strategy = _two_cpus()
    with strategy.scope():
      shared = ImagePool(6, _SHAPE, seed=1)
    alone = ImagePool(6, _SHAPE, seed=1)
    call = tf.function(lambda *parts: strategy.run(shared, args=(_per_replica(strategy, parts),)))
    n_old = 0
    for batch in _batches([5] * 6):
      parts = strategy.experimental_local_results(
        call(tf.constant(batch[:3]), tf.constant(batch[3:]))[0]
      )
      images, is_old = alone(batch)
      self.assertAllEqual(np.concatenate(parts), images)
      n_old += sum(is_old)
    self.assertGreater(n_old, 3)
    for copy in strategy.experimental_local_results(shared.images):
      self.assertAllEqual(copy, alone.images)
    self.assertEqual(shared.n_seen.numpy(), 30)


def _per_replica(strategy, parts):
  return strategy.experimental_distribute_values_from_function(
    lambda context: parts[context.replica_id_in_sync_group]
  )


class ArgumentsTest(tf.test.TestCase):
  def test_contradictions_refused(self):
    with self.assertRaisesRegex(ValueError, 'size 0'):
      ImagePool(0, _SHAPE)
    with self.assertRaisesRegex(ValueError, r'shape \(None, 2, 1\): expected .* known shape'):
      ImagePool(5, (None, 2, 1))

  def test_keeps_float32_under_a_mixed_policy(self):
    tf.keras.mixed_precision.set_global_policy('mixed_bfloat16')
    try:
      given = _batch(1000, 2) / np.float32(3)
      images, _ = ImagePool(5, _SHAPE)(given)
    finally:
      tf.keras.mixed_precision.set_global_policy('float32')
    self.assertAllEqual(images, given)


if __name__ == '__main__':
  cpu = tf.config.list_physical_devices('CPU')[0]
  tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
  tf.test.main()
