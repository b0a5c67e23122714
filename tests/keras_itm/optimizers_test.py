"""The same numbers as Keras' Adam."""

import numpy as np
import tensorflow as tf

from keras_itm.optimizers import Adam
from keras_itm.schedules import ConstantThenLinear


class AdamTest(tf.test.TestCase):
  def run_steps(self, optimizer, n=5):
    variables = [tf.Variable(tf.ones([3, 4])), tf.Variable(2 * tf.ones([5]))]
    optimizer.build(variables)
    rng = np.random.default_rng(0)
    for _ in range(n):
      gradients = [tf.constant(rng.normal(size=v.shape), tf.float32) for v in variables]
      optimizer.apply_gradients(zip(gradients, variables))
    return [np.asarray(v, np.float64) for v in (*variables, *optimizer.variables)]

  def test_against_keras(self):
    rate = lambda: ConstantThenLinear(0.1, decay_start=2, decay_steps=4)
    for options in (
      {'beta_1': 0.0, 'beta_2': 0.9},
      {'beta_1': 0.5, 'epsilon': 1e-3},
      {'global_clipnorm': 0.5, 'epsilon': 1e-1},
      {},
    ):
      one = self.run_steps(Adam(rate(), **options))
      other = self.run_steps(tf.keras.optimizers.Adam(rate(), **options))
      self.assertLen(other, len(one))
      for a, b in zip(one, other):
        self.assertAllClose(a, b, rtol=1e-5, atol=1e-6)

  def test_by_hand(self):
    """One step of a single number: the first goes by the rate, whatever the gradient."""
    variable, optimizer = tf.Variable([1.0]), Adam(0.1)
    optimizer.build([variable])
    optimizer.apply_gradients([(tf.constant([-7.0]), variable)])
    self.assertAllClose(variable, [1.1], atol=1e-6)

  def test_refuses_amsgrad(self):
    with self.assertRaisesRegex(ValueError, 'amsgrad is True'):
      Adam(amsgrad=True)


if __name__ == '__main__':
  tf.test.main()
