"""What each change does, what it leaves, its derivatives, and how p follows the scores."""

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from keras_itm import losses
from keras_itm.layers.adaptive_augmentation import N_NUMBERS, AdaptiveAugmentation, warp


def _slices(n=2, size=6, seed=0):
  """One contrast and three classes."""
  rng = np.random.default_rng(seed)
  classes = rng.dirichlet([1.0, 1.0, 1.0], (n, size, size))
  return np.concatenate([rng.uniform(-1, 1, (n, size, size, 1)), classes], -1).astype(np.float32)


def _numbers(**given):
  """Numbers of one slice by which nothing changes, but for those given."""
  names = ('flip', 'coin', 'move', 'x', 'y', 'turn', 'angle', 'enlarge', 'zoom')
  names += ('brighten', 'brightness', 'stretch', 'contrast')
  assert len(names) == N_NUMBERS
  return np.array([[given.get(name, 0.99) for name in names]], np.float32)


class ChangesTest(tf.test.TestCase):
  """p is 0.5: what has a gate below comes."""

  def changed(self, slices, **numbers):
    return AdaptiveAugmentation(initial=0.5)((slices, _numbers(**numbers))).numpy()

  def setUp(self):
    super().setUp()
    self.slices = _slices(1)

  def test_nothing(self):
    self.assertAllEqual(self.changed(self.slices), self.slices)

  def test_mirrors_by_the_toss_of_a_coin(self):
    self.assertAllEqual(self.changed(self.slices, flip=0.4, coin=0.4), self.slices[:, ::-1])
    self.assertAllEqual(self.changed(self.slices, flip=0.4, coin=0.6), self.slices)

  def test_moves_by_whole_pixels_and_edges_go_on(self):
    """An eighth of 16 pixels times 2 * .75 - 1 is one; times 2 * 0 - 1 it is minus two."""
    slices = _slices(1, 16)
    moved = self.changed(slices, move=0.4, x=0.75, y=0.0)
    self.assertAllEqual(moved[:, 1:, :-2], slices[:, :-1, 2:])
    self.assertAllEqual(moved[:, 0], moved[:, 1])
    self.assertAllEqual(moved[:, 1:, -1], slices[:, :-1, -1])

  def test_turns_and_enlarges_about_the_centre(self):
    """A quarter turn is exact but for the cosine's last bit; twice the size halves distances."""
    layer = AdaptiveAugmentation(initial=0.5, rotation_degrees=90.0, zoom=1.0)
    turned = layer((self.slices, _numbers(turn=0.1, angle=1.0)))
    self.assertAllClose(turned, np.rot90(self.slices, -1, (1, 2)), atol=1e-5)
    ramp = np.arange(6.0, dtype=np.float32).reshape(1, 6, 1, 1) * np.ones([1, 6, 6, 1], np.float32)
    enlarged = layer((ramp, _numbers(enlarge=0.1, zoom=1.0)))
    self.assertAllClose(enlarged[0, :, 3, 0], [1.25, 1.75, 2.25, 2.75, 3.25, 3.75])

  def test_brightness_and_contrast_are_those_of_contrasts_alone(self):
    """A fifth times 2 * .75 - 1 is .1; 2 to the power of half of it, 1.189."""
    changed = self.changed(self.slices, brighten=0.1, brightness=0.75, stretch=0.1, contrast=0.75)
    self.assertAllClose(changed[..., :1], 2**0.25 * self.slices[..., :1] + 0.1)
    self.assertAllEqual(changed[..., 1:], self.slices[..., 1:])

  def test_classes_add_up_to_one(self):
    numbers = np.random.default_rng(0).uniform(size=(32, N_NUMBERS)).astype(np.float32)
    changed = AdaptiveAugmentation(initial=1.0)((_slices(32), numbers)).numpy()
    self.assertAllClose(changed[..., 1:].sum(-1), np.ones([32, 6, 6]), atol=1e-5)
    self.assertAllInRange(changed[..., 1:], 0.0, 1.0)
    self.assertNotAllClose(changed, _slices(32))

  def test_each_comes_as_often_as_p_says(self):
    numbers = np.random.default_rng(0).uniform(size=(4000, N_NUMBERS)).astype(np.float32)
    slices = np.tile(_slices(1, 2)[:, :, :, :1], [4000, 1, 1, 1])
    changed = AdaptiveAugmentation(initial=0.3, shift=0, rotation_degrees=0, zoom=0)((slices, numbers))
    is_changed = np.any(changed.numpy() != slices, axis=(1, 2, 3))
    # All but those without mirroring (.85: a coin), brightness and contrast (.7 each).
    self.assertNear(is_changed.mean(), 1 - 0.85 * 0.7 * 0.7, 0.025)

  def test_without_probability_nothing_changes(self):
    numbers = np.zeros([2, N_NUMBERS], np.float32)
    slices = _slices()
    self.assertAllEqual(AdaptiveAugmentation()((slices, numbers)), slices)


