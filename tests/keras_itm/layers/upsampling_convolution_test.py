"""The fused layers against the two Keras layers that each stands for."""

import tensorflow as tf

from keras_itm.layers.upsampling_convolution import UpsamplingConvolution2D, UpsamplingConvolution3D


class UpsamplingConvolutionTest(tf.test.TestCase):
  def test_equals_upsampling_and_convolution(self):
    x = tf.random.stateless_normal([2, 3, 4, 2, 5], seed=[0, 0])
    for filters in (2, 6):  # Few and many take different ways.
      fused = UpsamplingConvolution3D(filters)
      plain = tf.keras.layers.Conv3D(filters, 3, padding='same')
      doubled = tf.keras.layers.UpSampling3D(2)(x)
      self.assertAllEqual(plain(doubled).shape, fused(x).shape)
      kernel = tf.random.stateless_normal([3, 3, 3, 5, filters], seed=[0, 1])
      bias = tf.range(float(filters))
      fused.set_weights([kernel, bias])
      plain.set_weights([kernel, bias])
      self.assertAllClose(fused(x), plain(doubled), atol=1e-4)

  def test_gradients_equal_too(self):
    x = tf.random.stateless_normal([1, 2, 2, 2, 3], seed=[0, 0])
    for filters in (2, 6):
      fused = UpsamplingConvolution3D(filters, use_bias=False)
      plain = tf.keras.layers.Conv3D(filters, 3, padding='same', use_bias=False)
      fused(x), plain(x)
      plain.set_weights(fused.get_weights())
      with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        a = tf.reduce_sum(tf.sin(fused(x)))
        b = tf.reduce_sum(tf.sin(plain(tf.keras.layers.UpSampling3D(2)(x))))
      self.assertAllClose(tape.gradient(a, fused.kernel), tape.gradient(b, plain.kernel), atol=1e-4)
      self.assertAllClose(tape.gradient(a, x), tape.gradient(b, x), atol=1e-4)


class UpsamplingConvolution2DTest(tf.test.TestCase):
  def test_equals_upsampling_and_convolution(self):
    for size in ((3, 4), (5, 7), (32, 34)):  # Each size takes its own way.
      x = tf.random.stateless_normal([2, *size, 5], seed=[0, 0])
      fused = UpsamplingConvolution2D(6)
      plain = tf.keras.layers.Conv2D(6, 4, padding='same')
      doubled = tf.keras.layers.UpSampling2D()(x)
      self.assertAllEqual(fused(x).shape, plain(doubled).shape)
      self.assertEqual(fused.compute_output_shape(x.shape), plain(doubled).shape)
      weights = [tf.random.stateless_normal([4, 4, 5, 6], seed=[0, 1]), tf.range(6.0)]
      fused.set_weights(weights)
      plain.set_weights(weights)
      with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        a, b = fused(x), plain(tf.keras.layers.UpSampling2D()(x))
        sums = tf.reduce_sum(tf.sin(a)), tf.reduce_sum(tf.sin(b))
      self.assertAllClose(a, b, atol=1e-4)
      self.assertAllClose(tape.gradient(sums[0], x), tape.gradient(sums[1], x), atol=1e-3)
      slopes = tape.gradient(sums[0], fused.kernel), tape.gradient(sums[1], plain.kernel)
      self.assertAllClose(*slopes, atol=1e-3)


if __name__ == '__main__':
  tf.test.main()
