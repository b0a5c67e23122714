"""Patch size, scales and parameter counts of the discriminator."""

import re
from unittest import mock

import numpy as np
import tensorflow as tf

from keras_itm.networks import patch_gan as module
from keras_itm.networks.patch_gan import patch_gan


def _receptive_field(size=96, **arguments):
  """Extent of the pixels that one logit in the middle depends on.

  Without normalisation, whose statistics see the whole image.
  """
  still = lambda: tf.keras.layers.Activation('linear')
  with mock.patch.object(module, 'InstanceNormalization', still):
    network = patch_gan(2, 1, **arguments)
  image = tf.random.stateless_normal([1, size, size, 1], seed=[0, 0])
  with tf.GradientTape() as tape:
    tape.watch(image)
    logits = network([tf.zeros([1, size, size, 2]), image])
    middle = logits[0, logits.shape[1] // 2, logits.shape[2] // 2, 0]
  seen = tape.gradient(middle, image).numpy()[0, ..., 0] != 0
  return tuple(int(np.ptp(np.nonzero(seen)[axis])) + 1 for axis in range(2))


def _count(n_channels, filters):
  """Weights of 4x4 convolutions with bias and of the norms' scale and offset, by hand."""
  total = 0
  for n_filters in filters:
    total += 16 * n_channels * n_filters + n_filters + 2 * n_filters
    n_channels = n_filters
  return total + 16 * n_channels + 1


class PatchGanTest(tf.test.TestCase):
  def test_receptive_field(self):
    self.assertEqual(_receptive_field(filters=(2, 2, 2)), (34, 34))
    self.assertEqual(_receptive_field(filters=(2, 2, 2, 2), strides=(2, 2, 2, 1)), (70, 70))

  def test_parameters(self):
    self.assertEqual(patch_gan().count_params(), _count(30, (32, 64, 128)))
    two_scales = patch_gan(filters=(32, 64, 128, 128), strides=(2, 2, 2, 1), n_scales=2)
    self.assertEqual(two_scales.count_params(), 888_898)
    self.assertEqual(_count(30, (32, 64, 128, 128)), 444_449)

  def test_maps(self):
    labels, image = tf.zeros([3, 32, 16, 4]), tf.zeros([3, 32, 16, 2])
    single = patch_gan(4, 2, (2, 2), (2, 1))([labels, image])
    self.assertAllEqual(tf.nest.flatten(single)[0].shape, [3, 16, 8, 1])
    scales = patch_gan(4, 2, (2, 2), (2, 1), n_scales=3)([labels, image])
    self.assertEqual([s.shape.as_list() for s in scales], [[3, 16, 8, 1], [3, 8, 4, 1], [3, 4, 2, 1]])

  def test_later_scales_see_the_pair_at_half_the_resolution(self):
    """A scale is the single one on the averaged input; no weights are shared."""
    network = patch_gan(2, 1, (3,), (2,), n_scales=2)
    labels = tf.random.stateless_uniform([2, 16, 8, 2], seed=[0, 0])
    image = tf.random.stateless_normal([2, 16, 8, 1], seed=[0, 1])
    first, second = network([labels, image])
    single = patch_gan(2, 1, (3,), (2,))
    per_scale = len(single.weights)
    halved = [tf.nn.avg_pool2d(x, 3, 2, 'SAME') for x in (labels, image)]
    self.assertLen(network.weights, 2 * per_scale)
    for logits, inputs, first_one in ((first, (labels, image), True), (second, halved, False)):
      single.set_weights(_weights_of_scale(network, first_one))
      self.assertAllClose(single(list(inputs)), logits, atol=1e-5)

  def test_kernels_of_a_shape_start_differently(self):
    network = patch_gan(3, 1, (4, 4), (2, 2), n_scales=2)
    kernels = [w.numpy() for w in network.weights if w.shape == (4, 4, 4, 4)]
    self.assertLen(kernels, 4)
    self.assertLen({kernel.tobytes() for kernel in kernels}, 4)
    self.assertNear(np.std(kernels), 0.02, 2e-3)

  def test_both_inputs_count(self):
    network = patch_gan(2, 1, (3,), (2,))
    labels, image = tf.ones([1, 8, 8, 2]), tf.random.stateless_normal([1, 8, 8, 1], seed=[0, 0])
    other = tf.concat([labels[:, :4], 0 * labels[:, 4:]], 1)
    self.assertNotAllClose(network([labels, image]), network([labels, -image]))
    self.assertNotAllClose(network([labels, image]), network([other, image]))

  def test_logits_are_float32_under_a_mixed_policy(self):
    tf.keras.mixed_precision.set_global_policy('mixed_bfloat16')
    try:
      logits = patch_gan(2, 1, (3,), (2,))([tf.zeros([1, 8, 8, 2]), tf.zeros([1, 8, 8, 1])])
    finally:
      tf.keras.mixed_precision.set_global_policy('float32')
    self.assertEqual(logits.dtype, tf.float32)

  def test_refuses_contradictions(self):
    with self.assertRaisesRegex(ValueError, r'filters \(2, 3\) and strides \(2,\)'):
      patch_gan(filters=(2, 3), strides=(2,))
    with self.assertRaisesRegex(ValueError, 'n_scales is 0'):
      patch_gan(n_scales=0)


def _weights_of_scale(network, first):
  """Keras numbers layers as they are made, so that the first half of a kind is the first scale."""

  def half(kind):
    layers = [layer for layer in network.layers if isinstance(layer, kind)]
    layers.sort(key=lambda layer: [int(n) for n in re.findall(r'_(\d+)$', layer.name)])
    return layers[: len(layers) // 2] if first else layers[len(layers) // 2 :]

  convolutions, norms = half(tf.keras.layers.Conv2D), half(module.InstanceNormalization)
  ordered = [x for pair in zip(convolutions, norms) for x in pair] + convolutions[len(norms) :]
  return [weights for layer in ordered for weights in layer.get_weights()]


if __name__ == '__main__':
  tf.test.main()
