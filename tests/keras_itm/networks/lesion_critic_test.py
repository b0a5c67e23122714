"""Scores, sizes and refusals of the lesion critic."""

import numpy as np
import tensorflow as tf

from keras_itm.networks.lesion_critic import LogVolume, lesion_critic


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

  def test_judges_the_distribution_of_volumes(self):
    """Two far parts together need not score what they score apart."""
    masks = np.zeros((4, 64, 8, 8), np.float32)
    masks[1::2, :8], masks[2:, 56:] = 1, 1
    empty, left, right, both = 100 * lesion_critic((64, 8, 8), (3, 5))(masks).numpy()
    self.assertGreater(abs(both - left - right + empty), 1e-3)

  def test_parameters_by_hand(self):
    critic = lesion_critic((16, 8, 8), (3, 5), hidden_units=7)
    first, second = (64 + 1) * 3, (64 * 3 + 1) * 5
    self.assertEqual(critic.count_params(), first + second + (4 * 2 * 2 * 5 + 1) * 7 + 8)

  def test_log_volume_by_hand(self):
    masks = np.zeros((3, 8, 8, 8), np.float32)
    masks[1] = 0.5
    masks[2].flat[:236] = 1
    expected = 2 * np.log(np.array([[20], [276], [256]]) / 256)
    self.assertAllClose(LogVolume()(masks), expected)

  def test_may_be_told_the_volume(self):
    critic = lesion_critic((16, 8, 8), (3, 5), hidden_units=7, volume_units=4)
    plain = lesion_critic((16, 8, 8), (3, 5), hidden_units=7)
    self.assertEqual(critic.count_params() - plain.count_params(), 2 * 4 + (4 + 1) * 7)
    critic.get_layer('hidden').set_weights([np.zeros((80, 7)), np.zeros(7)])
    moved = np.zeros((3, 16, 8, 8), np.float32)
    moved[0, :2, 0, 0] = moved[1, 8:10, 4, 2] = moved[2, 8:14, 4, 2] = 1
    same, elsewhere, larger = critic(moved).numpy()
    self.assertAllClose(same, elsewhere)
    self.assertNotAllClose(same, larger)

  def test_refuses_contradictions(self):
    with self.assertRaisesRegex(ValueError, r'\(16, 8, 6\).*divisible by 4'):
      lesion_critic((16, 8, 6), (3, 5))
    with self.assertRaisesRegex(ValueError, r'filters \(3, 0\)'):
      lesion_critic((16, 8, 8), (3, 0))
    with self.assertRaisesRegex(ValueError, 'volume_units -1'):
      lesion_critic((16, 8, 8), (3,), volume_units=-1)
    with self.assertRaisesRegex(ValueError, r'filters \(\)'):
      lesion_critic((16, 8, 8), ())


if __name__ == '__main__':
  tf.test.main()
