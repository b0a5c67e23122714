"""The generator against NumPy, its size, and that both inputs and all weights count."""

import re

import numpy as np
import tensorflow as tf

from keras_itm.layers.spade import SpatiallyAdaptiveNormalization
from keras_itm.layers.spectral_convolution import SpectralConv2D
from keras_itm.networks.spade_generator import spade_generator
from tests.keras_itm.models.model_testing import settle_spectral_norms


def _tiny(**arguments):
  defaults = {
    'image_size': (8, 16),
    'n_labels': 3,
    'latent_size': 4,
    'coarse_filters': 4,
    'filters': (4, 3),
    'hidden_filters': 5,
  }
  return spade_generator(**{**defaults, **arguments})


def _inputs(n=2, seed=0):
  rng = np.random.default_rng(seed)
  labels = np.eye(3, dtype=np.float32)[rng.integers(0, 3, (n, 8, 16))]
  return [labels, rng.normal(size=(n, 4)).astype(np.float32)]


def _layers(network, kind):
  """In the order in which they were made, by which Keras numbers them."""
  number = lambda layer: int((re.findall(r'_(\d+)$', layer.name) or ['0'])[0])
  return sorted((layer for layer in network.layers if type(layer) is kind), key=number)


def _count(n_labels, n_contrasts, latent, coarse_pixels, coarse_filters, filters, hidden):
  """Trainable weights by hand."""
  spade = lambda n: 9 * n_labels * hidden + hidden + 9 * hidden * 2 * n + 2 * n
  n_in = coarse_filters
  total = (latent + 1) * coarse_pixels * coarse_filters
  for n in filters:
    total += spade(n_in) + 9 * n_in * n + n + spade(n) + 9 * n * n + n
    total += spade(n_in) + n_in * n if n != n_in else 0
    n_in = n
  return total + 9 * n_in * n_contrasts + n_contrasts


def _convolve(x, kernel, bias=0.0):
  size, reach = x.shape[1:3], kernel.shape[0] // 2
  x = np.pad(x, [(0, 0), (reach, reach), (reach, reach), (0, 0)])
  offsets = np.ndindex(kernel.shape[:2])
  return sum(x[:, i : i + size[0], j : j + size[1]] @ kernel[i, j] for i, j in offsets) + bias


def _leaky(x):
  return np.where(x > 0, x, 0.2 * x)


def _spade(layer, x, labels):
  step = labels.shape[1] // x.shape[1]
  hidden = np.maximum(_convolve(labels[:, ::step, ::step], *layer.hidden.get_weights()), 0)
  gamma, beta = np.split(_convolve(hidden, *layer.gamma_beta.get_weights()), 2, axis=-1)
  centred = x - x.mean((1, 2), keepdims=True)
  return centred / np.sqrt(x.var((1, 2), keepdims=True) + 1e-5) * (1 + gamma) + beta


def _spectral(layer, x):
  kernel, *bias = (w.numpy() for w in layer.trainable_weights)
  largest = np.linalg.svd(kernel.reshape(-1, kernel.shape[-1]), compute_uv=False)[0]
  return _convolve(x, kernel / largest, *bias)


def _by_numpy(network, labels, latent):
  """What `_tiny` must give: a block of unchanged and one of changed width."""
  kernel, bias = _layers(network, tf.keras.layers.Dense)[0].get_weights()
  spades = iter(_layers(network, SpatiallyAdaptiveNormalization))
  spectral = iter(_layers(network, SpectralConv2D))
  x = (latent @ kernel + bias).reshape(-1, 2, 4, 4)
  for learned in (False, True):
    shortcut = _spectral(next(spectral), _spade(next(spades), x, labels)) if learned else x
    for _ in range(2):
      x = _spectral(next(spectral), _leaky(_spade(next(spades), x, labels)))
    x = (x + shortcut).repeat(2, 1).repeat(2, 2)
  last = _layers(network, tf.keras.layers.Conv2D)[0]
  return np.tanh(_convolve(_leaky(x), *last.get_weights()))


