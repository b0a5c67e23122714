"""Against Keras' own layer, values and slopes, and under XLA, which does not know that one."""

import numpy as np
import tensorflow as tf

from keras_itm.layers.nearest_upsampling import NearestUpsampling2D


class NearestUpsamplingTest(tf.test.TestCase):
  def test_by_hand(self):
    x = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], np.float32).reshape(1, 2, 3, 1)
    y = NearestUpsampling2D()(x)
    rows = [[1, 1, 2, 2, 3, 3], [1, 1, 2, 2, 3, 3], [4, 4, 5, 5, 6, 6], [4, 4, 5, 5, 6, 6]]
    self.assertAllEqual(y[0, ..., 0], rows)

  def test_against_keras(self):
    x = tf.random.stateless_normal([2, 3, 4, 5], [0, 0])
    weight = tf.random.stateless_normal([2, 6, 8, 5], [0, 1])
    slopes = []
    for layer in (NearestUpsampling2D(), tf.keras.layers.UpSampling2D()):
      with tf.GradientTape() as tape:
        tape.watch(x)
        y = layer(x)
      slopes.append((y, tape.gradient(y, x, output_gradients=weight)))
    self.assertAllClose(*slopes)

  def test_under_xla(self):
    x = tf.random.stateless_normal([2, 3, 4, 5], [0, 0])
    layer = NearestUpsampling2D()

    @tf.function(jit_compile=True)
    def slope(x):
      return tf.gradients(tf.reduce_sum(layer(x) ** 2), x)[0]

    self.assertAllClose(slope(x), 8 * x)


if __name__ == '__main__':
  tf.test.main()
