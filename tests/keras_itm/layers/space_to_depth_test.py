"""Folded convolutions against plain ones, and unfolding voxel by voxel."""

import numpy as np
import tensorflow as tf

from keras_itm.layers.space_to_depth import DepthToSpace3D, SpaceToDepth3D


class SpaceToDepth3DTest(tf.test.TestCase):
  def test_convolution_equals_the_strided_one(self):
    for channels in (1, 3):
      x = tf.random.stateless_normal([2, 4, 6, 8, channels], seed=[0, 0])
      kernel = tf.random.stateless_normal([4, 4, 4, channels, 5], seed=[0, 1])
      folded = tf.reshape(kernel, [2, 2, 2, 2, 2, 2, channels, 5])
      folded = tf.transpose(folded, [0, 2, 4, 1, 3, 5, 6, 7])
      folded = tf.reshape(folded, [2, 2, 2, 8 * channels, 5])
      expected = tf.nn.conv3d(x, kernel, [1, 2, 2, 2, 1], 'SAME')
      found = tf.nn.conv3d(SpaceToDepth3D(1)(x), folded, [1] * 5, 'VALID')
      self.assertAllClose(found, expected, atol=1e-4)

  def test_refuses_odd_sizes(self):
    with self.assertRaisesRegex(ValueError, r'\(2, 4, 5, 4, 1\).*even'):
      SpaceToDepth3D(1)(tf.zeros([2, 4, 5, 4, 1]))

  def test_refuses_negative_padding(self):
    with self.assertRaisesRegex(ValueError, 'padding is -1'):
      SpaceToDepth3D(-1)


class DepthToSpace3DTest(tf.test.TestCase):
  def test_every_voxel(self):
    x = np.arange(2 * 3 * 2 * 16, dtype=np.float32).reshape(1, 2, 3, 2, 16)
    y = DepthToSpace3D()(x).numpy()
    self.assertEqual(y.shape, (1, 4, 6, 4, 2))
    for i, j, k, c in np.ndindex(4, 6, 4, 2):
      channel = ((i % 2) * 4 + (j % 2) * 2 + k % 2) * 2 + c
      self.assertEqual(y[0, i, j, k, c], x[0, i // 2, j // 2, k // 2, channel])

  def test_undoes_the_folding(self):
    x = tf.random.stateless_normal([2, 4, 6, 8, 3], seed=[0, 0])
    self.assertAllEqual(DepthToSpace3D()(SpaceToDepth3D()(x)), x)
    padded = DepthToSpace3D()(SpaceToDepth3D(1)(x))
    self.assertEqual(padded.shape, [2, 6, 8, 10, 3])
    self.assertAllEqual(padded[:, 1:-1, 1:-1, 1:-1], x)

  def test_refuses_other_channels(self):
    with self.assertRaisesRegex(ValueError, 'divisible by 8'):
      DepthToSpace3D()(tf.zeros([2, 4, 4, 4, 12]))


if __name__ == '__main__':
  tf.test.main()
