import numpy as np
import tensorflow as tf

from keras_itm.layers.minibatch_deviation import MinibatchDeviation


class MinibatchDeviationTest(tf.test.TestCase):
  def test_by_hand(self):
    """Pairs: values differ by 2 and 4, their deviations are 1 and 2; the other pair by 6: 3 and 0."""
    x = np.zeros([4, 1, 1, 2], np.float32)
    x[:, 0, 0] = [[0, 0], [2, 4], [1, 5], [7, 5]]
    y = MinibatchDeviation(2)(x)
    self.assertAllClose(y[:, 0, 0, 2], [1.5, 1.5, 1.5, 1.5], atol=1e-4)
    x[3, 0, 0] = [1, 5]
    self.assertAllClose(MinibatchDeviation(2)(x)[:, 0, 0, 2], [1.5, 1.5, 0, 0], atol=1e-3)
    self.assertAllEqual(y[:, :, :, :2], MinibatchDeviation(2)(y[..., :2])[..., :2])

  def test_largest_group_that_divides_the_batch(self):
    layer = MinibatchDeviation(4)
    self.assertEqual(
      [int(layer._group_of(tf.constant(n))) for n in (1, 2, 3, 4, 6, 7, 8)], [1, 2, 3, 4, 3, 1, 4]
    )
    self.assertAllClose(layer(tf.random.normal([1, 2, 2, 1]))[..., 1], np.zeros([1, 2, 2]), atol=1e-3)

  def test_refused(self):
    with self.assertRaisesRegex(ValueError, 'group is 0'):
      MinibatchDeviation(0)


if __name__ == '__main__':
  tf.test.main()
