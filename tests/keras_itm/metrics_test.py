"""Dice coefficients by hand, and what they are where a mask is empty."""

import numpy as np
import tensorflow as tf

from keras_itm import metrics


class DiceTest(tf.test.TestCase):
  def test_by_hand(self):
    truth = [[1, 1, 1, 0], [1, 0, 0, 0], [1, 1, 0, 0], [0, 1, 1, 1]]
    prediction = [[1, 1, 0, 1], [0, 1, 1, 1], [1, 1, 0, 0], [0, 0, 0, 1]]
    expected = [2 * 2 / 6, 0, 1, 2 * 1 / 4]
    self.assertAllClose(metrics.dice(tf.constant(truth), tf.constant(prediction)), expected)

  def test_empty_masks(self):
    """Both empty is right, one empty is wrong."""
    truth, prediction = [[0, 0], [0, 0], [0, 1]], [[0, 0], [0, 1], [0, 0]]
    self.assertAllEqual(metrics.dice(tf.constant(truth), tf.constant(prediction)), [1, 0, 0])

  def test_volumes_of_any_type_by_numpy(self):
    rng = np.random.default_rng(0)
    truth, prediction = rng.integers(0, 2, (2, 3, 4, 5, 2))
    overlap = (truth & prediction).sum((1, 2, 3))
    expected = 2 * overlap / (truth.sum((1, 2, 3)) + prediction.sum((1, 2, 3)))
    for dtype in (np.uint8, np.bool_, np.float32):
      dice = metrics.dice(truth.astype(dtype), tf.constant(prediction.astype(dtype)))
      self.assertAllClose(dice, expected)


class SoftDiceTest(tf.test.TestCase):
  def test_by_hand(self):
    truth = tf.constant([[1, 0, 0], [1, 1, 0]])
    probability = tf.constant([[0.5, 0.25, 0.0], [1.0, 0.5, 0.5]])
    expected = [(2 * 0.5 + 1) / (1.75 + 1), (2 * 1.5 + 1) / (4 + 1)]
    self.assertAllClose(metrics.soft_dice(truth, probability), expected)

  def test_empty_masks(self):
    truth, probability = tf.zeros([2, 4]), tf.constant([[0.0] * 4, [0.5, 0.5, 0.5, 0.5]])
    self.assertAllClose(metrics.soft_dice(truth, probability), [1.0, 1 / 3])

  def test_nears_dice_of_large_masks(self):
    truth, prediction = np.random.default_rng(0).integers(0, 2, (2, 1, 100_000))
    soft, hard = metrics.soft_dice(truth, prediction), metrics.dice(truth, prediction)
    self.assertAllClose(soft, hard, atol=1e-5)

  def test_gradient(self):
    """Of (2 o + 1) / (t + 1): 2 y / (t + 1) - (2 o + 1) / (t + 1)^2, without a lesion too."""
    probability = tf.constant([[0.5, 0.25], [0.5, 0.5]])
    truth = tf.constant([[1.0, 0.0], [0.0, 0.0]])
    with tf.GradientTape() as tape:
      tape.watch(probability)
      dice = metrics.soft_dice(truth, probability)
    expected = [[2 / 2.75 - 2 / 2.75**2, -2 / 2.75**2], [-1 / 4, -1 / 4]]
    self.assertAllClose(tape.gradient(dice, probability), expected)


if __name__ == '__main__':
  tf.test.main()