class SpadeGeneratorTest(tf.test.TestCase):
  def test_paper_size(self):
    network = spade_generator()
    n_trainable = sum(int(np.prod(w.shape)) for w in network.trainable_weights)
    filters = (128, 64, 32, 16, 8)
    self.assertEqual(n_trainable, 3_160_873)
    self.assertEqual(n_trainable, _count(29, 1, 128, 16, 128, filters, 128))
    self.assertEqual(network.input_shape, [(None, 128, 128, 29), (None, 128)])
    self.assertEqual(network.output_shape, (None, 128, 128, 1))
    shortcuts = [x for x in network.layers if getattr(x, 'kernel_size', None) == (1, 1)]
    self.assertCountEqual([x.filters for x in shortcuts], filters[1:])

  def test_against_numpy(self):
    network, (labels, latent) = _tiny(), _inputs()
    rng = np.random.default_rng(5)
    for weight in network.trainable_weights:
      weight.assign(rng.normal(0, 0.3, weight.shape))
    settle_spectral_norms(network)
    expected = _by_numpy(network, labels, latent)
    self.assertGreater(np.std(expected), 0.1)
    self.assertAllClose(network([labels, latent]), expected, atol=1e-4)

  def test_images(self):
    network = _tiny(n_contrasts=2)
    self.assertAllEqual(network(_inputs(3)).shape, [3, 8, 16, 2])
    n_trainable = sum(int(np.prod(w.shape)) for w in network.trainable_weights)
    self.assertEqual(n_trainable, _count(3, 2, 4, 8, 4, (4, 3), 5))
    for weight in network.weights:
      weight.assign(weight * 100)
    self.assertBetween(np.abs(network(_inputs(3))).max(), 0.5, 1.0)

  def test_a_block_at_full_resolution(self):
    network = _tiny(full_resolution_filters=2)
    n_trainable = sum(int(np.prod(w.shape)) for w in network.trainable_weights)
    self.assertEqual(n_trainable, _count(3, 1, 4, 8, 4, (4, 3, 2), 5))
    self.assertEqual(network.output_shape, (None, 8, 16, 1))

  def test_labels_and_latent_change_the_image(self):
    """From the start, in size: labels that begin without a say are learnt late."""
    network = _tiny()
    (labels, latent), (other_labels, other_latent) = _inputs(), _inputs(seed=1)
    image = network([labels, latent]).numpy()
    for others in ([other_labels, latent], [labels, other_latent]):
      difference = np.abs(network(others) - image)
      self.assertGreater(difference.mean(), 0.05 * image.std())

  def test_every_kernel_is_used(self):
    network = _tiny()
    with tf.GradientTape() as tape:
      loss = tf.reduce_sum(network(_inputs()) ** 2)
    variables = network.trainable_variables
    slopes = tape.gradient(loss, variables)
    self.assertNotIn(None, slopes)
    kernels = [s for s, v in zip(slopes, variables) if 'kernel' in v.name]
    # A dense layer, five SPADE layers of two, five convolutions of the blocks, the last one.
    self.assertLen(kernels, 1 + 5 * 2 + 5 + 1)
    self.assertTrue(all(float(tf.reduce_max(tf.abs(slope))) > 0 for slope in kernels))

  def test_training_moves_the_spectral_vectors_only(self):
    network = _tiny()
    before = [w.numpy() for w in network.weights]
    moved = lambda: {
      w.name.split('/')[-1].split(':')[0] for a, w in zip(before, network.weights) if np.any(a != w)
    }
    network(_inputs(), training=False)
    self.assertEmpty(moved())
    network(_inputs(), training=True)
    self.assertEqual(moved(), {'u'})

  def test_refuses_contradictions(self):
    with self.assertRaisesRegex(ValueError, r'\(8, 12\) with 3 filters \(2, 2, 2\).*divisible by 8'):
      spade_generator((8, 12), filters=(2, 2, 2))
    with self.assertRaisesRegex(ValueError, 'more than one pixel'):
      spade_generator((8, 8), filters=(2, 2, 2))
    with self.assertRaisesRegex(ValueError, r'0 filters \(\)'):
      spade_generator((8, 8), filters=())
    with self.assertRaisesRegex(ValueError, 'latent_size is 0'):
      spade_generator((8, 8), latent_size=0, filters=(2,))


if __name__ == '__main__':
  tf.test.main()
