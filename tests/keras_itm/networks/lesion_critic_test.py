"""Scores, sizes and refusals of the lesion critic."""

import tensorflow as tf

from keras_itm.networks.lesion_critic import lesion_critic


class LesionCriticTest(tf.test.TestCase):
  def test_one_score_for_each_mask(self):
    critic = lesion_critic((16, 8, 8), (3, 5))
    masks = tf.random.stateless_uniform([4, 16, 8, 8], seed=[0, 0])
    scores = critic(masks)
    self.assertAllEqual(scores.shape, [4])
    # No statistics over the batch: a score does not depend on its neighbours.
    self.assertAllClose(critic(masks[2:3]), scores[2:3], atol=1e-5)

  def test_paper_size(self):
    self.assertEqual(lesion_critic().input_shape, (None, 128, 128, 32))
    self.assertEqual(lesion_critic().output_shape, (None,))

  def test_parameters_by_hand(self):
    critic = lesion_critic((16, 8, 8), (3, 5))
    first, second = (64 + 1) * 3, (64 * 3 + 1) * 5
    self.assertEqual(critic.count_params(), first + second + 4 * 2 * 2 * 5 + 1)

  def test_refuses_contradictions(self):
    with self.assertRaisesRegex(ValueError, r'\(16, 8, 6\).*divisible by 4'):
      lesion_critic((16, 8, 6), (3, 5))
    with self.assertRaisesRegex(ValueError, r'filters \(3, 0\)'):
      lesion_critic((16, 8, 8), (3, 0))
    with self.assertRaisesRegex(ValueError, r'filters \(\)'):
      lesion_critic((16, 8, 8), ())


if __name__ == '__main__':
  tf.test.main()
