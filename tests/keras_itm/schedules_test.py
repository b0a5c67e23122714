"""The learning rate at steps where it can be told by hand."""

import gin
import tensorflow as tf

from keras_itm.schedules import ConstantThenLinear


class ConstantThenLinearTest(tf.test.TestCase):
  def test_by_hand(self):
    schedule = ConstantThenLinear(0.2, decay_start=100, decay_steps=50)
    steps = [0, 99, 100, 110, 125, 149, 150, 10_000]
    expected = [0.2, 0.2, 0.2, 0.16, 0.1, 0.004, 0.0, 0.0]
    self.assertAllClose([schedule(step) for step in steps], expected, atol=1e-7)
    self.assertAllClose(schedule(tf.constant(125, tf.int64)), 0.1)

  def test_an_optimizer_follows_it(self):
    optimizer = tf.keras.optimizers.SGD(ConstantThenLinear(1.0, decay_start=2, decay_steps=4))
    weight, seen = tf.Variable(0.0), []
    for _ in range(7):
      before = float(weight)
      optimizer.apply_gradients([(tf.constant(1.0), weight)])
      seen.append(before - float(weight))
    self.assertAllClose(seen, [1, 1, 1, 0.75, 0.5, 0.25, 0], atol=1e-6)

  def test_config(self):
    schedule = ConstantThenLinear(0.2, 100, 50)
    again = ConstantThenLinear.from_config(schedule.get_config())
    self.assertAllClose(again(125), 0.1)

  def test_made_by_gin(self):
    with gin.unlock_config():
      gin.parse_config('ConstantThenLinear.decay_start = 10\nConstantThenLinear.decay_steps = 10')
    try:
      configured = gin.get_configurable(ConstantThenLinear)
      self.assertAllClose(configured(learning_rate=1.0)(15), 0.5)
    finally:
      gin.clear_config()

  def test_refuses_contradictions(self):
    with self.assertRaisesRegex(ValueError, 'decay_steps is 0'):
      ConstantThenLinear(0.2, 100, 0)


if __name__ == '__main__':
  tf.test.main()
