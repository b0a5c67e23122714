"""Shapes, parameter counts and building blocks of the Pix2Pix generator."""

import numpy as np
import tensorflow as tf

from keras_itm.layers.dropout import Dropout
from keras_itm.layers.normalization import InstanceNormalization
from keras_itm.networks.pix2pix_unet import pix2pix_unet


def _count(n_labels, n_contrasts, filters, n_norms_down):
  """Weights by hand: 4x4 convolutions with bias; two numbers a filter for each norm."""
  convolution = lambda n_in, n_out: 16 * n_in * n_out + n_out
  total, n_in = 0, n_labels
  for i, n in enumerate(filters):
    total += convolution(n_in, n) + (2 * n if i < n_norms_down else 0)
    n_in = n
  for n in filters[-2::-1]:
    total += convolution(n_in, n) + 2 * n
    n_in = 2 * n  # With the skip.
  return total + convolution(n_in, n_contrasts)


class Pix2PixUnetTest(tf.test.TestCase):
  def test_paper_size(self):
    network = pix2pix_unet()
    self.assertEqual(network.count_params(), 41_856_129)
    self.assertEqual(network.count_params(), _count(29, 1, (64, 128, 256, 512, 512, 512, 512), 6))
    self.assertEqual(network.input_shape, (None, 128, 128, 29))
    self.assertEqual(network.output_shape, (None, 128, 128, 1))
    self.assertLen([x for x in network.layers if isinstance(x, Dropout)], 3)

  def test_convolutions_at_full_resolution(self):
    """4x4 of the doubled map, then 3x3 with the 29 labels beside it, twice."""
    plain = pix2pix_unet((16, 16), 29, 1, (4, 8))
    network = pix2pix_unet((16, 16), 29, 1, (4, 8), full_resolution_filters=6)
    last, instead = 16 * 8 + 1, (16 * 8 * 6 + 6) + (9 * 35 * 6 + 6) + (9 * 35 + 1)
    self.assertEqual(network.count_params() - plain.count_params(), instead - last)
    self.assertEqual(network.output_shape, (None, 16, 16, 1))

  def test_images(self):
    network = pix2pix_unet((16, 8), 5, 2, (3, 4, 6))
    self.assertEqual(network.count_params(), _count(5, 2, (3, 4, 6), 3))
    labels = tf.one_hot(np.random.default_rng(0).integers(0, 5, (3, 16, 8)), 5)
    images = network(labels)
    self.assertAllEqual(images.shape, [3, 16, 8, 2])
    for weight in network.weights:
      weight.assign(weight * 100)
    self.assertBetween(np.abs(network(labels)).max(), 0.5, 1.0)

  def test_a_map_of_one_pixel_is_not_normalised(self):
    """Its mean is itself: all would become 0."""
    square, wide = pix2pix_unet((8, 8), 3, 1, (2, 2, 2)), pix2pix_unet((16, 8), 3, 1, (2, 2, 2))
    n_norms = lambda network: sum(isinstance(x, InstanceNormalization) for x in network.layers)
    self.assertEqual((n_norms(square), n_norms(wide)), (2 + 2, 3 + 2))

  def test_starts_narrow(self):
    """Kernels from N(0, 0.02), as in the references."""
    kernels = [
      w.numpy().ravel() for w in pix2pix_unet((8, 8), 29, 1, (64, 64)).weights if 'kernel' in w.name
    ]
    values = np.concatenate(kernels)
    self.assertNear(values.std(), 0.02, 5e-4)
    self.assertNear(values.mean(), 0.0, 5e-4)
    self.assertGreater(np.abs(values).max(), 0.06)

  def test_every_weight_is_used(self):
    """Also the skips: the loss has a slope by all weights but biases that a norm takes away."""
    network = pix2pix_unet((16, 16), 3, 1, (2, 3, 4), n_dropout_blocks=0)
    labels = tf.one_hot(np.random.default_rng(0).integers(0, 3, (2, 16, 16)), 3)
    with tf.GradientTape() as tape:
      loss = tf.reduce_sum(network(labels) ** 2)
    slopes = tape.gradient(loss, network.trainable_variables)
    self.assertNotIn(None, slopes)
    kernels = [s for s, v in zip(slopes, network.trainable_variables) if 'kernel' in v.name]
    self.assertLen(kernels, 6)
    self.assertTrue(all(float(tf.reduce_max(tf.abs(slope))) > 0 for slope in kernels))

  def test_skips_pass_the_innermost_map(self):
    network = pix2pix_unet((16, 16), 3, 1, (2, 3, 4), n_dropout_blocks=0)
    first, second = tf.one_hot(np.random.default_rng(0).integers(0, 3, (2, 1, 16, 16)), 3)
    convolutions = [x for x in network.layers if isinstance(x, tf.keras.layers.Conv2D)]
    convolutions[2].kernel.assign(tf.zeros_like(convolutions[2].kernel))
    self.assertNotAllClose(network(first), network(second), atol=1e-5)

  def test_dropout_acts_in_training_only(self):
    network = pix2pix_unet((16, 16), 3, 1, (2, 3, 4), n_dropout_blocks=1)
    labels = tf.one_hot(np.random.default_rng(0).integers(0, 3, (2, 16, 16)), 3)
    self.assertAllEqual(network(labels), network(labels))
    self.assertNotAllClose(
      network(labels, training=True), network(labels, training=True), atol=1e-7, rtol=1e-7
    )
    none = pix2pix_unet((16, 16), 3, 1, (2, 3, 4), n_dropout_blocks=0)
    self.assertAllClose(none(labels, training=True), none(labels), atol=1e-6)

  def test_refuses_contradictions(self):
    with self.assertRaisesRegex(ValueError, r'\(16, 12\) with 3 filters \(2, 2, 2\).*divisible by 8'):
      pix2pix_unet((16, 12), filters=(2, 2, 2))
    with self.assertRaisesRegex(ValueError, 'dropout rate is 1'):
      pix2pix_unet((8, 8), filters=(2, 2), dropout=1.0)
    with self.assertRaisesRegex(ValueError, r'filters \(\)'):
      pix2pix_unet((8, 8), filters=())


if __name__ == '__main__':
  tf.test.main()
