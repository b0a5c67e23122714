"""The residual generator against NumPy, its parameter counts and what it refuses."""

import itertools

import numpy as np
import tensorflow as tf

from keras_itm.networks.resnet_generator import resnet_generator


def _count(n_in, n_out, filters, n_downs, n_blocks):
  """Weights by hand: convolutions without bias but the last, and two numbers a filter for each norm."""
  sizes = [filters * 2**i for i in range(n_downs + 1)]
  total = 49 * n_in * filters + 2 * filters
  total += sum(9 * a * b + 2 * b for a, b in itertools.pairwise(sizes))
  total += n_blocks * 2 * (9 * sizes[-1] ** 2 + 2 * sizes[-1])
  total += sum(9 * a * b + 2 * a for a, b in itertools.pairwise(sizes))
  return total + 49 * filters * n_out + n_out


def _convolve(x, kernel, stride=1):
  """[X, Y, c] with [k, k, c, f], no padding."""
  k = len(kernel)
  size = [(n - k) // stride + 1 for n in x.shape[:2]]
  patch = lambda i, j: x[i * stride : i * stride + k, j * stride : j * stride + k]
  return np.array(
    [[np.tensordot(patch(i, j), kernel, 3) for j in range(size[1])] for i in range(size[0])]
  )


def _norm(x, gamma, beta):
  return gamma * (x - x.mean((0, 1))) / np.sqrt(x.var((0, 1)) + 1e-3) + beta


def _pad(x, before, after, mode='reflect'):
  return np.pad(x, [[before, after], [before, after], [0, 0]], mode)


def _forward(x, weights):
  """One halving and one residual block, up to the last activation; weights in the order of use."""
  take = iter(weights)
  next_norm = lambda x: _norm(x, next(take), next(take))
  relu = lambda x: np.maximum(x, 0)
  x = relu(next_norm(_convolve(_pad(x, 3, 3), next(take))))
  # 'same' at stride 2 and an even size: one zero after the map.
  x = relu(next_norm(_convolve(_pad(x, 0, 1, 'constant'), next(take), stride=2)))
  y = relu(next_norm(_convolve(_pad(x, 1, 1), next(take))))
  x = x + next_norm(_convolve(_pad(y, 1, 1), next(take)))
  x = x.repeat(2, 0).repeat(2, 1)
  x = relu(next_norm(_convolve(_pad(x, 1, 1, 'constant'), next(take))))
  return _convolve(_pad(x, 3, 3), next(take)) + next(take)


def _labels(shape, n_labels, seed=0):
  return tf.one_hot(np.random.default_rng(seed).integers(0, n_labels, shape), n_labels)


class ResnetGeneratorTest(tf.test.TestCase):
  def test_against_numpy(self):
    network = resnet_generator((8, 6), 3, 2, filters=2, n_downs=1, n_blocks=1)
    rng = np.random.default_rng(0)
    network.set_weights([rng.normal(0.0, 0.5, w.shape) for w in network.get_weights()])
    labels = _labels((2, 8, 6), 3)
    expected = [np.tanh(_forward(x, network.get_weights())) for x in labels.numpy()]
    self.assertAllClose(network(labels), expected, atol=1e-5)

  def test_sizes(self):
    """Two halvings and nine blocks make the generator of the cycleGAN paper."""
    for n_downs, count in ((2, 11_458_689), (4, 182_539_905)):
      self.assertEqual(_count(29, 1, 64, n_downs, 9), count)
    network = resnet_generator(n_downs=2)
    self.assertEqual(network.count_params(), 11_458_689)
    self.assertEqual(network.input_shape, (None, 128, 128, 29))
    self.assertEqual(network.output_shape, (None, 128, 128, 1))
    network = resnet_generator((32, 16), 5, 2, filters=3, n_downs=3, n_blocks=2)
    self.assertEqual(network.count_params(), _count(5, 2, 3, 3, 2))
    self.assertAllEqual(network(_labels((3, 32, 16), 5)).shape, [3, 32, 16, 2])

  def test_way_back_gives_probabilities(self):
    network = resnet_generator((8, 8), 1, 4, filters=2, n_downs=1, n_blocks=1, activation='softmax')
    network.set_weights([w * 5 for w in network.get_weights()])
    p = network(tf.random.stateless_uniform([2, 8, 8, 1], seed=[0, 0])).numpy()
    self.assertAllClose(p.sum(-1), np.ones((2, 8, 8)), atol=1e-5)
    self.assertGreater(p.min(), 0)
    self.assertGreater(p.std(), 0.05)

  def test_starts_narrow(self):
    """Kernels from N(0, 0.02), as in the references, each with values of its own."""
    network = resnet_generator((8, 8), filters=32, n_downs=1, n_blocks=2)
    kernels = [w.numpy().ravel() for w in network.weights if 'kernel' in w.name]
    values = np.concatenate(kernels)
    self.assertNear(values.std(), 0.02, 5e-4)
    self.assertNear(values.mean(), 0.0, 5e-4)
    self.assertLen({kernel[0] for kernel in kernels}, len(kernels))

  def test_every_weight_is_used(self):
    network = resnet_generator((8, 8), 3, 1, filters=4, n_downs=1, n_blocks=2)
    with tf.GradientTape() as tape:
      loss = tf.reduce_sum(network(_labels((2, 8, 8), 3), training=True) ** 2)
    slopes = tape.gradient(loss, network.trainable_variables)
    for slope, weight in zip(slopes, network.trainable_variables):
      self.assertGreater(np.abs(slope).max(), 0, weight.name)

  def test_refuses_contradictions(self):
    for size, n_downs, message in (
      ((16, 12), 3, r'\(16, 12\) with 3 halvings: .*divisible by 8'),
      ((16, 8), 3, 'at least 16'),
      ((4, 2), 0, 'at least 4'),
    ):
      with self.assertRaisesRegex(ValueError, message):
        resnet_generator(size, n_downs=n_downs)
    with self.assertRaisesRegex(ValueError, 'n_blocks -1: expected 1, 0, 0 or more'):
      resnet_generator((8, 8), n_downs=1, n_blocks=-1)


if __name__ == '__main__':
  tf.test.main()
