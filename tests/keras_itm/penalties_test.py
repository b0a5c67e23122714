"""The gradient penalty against critics whose slope is known."""

import numpy as np
import tensorflow as tf

from keras_itm.penalties import gradient_penalty


def _examples(shape, seed=0):
  rng = np.random.default_rng(seed)
  return [rng.uniform(size=shape).astype(np.float32) for _ in range(2)] + [
    rng.uniform(size=shape[0]).astype(np.float32)
  ]


def _half_square(x):
  """Its slope at x is x itself."""
  return tf.reduce_sum(tf.square(x), axis=list(range(1, x.shape.rank))) / 2


class GradientPenaltyTest(tf.test.TestCase):
  def test_by_hand(self):
    real, fake = tf.constant([[0.0, 0.0], [3.0, 0.0]]), tf.constant([[6.0, 8.0], [3.0, 8.0]])
    penalty, norm = gradient_penalty(_half_square, real, fake, tf.constant([0.5, 0.5]))
    self.assertAllClose(norm, [5.0, 5.0])  # Half way: (3, 4), and (3, 4) again.
    self.assertAllClose(penalty, [16.0, 16.0])

  def test_any_rank_against_numpy(self):
    for shape in ((3, 5), (3, 4, 5), (2, 3, 4, 5), (2, 3, 4, 5, 2)):
      real, fake, alpha = _examples(shape)
      weight = alpha.reshape([-1] + [1] * (len(shape) - 1))
      expected = np.linalg.norm((real * (1 - weight) + fake * weight).reshape(shape[0], -1), axis=1)
      penalty, norm = gradient_penalty(_half_square, real, fake, alpha)
      self.assertAllClose(norm, expected, rtol=1e-5)
      self.assertAllClose(penalty, (expected - 1) ** 2, rtol=1e-4)

  def test_alpha_goes_from_real_to_fake(self):
    real, fake = tf.ones([2, 4]), 2 * tf.ones([2, 4])
    _, norm = gradient_penalty(_half_square, real, fake, tf.constant([0.0, 1.0]))
    self.assertAllClose(norm, [2.0, 4.0])

  def test_critic_learns_from_it(self):
    weights = tf.Variable([3.0, 4.0])
    real, fake = tf.zeros([1, 2]), tf.ones([1, 2])
    with tf.GradientTape() as tape:
      penalty, _ = gradient_penalty(
        lambda x: tf.linalg.matvec(x, weights), real, fake, tf.constant([0.3])
      )
    # (|w| - 1)^2 has the slope 2 (|w| - 1) w / |w|.
    self.assertAllClose(tape.gradient(penalty, weights), [2 * 4 * 0.6, 2 * 4 * 0.8])

  def test_flat_critic_has_finite_slopes(self):
    weights = tf.Variable([0.0, 0.0])
    with tf.GradientTape() as tape:
      penalty, _ = gradient_penalty(
        lambda x: tf.linalg.matvec(x, weights), tf.zeros([1, 2]), tf.ones([1, 2]), tf.constant([0.3])
      )
    self.assertAllClose(penalty, [1.0], atol=1e-5)
    self.assertAllClose(tape.gradient(penalty, weights), [0.0, 0.0])

  def test_float32_norm_of_half_precision(self):
    real, fake = tf.zeros([1, 1000], tf.float16), 400 * tf.ones([1, 1000], tf.float16)
    slope = lambda x: tf.reduce_sum(300 * x, axis=1)  # The squares of 300 overflow float16.
    _, norm = gradient_penalty(slope, real, fake, tf.constant([0.5]))
    self.assertEqual(norm.dtype, tf.float32)
    self.assertAllClose(norm, [300 * np.sqrt(1000)], rtol=1e-3)

  def test_in_data_pipeline(self):
    real, fake, alpha = _examples((4, 3, 3))
    run = lambda r, f, a: gradient_penalty(_half_square, r, f, a)
    piped = next(iter(tf.data.Dataset.from_tensors((real, fake, alpha)).map(run)))
    self.assertAllClose(piped, run(real, fake, alpha))


if __name__ == '__main__':
  tf.test.main()
