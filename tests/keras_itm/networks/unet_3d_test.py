"""Shapes, parameter counts and building blocks of the segmenter."""

import numpy as np
import tensorflow as tf

from keras_itm.networks.unet_3d import unet_3d


def _size(variables):
  return sum(int(np.prod(v.shape)) for v in variables)


def _count(n_contrasts, filters, bottleneck, n_classes):
  """Trainable weights by hand: 3x3x3 convolutions, 2x2x2 transposed ones, two of each batch norm."""
  convolution = lambda n_in, n_out, volume=27: volume * n_in * n_out + n_out
  total, n_in = 0, n_contrasts
  for n in (*filters, bottleneck):
    total += convolution(n_in, n) + convolution(n, n)
    n_in = n
  for n in reversed(filters):
    total += convolution(n_in, n, 8) + 2 * n + convolution(2 * n, n) + convolution(n, n)
    n_in = n
  return total + convolution(n_in, n_classes)


class Unet3dTest(tf.test.TestCase):
  def test_paper_size(self):
    network = unet_3d()
    self.assertEqual(_size(network.trainable_variables), 5_646_242)
    self.assertEqual(_count(1, (16, 32, 64, 128), 256, 2), 5_646_242)
    # Means and variances of the batch norms.
    self.assertEqual(network.count_params() - 5_646_242, 2 * (16 + 32 + 64 + 128))
    self.assertEqual(network.input_shape, (None, 128, 128, 32, 1))
    self.assertEqual(network.output_shape, (None, 128, 128, 32, 2))

  def test_instance_normalization_in_place_of_every_bias_but_the_last(self):
    options = {'filters': (2, 3), 'bottleneck_filters': 4, 'dropout': 0.0}
    network = unet_3d((8, 8, 4), normalization='instance', **options)
    # One weight more for each of the 2 + 3 maps of two convolutions down, 4 at the bottom, and up again
    # for each of the convolutions; a transposed one had its two normalising weights and loses its bias.
    expected = _count(1, (2, 3), 4, 2) + 2 * (2 + 3 + 4 + 3 + 2) - (3 + 2)
    self.assertEqual(_size(network.trainable_variables), expected)
    self.assertEqual(network.count_params(), expected)
    norms = [x for x in network.layers if type(x).__name__ == 'InstanceNormalization']
    self.assertEqual([x.gamma.shape[0] for x in norms], [2, 2, 3, 3, 4, 4, 3, 3, 3, 2, 2, 2])
    with self.assertRaisesRegex(ValueError, "normalization is 'group', expected batch or instance"):
      unet_3d((8, 8, 4), normalization='group', **options)

  def test_probabilities(self):
    network = unet_3d((8, 4, 4), 2, 3, (2, 3), 4)
    self.assertEqual(_size(network.trainable_variables), _count(2, (2, 3), 4, 3))
    p = network(tf.random.stateless_uniform([3, 8, 4, 4, 2], seed=[0, 0])).numpy()
    self.assertEqual(p.shape, (3, 8, 4, 4, 3))
    self.assertAllClose(p.sum(-1), np.ones((3, 8, 4, 4)))
    self.assertGreater(p.min(), 0)
    self.assertGreater(p.std(), 0)

  def test_every_weight_is_used(self):
    for normalization in ('batch', 'instance'):
      self.check_every_weight_is_used(normalization)

  def check_every_weight_is_used(self, normalization):
    options = {'filters': (2, 3), 'bottleneck_filters': 4, 'dropout': 0.0}
    network = unet_3d((8, 8, 4), normalization=normalization, **options)
    image = tf.random.stateless_uniform([2, 8, 8, 4, 1], seed=[0, 0])
    with tf.GradientTape() as tape:
      loss = tf.reduce_sum(network(image, training=True)[..., 1] ** 2)
    slopes = tape.gradient(loss, network.trainable_variables)
    self.assertNotIn(None, slopes)
    kernels = [s for s, v in zip(slopes, network.trainable_variables) if 'kernel' in v.name]
    self.assertLen(kernels, 2 * 3 + 3 * 2 + 1)
    self.assertTrue(all(float(tf.reduce_max(tf.abs(slope))) > 0 for slope in kernels))

  def test_skips_pass_the_bottleneck(self):
    network = unet_3d((8, 8, 4), filters=(2, 3), bottleneck_filters=4)
    first, second = tf.random.stateless_uniform([2, 1, 8, 8, 4, 1], seed=[0, 0])
    convolutions = [x for x in network.layers if type(x) is tf.keras.layers.Conv3D]
    convolutions[5].kernel.assign(tf.zeros_like(convolutions[5].kernel))
    self.assertEqual(convolutions[5].filters, 4)
    self.assertNotAllClose(network(first), network(second), atol=1e-5)

  def test_dropout_acts_in_training_only(self):
    network = unet_3d((4, 4, 4), filters=(4,), bottleneck_filters=4, dropout=0.3)
    image = tf.random.stateless_uniform([2, 4, 4, 4, 1], seed=[0, 0])
    self.assertAllEqual(network(image), network(image))
    self.assertNotAllClose(network(image, training=True), network(image, training=True))

  def test_refuses_contradictions(self):
    with self.assertRaisesRegex(ValueError, r'\(8, 8, 6\) with 2 filters \(2, 3\).*divisible by 4'):
      unet_3d((8, 8, 6), filters=(2, 3))
    with self.assertRaisesRegex(ValueError, 'n_classes is 1'):
      unet_3d((8, 8, 4), n_classes=1, filters=(2,))
    with self.assertRaisesRegex(ValueError, 'dropout rate is 1'):
      unet_3d((8, 8, 4), filters=(2,), dropout=1.0)


if __name__ == '__main__':
  tf.test.main()
