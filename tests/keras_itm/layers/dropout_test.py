"""How much is dropped, and that a checkpoint holds what comes next."""

import numpy as np
import tensorflow as tf

from keras_itm.layers.dropout import Dropout


class DropoutTest(tf.test.TestCase):
  def test_share_and_scale(self):
    y = Dropout(0.2, seed=0)(tf.ones([100, 200]), training=True).numpy()
    self.assertAllClose(np.unique(y), [0.0, 1.25], rtol=2e-5)
    # Five standard deviations of a share of 20,000 draws.
    self.assertNear((y == 0).mean(), 0.2, 5 * np.sqrt(0.2 * 0.8 / y.size))

  def test_neighbours_are_independent(self):
    # Four of them come from one word of random bits.
    dropped = Dropout(0.5, seed=0)(tf.ones([20_001]), training=True).numpy() == 0
    for lag in (1, 2, 3, 4):
      together = np.mean(dropped[lag:] == dropped[:-lag])
      self.assertNear(together, 0.5, 5 * 0.5 / np.sqrt(dropped.size))

  def test_gradient_is_that_of_what_is_kept(self):
    x, layer = tf.Variable(tf.ones([1000])), Dropout(0.3, seed=0)
    with tf.GradientTape() as tape:
      y = layer(x, training=True)
      total = tf.reduce_sum(y)
    self.assertAllClose(tape.gradient(total, x), y)

  def test_compiled_by_xla(self):
    layer = Dropout(0.3, seed=0)
    draw = tf.function(lambda x: layer(x, training=True), jit_compile=True)
    self.assertNear((draw(tf.ones([3, 5, 701])).numpy() == 0).mean(), 0.3, 0.03)

  def test_small_rate_in_short_floats(self):
    for dtype in ('bfloat16', 'float16'):
      y = Dropout(0.02, seed=0, dtype=dtype)(tf.ones([100, 2000], dtype), training=True)
      self.assertEqual(y.dtype.name, dtype)
      self.assertNear((tf.cast(y, tf.float32).numpy() == 0).mean(), 0.02, 0.002)

  def test_does_nothing_at_inference_or_rate_0(self):
    x = tf.random.stateless_normal([5, 6], seed=[0, 0])
    self.assertAllEqual(Dropout(0.5)(x), x)
    self.assertAllEqual(Dropout(0.5)(x, training=False), x)
    self.assertAllEqual(Dropout(0.0)(x, training=True), x)

  def test_each_call_draws_anew_and_the_seed_repeats_them(self):
    x = tf.ones([50])
    first, second = Dropout(0.5, seed=1), Dropout(0.5, seed=1)
    a, b = first(x, training=True), first(x, training=True)
    self.assertNotAllEqual(a, b)
    self.assertAllEqual(second(x, training=True), a)
    self.assertAllEqual(second(x, training=True), b)
    self.assertNotAllEqual(Dropout(0.5, seed=2)(x, training=True), a)

  def test_without_a_seed_the_global_one_rules(self):
    draws = []
    for seed in (3, 3, 4):
      tf.keras.utils.set_random_seed(seed)
      draws.append([Dropout(0.5)(tf.ones([50]), training=True).numpy() for _ in range(2)])
    self.assertAllEqual(draws[0], draws[1])
    self.assertNotAllEqual(draws[0], draws[2])
    self.assertNotAllEqual(draws[0][0], draws[0][1])

  def test_replicas_draw_differently(self):
    strategy = tf.distribute.MirroredStrategy(
      [device.name for device in tf.config.list_logical_devices('CPU')[:2]],
      tf.distribute.ReductionToOneDevice(),
    )
    with strategy.scope():
      layer = Dropout(0.5, seed=1)
    draw = tf.function(lambda: strategy.run(lambda: layer(tf.ones([50]), training=True)))
    a, b = strategy.experimental_local_results(draw())
    self.assertNotAllEqual(a, b)
    self.assertNotAllEqual(a, strategy.experimental_local_results(draw())[0])

  def test_refuses_rates(self):
    for rate in (-0.1, 1.0):
      with self.assertRaisesRegex(ValueError, f'rate is {rate}'):
        Dropout(rate)


if __name__ == '__main__':
  cpu = tf.config.list_physical_devices('CPU')[0]
  tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
  tf.test.main()
