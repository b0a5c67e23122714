"""Injection voxel by voxel, and statistics against masks that can be counted."""

import numpy as np
import tensorflow as tf

from keras_itm import lesions


def _masks(*voxels, shape=(4, 4, 4)):
  """One mask for each list of flat voxel numbers."""
  masks = np.zeros((len(voxels), np.prod(shape)), np.uint8)
  for mask, numbers in zip(masks, voxels):
    mask[list(numbers)] = 1
  return masks.reshape(-1, *shape)


class BinariseTest(tf.test.TestCase):
  def test_half_is_background(self):
    mask = lesions.binarise(tf.constant([0.0, 0.5, 0.500001, 1.0]))
    self.assertEqual(mask.dtype, tf.uint8)
    self.assertAllEqual(mask, [0, 0, 1, 1])


class InjectionTest(tf.test.TestCase):
  labels = np.array([0, 1, 2, 3, 4, 2], np.uint8).reshape(6, 1, 1)
  lesion = np.array([1, 1, 1, 1, 0, 0], np.uint8).reshape(6, 1, 1)

  def test_only_parenchyma_within_the_lesion_changes(self):
    injected = lesions.inject(
      tf.constant(self.labels), lesions.restrict(self.lesion, self.labels, (2, 3)), 28
    )
    self.assertEqual(injected.dtype, tf.uint8)
    self.assertAllEqual(tf.reshape(injected, [-1]), [0, 1, 28, 28, 4, 2])

  def test_restriction(self):
    inside = lesions.restrict(self.lesion, self.labels, (2, 3))
    self.assertEqual(inside.dtype, tf.uint8)
    self.assertAllEqual(tf.reshape(inside, [-1]), [0, 0, 1, 1, 0, 0])

  def test_batches_and_pipelines_give_the_same(self):
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 28, (3, 4, 5, 6), np.uint8)
    lesion = rng.integers(0, 2, (3, 4, 5, 6), np.uint8)
    expected = np.where((lesion == 1) & np.isin(labels, (1, 5, 27)), 28, labels)
    put_in = lambda a, b: lesions.inject(
      tf.convert_to_tensor(a), lesions.restrict(b, a, (1, 5, 27)), 28
    )
    self.assertAllEqual(put_in(labels, lesion), expected)
    singly = tf.data.Dataset.from_tensor_slices((labels, lesion)).map(put_in)
    self.assertAllEqual(np.stack(list(singly.as_numpy_iterator())), expected)


class BalanceSizesTest(tf.test.TestCase):
  def test_by_hand(self):
    masks = tf.constant(_masks(range(44), range(5)), tf.float32)
    balanced = lesions.balance_sizes(masks, exponent=0.5, typical_voxels=80)
    self.assertAllClose(balanced[0], masks[0] * (64 / 100) ** -0.5)
    self.assertAllClose(balanced[1], masks[1] * 2.0)
    self.assertAllClose(lesions.balance_sizes(masks, exponent=0.0), masks)

  def test_half_makes_large_masks_equally_long(self):
    masks = tf.constant(_masks(range(2000), range(8000), shape=(20, 20, 20)), tf.float32)
    length = lambda x: np.sqrt(np.sum(np.square(x), axis=(1, 2, 3)))
    a, b = length(lesions.balance_sizes(masks, 0.5))
    self.assertAllClose(a, b, rtol=0.01)
    self.assertAllClose(length(masks)[1] / length(masks)[0], 2.0)


class StatisticsTest(tf.test.TestCase):
  def test_volume_and_pass_rate(self):
    masks = _masks(range(19), range(20), range(64), [])
    self.assertAllEqual(lesions.volume_voxels(masks), [19, 20, 64, 0])
    self.assertAllClose(lesions.pass_rate(masks), 0.5)
    self.assertAllClose(lesions.pass_rate(masks, min_voxels=19), 0.75)

  def test_pairwise_dice_by_hand(self):
    masks = _masks([0, 1], [1, 2], [5, 6, 7, 8])
    self.assertAllClose(lesions.pairwise_dice(masks), (0.5 + 0 + 0) / 3)

  def test_pairwise_dice_ends(self):
    self.assertAllClose(lesions.pairwise_dice(_masks([3, 4], [3, 4])), 1.0)
    self.assertAllClose(lesions.pairwise_dice(_masks([3, 4], [5])), 0.0)
    self.assertAllClose(lesions.pairwise_dice(_masks([], [])), 1.0)
    self.assertAllClose(lesions.pairwise_dice(_masks([], [5])), 0.0)


if __name__ == '__main__':
  tf.test.main()
