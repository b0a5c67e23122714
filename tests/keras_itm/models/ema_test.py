"""The averaged network against averages worked out in NumPy."""

import numpy as np
import tensorflow as tf

from keras_itm.models.ema import AveragedNetwork


def _network():
  inputs = tf.keras.Input((3,))
  return tf.keras.Model(inputs, tf.keras.layers.Dense(2)(inputs))


class AveragedNetworkTest(tf.test.TestCase):
  def test_average_by_numpy(self):
    source = _network()
    average = AveragedNetwork(source, decay=0.3)
    expected = source.get_weights()[0]
    rng = np.random.default_rng(0)
    for t in range(5):
      kernel = rng.normal(size=(3, 2)).astype(np.float32)
      source.set_weights([kernel, np.zeros(2)])
      average.update(source)
      keep = min(0.3, (1 + t) / (10 + t))
      expected = keep * expected + (1 - keep) * kernel
    self.assertAllClose(average.network.get_weights()[0], expected)
    self.assertAllClose(source.get_weights()[0], kernel)
    self.assertEqual(average.n_updates.numpy(), 5)

  def test_starts_as_a_copy_that_nothing_trains(self):
    source = _network()
    average = AveragedNetwork(source, decay=0.9)
    x = tf.random.stateless_normal([4, 3], seed=[0, 0])
    self.assertAllClose(average(x), source(x))
    before = average(x)
    source.set_weights([w + 1 for w in source.get_weights()])
    self.assertAllClose(average(x), before)
    self.assertEmpty(average.trainable_variables)
    self.assertLen(source.trainable_variables, 2)

  def test_refuses_decay(self):
    for decay in (-0.1, 1.0):
      with self.assertRaisesRegex(ValueError, str(decay)):
        AveragedNetwork(_network(), decay)


if __name__ == '__main__':
  tf.test.main()
