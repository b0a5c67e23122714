"""Losses against numbers worked out by hand."""

import tensorflow as tf

from keras_itm import losses


class WassersteinTest(tf.test.TestCase):
  def test_by_hand(self):
    real, fake = tf.constant([1.0, -2.0]), tf.constant([0.5, 3.0])
    self.assertAllClose(losses.wasserstein_critic_loss(real, fake), [-0.5, 5.0])
    self.assertAllClose(losses.wasserstein_generator_loss(fake), [-0.5, -3.0])

  def test_critic_and_generator_pull_the_fakes_apart(self):
    real, fake = tf.constant([1.0]), tf.constant([0.5])
    with tf.GradientTape(persistent=True) as tape:
      tape.watch(fake)
      critic = losses.wasserstein_critic_loss(real, fake)
      generator = losses.wasserstein_generator_loss(fake)
    self.assertAllClose(tape.gradient(critic, fake), [1.0])
    self.assertAllClose(tape.gradient(generator, fake), [-1.0])


if __name__ == '__main__':
  tf.test.main()
