"""Shapes, parameter counts and what reaches what in the velocity network."""

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from keras_itm.networks.flow_unet_3d import flow_unet_3d

_SHAPE = (8, 8, 4)


def _count(n_contrasts, n_labels, filters, blocks, label_size, time_size):
  """Weights by hand."""
  convolution = lambda n_in, n_out, taps=1: taps * n_in * n_out + n_out

  def block(n_in, n):
    total = 2 * n_in  # Normalisation.
    total += convolution(n_in, n, 9) + convolution(n, n, 9) + convolution(n, n, 3)
    total += convolution(time_size, n) + convolution(label_size, n)
    return total + (convolution(n_in, n) if n_in != n else 0)

  total = 2 * convolution(time_size, time_size) + n_labels * label_size
  total += convolution(n_contrasts + label_size, filters[0], 27)
  n_in = filters[0]
  for n, n_blocks in zip(filters, blocks):
    total += block(n_in, n) + (n_blocks - 1) * block(n, n)
    n_in = n
  for n, n_blocks in list(zip(filters, blocks))[-2::-1]:
    total += convolution(n_in, n) + n_blocks * block(n, n)
    n_in = n
  return total + 2 * n_in + convolution(n_in, n_contrasts, 27)


def _randomised(**options):
  network = flow_unet_3d(_SHAPE, 3, 1, (4, 6), (1, 1), 3, 4, n_groups=2, **options)
  rng = np.random.default_rng(0)
  for weight in network.weights:
    weight.assign(rng.normal(0, 0.3, weight.shape))
  return network


class FlowUnet3dTest(parameterized.TestCase, tf.test.TestCase):
  def test_weights_by_hand(self):
    small = flow_unet_3d(_SHAPE, 3, 2, (4, 6, 8), (1, 2, 3), 5, 10, n_groups=2)
    self.assertEqual(small.count_params(), _count(2, 3, (4, 6, 8), (1, 2, 3), 5, 10))
    mini = flow_unet_3d((64, 64, 16), 30, 1, (24, 64, 128), (1, 2, 2))
    self.assertEqual(mini.count_params(), _count(1, 30, (24, 64, 128), (1, 2, 2), 16, 128))
    self.assertEqual(small.output_shape, (None, *_SHAPE, 2))

  def test_begins_with_no_velocity(self):
    network = flow_unet_3d(_SHAPE, 3, 1, (4,), (1,), 3, 4, n_groups=2)
    inputs = [tf.random.normal([2, *_SHAPE, n]) for n in (1, 3)]
    self.assertAllEqual(network([*inputs, tf.ones([2, 1])]), tf.zeros([2, *_SHAPE, 1]))

  def test_a_voxel_of_noise_label_and_the_time_reach_the_answer(self):
    network = _randomised()
    image, labels = tf.zeros([1, *_SHAPE, 1]), tf.one_hot(tf.ones([1, *_SHAPE], tf.int32), 3)
    before = network([image, labels, tf.zeros([1, 1])]).numpy()
    for changed in (
      [tf.tensor_scatter_nd_update(image, [[0, 3, 3, 1, 0]], [1.0]), labels, tf.zeros([1, 1])],
      [image, tf.tensor_scatter_nd_update(labels, [[0, 3, 3, 1, 2]], [1.0]), tf.zeros([1, 1])],
      [image, labels, tf.ones([1, 1])],
    ):
      self.assertGreater(np.abs(network(changed).numpy() - before)[0, 3, 3, 1, 0], 1e-3)

  def test_no_grid(self):
    """Away from the border equal noise and labels give equal velocities within a slice."""
    network = flow_unet_3d((32, 32, 8), 2, 1, (4, 6), (1, 1), 3, 4, n_groups=2)
    rng = np.random.default_rng(0)
    for weight in network.weights:
      weight.assign(rng.normal(0, 0.3, weight.shape))
    flat = [tf.ones([1, 32, 32, 8, 1]), tf.ones([1, 32, 32, 8, 2]), tf.ones([1, 1])]
    inner = network(flat).numpy()[0, 14:18, 14:18, :, 0]
    self.assertAllClose(inner, np.broadcast_to(inner[:1, :1], inner.shape), atol=1e-4)

  @parameterized.parameters(
    ({'shape': (6, 8, 4), 'filters': (8, 8, 8), 'blocks': (1, 1, 1)}, 'sizes divisible by 4'),
    ({'filters': (8, 12)}, 'multiples of n_groups, 8'),
    ({'blocks': (1,)}, 'one or more for each of 2 filters'),
    ({'blocks': (1, 0)}, 'one or more for each of 2 filters'),
    ({'filters': (), 'blocks': ()}, 'at least one filter'),
  )
  def test_refused(self, options, message):
    with self.assertRaisesRegex(ValueError, message):
      flow_unet_3d(**{'shape': _SHAPE, 'filters': (8, 8), 'blocks': (1, 1), **options})


if __name__ == '__main__':
  tf.test.main()
