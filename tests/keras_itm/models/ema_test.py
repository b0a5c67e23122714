"""The averaged network against averages worked out in NumPy."""

import numpy as np
import tensorflow as tf

from keras_itm.layers.normalization import InstanceNormalization
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

  def test_custom_layers_are_copied(self):
    inputs = tf.keras.Input((4, 4, 3))
    source = tf.keras.Model(inputs, InstanceNormalization()(inputs))
    source.set_weights([np.array([1.0, 2.0, 3.0]), np.array([0.5, 0.0, -0.5])])
    x = tf.random.stateless_normal([2, 4, 4, 3], seed=[0, 0])
    self.assertAllClose(AveragedNetwork(source, 0.9)(x), source(x))

  def test_checkpoint_restores_weights_and_count(self):
    source = _network()
    average = AveragedNetwork(source, decay=0.9)
    source.set_weights([w + 1 for w in source.get_weights()])
    average.update(source)
    path = tf.train.Checkpoint(average=average).write(self.get_temp_dir() + '/average')
    other = AveragedNetwork(_network(), decay=0.9)
    tf.train.Checkpoint(average=other).read(path).assert_consumed()
    self.assertAllClose(other.network.get_weights(), average.network.get_weights())
    self.assertEqual(other.n_updates.numpy(), 1)

  def test_refuses_decay(self):
    for decay in (-0.1, 1.0):
      with self.assertRaisesRegex(ValueError, str(decay)):
        AveragedNetwork(_network(), decay)


if __name__ == '__main__':
  tf.test.main()
