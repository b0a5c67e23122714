"""Shapes, parameter counts and building blocks of the segmenter of slices."""

import numpy as np
import tensorflow as tf

from keras_itm.networks.unet_2d import unet_2d


def _size(variables):
  return sum(int(np.prod(v.shape)) for v in variables)


def _count(n_contrasts, filters, bottleneck, n_classes):
  """Weights by hand: 3x3 convolutions, 2x2 transposed ones, a 1x1 one; all with a bias."""
  convolution = lambda n_in, n_out, area=9: area * n_in * n_out + n_out
  total, n_in = 0, n_contrasts
  for n in (*filters, bottleneck):
    total += convolution(n_in, n) + convolution(n, n)
    n_in = n
  for n in reversed(filters):
    total += convolution(n_in, n, 4) + convolution(2 * n, n) + convolution(n, n)
    n_in = n
  return total + convolution(n_in, n_classes, 1)


class Unet2dTest(tf.test.TestCase):
  def test_paper_size(self):
    network = unet_2d()
    self.assertEqual(_count(1, (64, 128, 256, 512), 1024, 2), 31_030_658)
    self.assertEqual(network.count_params(), 31_030_658)
    kinds = [type(layer).__name__ for layer in network.layers]
    # "In total the network has 23 convolutional layers", four of them up-convolutions.
    self.assertEqual((kinds.count('Conv2D'), kinds.count('Conv2DTranspose')), (19, 4))
    self.assertEqual(network.output_shape, (None, 256, 256, 2))

  def test_probabilities(self):
    image = tf.random.stateless_uniform([3, 8, 4, 2], seed=[0, 0])
    network = unet_2d((8, 4), 2, 4, (2, 3), 4)
    self.assertEqual(_size(network.trainable_variables), _count(2, (2, 3), 4, 4))
    p = network(image).numpy()
    self.assertEqual(p.shape, (3, 8, 4, 4))
    self.assertAllClose(p.sum(-1), np.ones((3, 8, 4)))
    self.assertGreater(p.std(), 0)
    logit = unet_2d((8, 4), 2, 1, (2, 3), 4)
    before = tf.keras.Model(logit.input, logit.layers[-2].output)
    self.assertAllClose(logit(image), 1 / (1 + np.exp(-before(image))), atol=1e-6)

  def test_instance_normalization_in_place_of_the_biases_of_3x3_convolutions(self):
    network = unet_2d((8, 8), 1, 2, (2, 3), 4, normalization='instance')
    # Two weights for each of their maps instead of one.
    self.assertEqual(network.count_params(), _count(1, (2, 3), 4, 2) + 2 * (2 + 3 + 4 + 3 + 2))

  def test_every_weight_is_used(self):
    for normalization in ('none', 'instance'):
      network = unet_2d((8, 8), 1, 3, (2, 3), 4, 0.0, normalization)
      image = tf.random.stateless_uniform([2, 8, 8, 1], seed=[0, 0])
      for layer in network.layers:
        if isinstance(layer, tf.keras.layers.Conv2D) and layer.use_bias:
          layer.bias.assign(tf.fill(layer.bias.shape, 0.1))  # No unit is dead.
      with tf.GradientTape() as tape:
        loss = tf.reduce_sum(network(image, training=True)[..., 1] ** 2)
      slopes = tape.gradient(loss, network.trainable_variables)
      kernels = [s for s, v in zip(slopes, network.trainable_variables) if 'kernel' in v.name]
      self.assertLen(kernels, 2 * 3 + 3 * 2 + 1)
      self.assertTrue(all(float(tf.reduce_max(tf.abs(slope))) > 0 for slope in kernels))

  def test_skips_pass_the_bottleneck(self):
    network = unet_2d((8, 8), filters=(2, 3), bottleneck_filters=4)
    first, second = tf.random.stateless_uniform([2, 1, 8, 8, 1], seed=[0, 0])
    convolutions = [x for x in network.layers if type(x) is tf.keras.layers.Conv2D]
    self.assertEqual(convolutions[5].filters, 4)
    convolutions[5].kernel.assign(tf.zeros_like(convolutions[5].kernel))
    self.assertNotAllClose(network(first), network(second), atol=1e-5)

  def test_dropout_at_the_end_of_the_downsampling_branch(self):
    network = unet_2d((8, 8), filters=(2, 3), bottleneck_filters=4)
    names = [type(layer).__name__ for layer in network.layers]
    # After the two convolutions of the second of two blocks, before its pooling, and at the bottom.
    self.assertEqual(names.count('Dropout'), 2)
    self.assertEqual(names[names.index('Dropout') + 1], 'MaxPooling2D')
    image = tf.random.stateless_uniform([2, 8, 8, 1], seed=[0, 0])
    self.assertAllEqual(network(image), network(image))
    self.assertNotAllClose(network(image, training=True), network(image, training=True))

  def test_refuses_contradictions(self):
    with self.assertRaisesRegex(ValueError, r'\(8, 6\) with 2 filters \(2, 3\).*divisible by 4'):
      unet_2d((8, 6), filters=(2, 3))
    with self.assertRaisesRegex(ValueError, 'n_classes is 0'):
      unet_2d((8, 8), n_classes=0, filters=(2,))
    with self.assertRaisesRegex(ValueError, "normalization is 'batch', expected none or instance"):
      unet_2d((8, 8), filters=(2,), normalization='batch')


if __name__ == '__main__':
  tf.test.main()
