import tensorflow as tf

from keras_itm.layers.moving_mean import MovingMean
from tests.keras_itm.models.model_testing import split_cpu, two_replicas


class MovingMeanTest(tf.test.TestCase):
  def test_by_hand(self):
    layer = MovingMean((2,), decay=0.75)
    layer.update(tf.constant([[2.0, 8.0], [6.0, 0.0]]))  # A quarter of the way to (4, 4).
    self.assertAllClose(layer.mean, [1.0, 1.0])
    layer.update(tf.constant([[5.0, 1.0]]), weight=0.0)
    self.assertAllClose(layer.mean, [1.0, 1.0])
    layer.update(tf.constant([[5.0, 1.0]]))
    self.assertAllClose(layer.mean, [2.0, 1.0])
    self.assertAllClose(layer(tf.constant([[2.0, 0.0]])), [[0.0, -1.0]])

  def test_replicas_move_it_together(self):
    strategy = two_replicas()
    with strategy.scope():
      layer = MovingMean((), decay=0.5)
    values = strategy.experimental_distribute_values_from_function(
      lambda context: tf.constant([1.0, 3.0]) + 4 * context.replica_id_in_sync_group
    )
    strategy.run(tf.function(layer.update), args=(values,))
    self.assertAllClose(layer.mean, 2.0)  # Half of the mean of 1, 3, 5 and 7.

  def test_refused(self):
    with self.assertRaisesRegex(ValueError, 'decay is 1'):
      MovingMean((), 1.0)


if __name__ == '__main__':
  split_cpu()
  tf.test.main()