class DerivativesTest(tf.test.TestCase):
  def setUp(self):
    super().setUp()
    self.layer = AdaptiveAugmentation(initial=1.0)
    self.numbers = tf.constant(np.random.default_rng(1).uniform(size=(2, N_NUMBERS)), tf.float32)
    self.slices = tf.constant(_slices(size=4))

  def assert_gradient(self, function, at):
    """Along a direction, against the difference of two values in float32."""

    @tf.function
    def value_and_gradient(x):
      with tf.GradientTape() as tape:
        tape.watch(x)
        value = function(x)
      return value, tape.gradient(value, x)

    _, gradient = value_and_gradient(at)
    for seed in range(3):
      direction = tf.random.stateless_normal(at.shape, [seed, 7])
      slope = tf.reduce_sum(gradient * direction)
      ends = [value_and_gradient(at + step * direction)[0] for step in (0.003, -0.003)]
      self.assertAllClose(slope, (ends[0] - ends[1]) / 0.006, rtol=5e-3)
      self.assertGreater(abs(slope), 0.05)

  def test_gradient(self):
    weights = tf.random.stateless_normal(self.slices.shape, [0, 0])
    value = lambda x: tf.reduce_sum(weights * tf.square(self.layer((x, self.numbers))))
    self.assert_gradient(value, self.slices)

  def test_r1_penalty_of_slices_before_the_change(self):
    """The penalty's gradient by the weights of a discriminator, within a condition as in training."""

    def penalty(kernel):
      changed = lambda x: tf.reshape(self.layer((x, self.numbers)), [2, -1])
      judge = lambda x: tf.tanh(tf.linalg.matvec(changed(x), kernel))
      is_due = tf.reduce_sum(kernel) < 1e9
      r1 = tf.cond(is_due, lambda: losses.r1_penalty(judge, self.slices), lambda: tf.zeros([2]))
      return tf.reduce_sum(r1)

    self.assert_gradient(penalty, tf.random.stateless_normal([4 * 4 * 4], [0, 1]) * 0.2)

  def test_warp_backwards_is_its_adjoint(self):
    """<warp x, y> is <x, gradient of that by x>."""
    matrix = tf.constant([[[0.8, 0.3], [-0.2, 1.1]]] * 2)
    shift = tf.constant([[0.4, -0.7]] * 2)
    y = tf.random.stateless_normal(self.slices.shape, [0, 2])
    with tf.GradientTape() as tape:
      tape.watch(self.slices)
      product = tf.reduce_sum(warp(self.slices, matrix, shift) * y)
    self.assertAllClose(
      product, tf.reduce_sum(self.slices * tape.gradient(product, self.slices)), rtol=1e-4
    )


class AdaptTest(tf.test.TestCase, parameterized.TestCase):
  def test_by_hand(self):
    """Of 4 slices in two steps 3 signs are right more than wrong: .75 is above .6, 4 / 16 is added."""
    layer = AdaptiveAugmentation(ramp=16.0, every=2)
    p = []
    for scores in ([1.0, 2.0], [3.0, 0.0], [1.0, -1.0], [1.0, 1.0], [5.0, 5.0], [9.0, 9.0]):
      layer.adapt(tf.constant(scores))
      p.append(float(tf.convert_to_tensor(layer.probability)))
    self.assertEqual(p, [0.0, 0.25, 0.25, 0.0, 0.0, 0.25])

  def test_stays_within_0_and_1(self):
    layer = AdaptiveAugmentation(ramp=1.0, every=1)
    for score, p in ((1.0, 1.0), (1.0, 1.0), (-1.0, 0.0), (-1.0, 0.0)):
      layer.adapt(tf.constant([score, score]))
      self.assertEqual(float(tf.convert_to_tensor(layer.probability)), p)

  def test_refused(self):
    with self.assertRaisesRegex(ValueError, 'shift 2'):
      AdaptiveAugmentation(shift=2)
    with self.assertRaisesRegex(ValueError, 'every 0'):
      AdaptiveAugmentation(every=0)


if __name__ == '__main__':
  tf.test.main()
