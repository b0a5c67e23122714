"""Patch size, scales and parameter counts of the discriminator."""

import re
from unittest import mock

import numpy as np
import tensorflow as tf

from keras_itm.layers.spectral_convolution import SpectralConv2D
from keras_itm.networks import patch_gan as module
from keras_itm.networks.patch_gan import patch_gan

_Norm = module.InstanceNormalization


def _pair():
  labels = tf.random.stateless_uniform([2, 16, 8, 2], seed=[0, 0])
  return [labels, tf.random.stateless_normal([2, 16, 8, 1], seed=[0, 1])]


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
    logits = network([tf.zeros([1, size, size, 2]), image])[0][-1]
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
    shapes = lambda scales: [[maps.shape.as_list() for maps in scale] for scale in scales]
    single = patch_gan(4, 2, (5, 6), (2, 1))([labels, image])
    self.assertEqual(shapes(single), [[[3, 16, 8, 5], [3, 16, 8, 6], [3, 16, 8, 1]]])
    scales = patch_gan(4, 2, (5, 6), (2, 2), n_scales=2)([labels, image])
    second = [[3, 8, 4, 5], [3, 4, 2, 6], [3, 4, 2, 1]]
    self.assertEqual(shapes(scales), [[[3, 16, 8, 5], [3, 8, 4, 6], [3, 8, 4, 1]], second])

  def test_maps_are_what_the_logits_come_from(self):
    """After norm and activation, so that feature matching compares what the next layer sees."""
    network = patch_gan(2, 1, (3, 4), (2, 1))
    first, second, logits = network(_pair())[0]
    convolutions = [x for x in network.layers if isinstance(x, tf.keras.layers.Conv2D)]
    norms = [x for x in network.layers if isinstance(x, _Norm)]
    leaky = lambda x: tf.where(x > 0, x, 0.2 * x)
    self.assertAllClose(first, leaky(norms[0](convolutions[0](tf.concat(_pair(), -1)))), atol=1e-6)
    self.assertAllClose(second, leaky(norms[1](convolutions[1](first))), atol=1e-6)
    self.assertAllClose(logits, convolutions[2](second), atol=1e-6)

  def test_an_input_can_be_left_out(self):
    """As cycleGAN judges images and label maps, each alone."""
    labels, image = _pair()
    for network, seen in ((patch_gan(0, 1, (3,), (2,)), image), (patch_gan(2, 0, (3,), (2,)), labels)):
      self.assertEqual(network.input_shape, (None, None, None, seen.shape[-1]))
      self.assertEqual(network.count_params(), _count(seen.shape[-1], (3,)))
      self.assertNotAllClose(network(seen)[0][-1], network(-seen)[0][-1])

  def test_normalisation_and_spectral_norm_where_asked_for(self):
    kinds = lambda network: [
      type(x) for x in network.layers if isinstance(x, (tf.keras.layers.Conv2D, _Norm))
    ]
    plain = tf.keras.layers.Conv2D
    self.assertEqual(kinds(patch_gan(2, 1, (3, 4), (2, 1))), [plain, _Norm, plain, _Norm, plain])
    some = {'normalised': (False, True)}
    self.assertEqual(kinds(patch_gan(2, 1, (3, 4), (2, 1), **some)), [plain, plain, _Norm, plain])
    spectral = patch_gan(2, 1, (3, 4), (2, 1), spectral=True, **some)
    self.assertEqual(kinds(spectral), [plain, SpectralConv2D, _Norm, plain])

  def test_without_normalisation_it_sees_strength(self):
    """Ten times the contrast is the same to a normalised first layer."""
    labels, image = tf.zeros_like(_pair()[0]), 100 * _pair()[1]
    change = lambda network: np.abs(
      network([labels, 10 * image])[0][0] - network([labels, image])[0][0]
    )
    self.assertLess(change(patch_gan(2, 1, (3,), (2,))).max(), 0.01)
    self.assertGreater(change(patch_gan(2, 1, (3,), (2,), normalised=(False,))).max(), 1.0)

  def test_later_scales_see_the_pair_at_half_the_resolution(self):
    """A scale is the single one on the averaged input; no weights are shared."""
    network = patch_gan(2, 1, (3,), (2,), n_scales=2)
    labels, image = _pair()
    first, second = network([labels, image])
    single = patch_gan(2, 1, (3,), (2,))
    per_scale = len(single.weights)
    halved = [tf.nn.avg_pool2d(x, 3, 2, 'SAME') for x in (labels, image)]
    self.assertLen(network.weights, 2 * per_scale)
    for maps, inputs, first_one in ((first, (labels, image), True), (second, halved, False)):
      single.set_weights(_weights_of_scale(network, first_one))
      for a, b in zip(single(list(inputs))[0], maps, strict=True):
        self.assertAllClose(a, b, atol=1e-5)

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
    logits = lambda *pair: network(list(pair))[0][-1]
    self.assertNotAllClose(logits(labels, image), logits(labels, -image))
    self.assertNotAllClose(logits(labels, image), logits(other, image))

  def test_logits_are_float32_under_a_mixed_policy(self):
    tf.keras.mixed_precision.set_global_policy('mixed_bfloat16')
    try:
      scales = patch_gan(2, 1, (3,), (2,), n_scales=2, spectral=True)(_pair())
    finally:
      tf.keras.mixed_precision.set_global_policy('float32')
    self.assertEqual([maps[-1].dtype for maps in scales], [tf.float32] * 2)

  def test_refuses_contradictions(self):
    with self.assertRaisesRegex(ValueError, r'filters \(2, 3\), strides \(2,\).*lists of one length'):
      patch_gan(filters=(2, 3), strides=(2,))
    with self.assertRaisesRegex(ValueError, r'normalised \(True,\).*lists of one length'):
      patch_gan(filters=(2, 3), strides=(2, 1), normalised=(True,))
    with self.assertRaisesRegex(ValueError, 'n_labels and n_contrasts are 0'):
      patch_gan(0, 0)
    with self.assertRaisesRegex(ValueError, 'n_scales is 0'):
      patch_gan(n_scales=0)


def _weights_of_scale(network, first):
  """Keras numbers layers as they are made, so that the first half of a kind is the first scale."""

  def half(kind):
    layers = [layer for layer in network.layers if isinstance(layer, kind)]
    layers.sort(key=lambda layer: [int(n) for n in re.findall(r'_(\d+)$', layer.name)])
    return layers[: len(layers) // 2] if first else layers[len(layers) // 2 :]

  convolutions, norms = half(tf.keras.layers.Conv2D), half(_Norm)
  ordered = [x for pair in zip(convolutions, norms) for x in pair] + convolutions[len(norms) :]
  return [weights for layer in ordered for weights in layer.get_weights()]


if __name__ == '__main__':
  tf.test.main()
