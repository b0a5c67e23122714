"""Shapes, probabilities and refusals of the lesion generator."""

import numpy as np
import tensorflow as tf

from keras_itm.networks.lesion_generator import TwoClassSoftmax, lesion_generator


class LesionGeneratorTest(tf.test.TestCase):
  def test_probabilities_of_two_classes(self):
    generator = lesion_generator((16, 8, 8), 7, 4, (4, 2))
    classes = generator(tf.random.stateless_normal([3, 7], seed=[0, 0])).numpy()
    self.assertEqual(classes.shape, (3, 16, 8, 8, 2))
    self.assertAllClose(classes.sum(-1), np.ones((3, 16, 8, 8)))
    self.assertGreater(classes[..., 1].std(), 0)

  def test_paper_size(self):
    generator = lesion_generator()
    self.assertEqual(generator.input_shape, (None, 128))
    self.assertEqual(generator.output_shape, (None, 128, 128, 32, 2))

  def test_parameters_by_hand(self):
    generator = lesion_generator((8, 8, 8), 5, 6, (4,))
    dense = (5 + 1) * (2 * 2 * 2) * 6
    up = 27 * 6 * 4 + 2 * 4  # No bias; scale and offset of the normalisation.
    logits = (27 * 4 + 1) * 2
    self.assertEqual(generator.count_params(), dense + up + logits)

  def test_starts_from_the_lesion_rate(self):
    generator = lesion_generator((8, 8, 8), 5, 6, (4,), lesion_rate=0.02)
    logits = generator.get_layer('logits')
    logits.kernel.assign(tf.zeros_like(logits.kernel))
    self.assertAllClose(generator(tf.ones([1, 5]))[..., 1], np.full((1, 8, 8, 8), 0.02))

  def test_examples_are_independent(self):
    generator = lesion_generator((8, 8, 8), 5, 6, (4,))
    latents = tf.random.stateless_normal([3, 5], seed=[0, 0])
    self.assertAllClose(generator(latents)[1:2], generator(latents[1:2]), atol=1e-5)

  def test_noise_moves_only_what_lies_near(self):
    generator = lesion_generator((32, 16, 16), 7, 6, (4, 3), noise_levels=(2,))
    coarse = 4 * 2 * 2
    self.assertEqual(generator.input_shape, (None, 7 + coarse * 8**2))
    latent = np.random.default_rng(0).standard_normal((1, generator.input_shape[1])).astype(np.float32)
    other = latent.copy()
    other[0, 7] += 5  # The first voxel of the second level.
    change = np.abs(generator(other) - generator(latent)).max(-1)[0]
    near = change[:4, :4, :4].max()
    self.assertGreater(near, 10 * change[8:].max())

  def test_parameters_with_noise(self):
    generator = lesion_generator((16, 8, 8), 5, 6, (4, 3), noise_levels=(1, 2))
    plain = lesion_generator((16, 8, 8), 5, 6, (4, 3))
    self.assertEqual(generator.count_params() - plain.count_params(), 4 + 3)

  def test_softmax(self):
    logits = tf.random.stateless_normal([5, 3, 2], seed=[0, 0]) * 20
    self.assertAllClose(TwoClassSoftmax()(logits), tf.nn.softmax(logits), atol=1e-6)

  def test_refuses_contradictions(self):
    with self.assertRaisesRegex(ValueError, r'\(16, 12, 8\) with 3 doublings.*divisible by 8'):
      lesion_generator((16, 12, 8), 5, 4, (4, 2))
    with self.assertRaisesRegex(ValueError, 'latent_size 0'):
      lesion_generator((8, 8, 8), 0, 4, (4, 2))
    for levels in ((0,), (3,), (1, 1)):
      with self.assertRaisesRegex(ValueError, 'noise_levels.*different numbers from 1 to 2'):
        lesion_generator((8, 8, 8), 5, 4, (4, 2), noise_levels=levels)
    with self.assertRaisesRegex(ValueError, 'lesion_rate is 1'):
      lesion_generator((8, 8, 8), 5, 4, (4, 2), lesion_rate=1)


if __name__ == '__main__':
  tf.test.main()
