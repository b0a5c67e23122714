"""Losses against numbers worked out by hand."""

import numpy as np
import tensorflow as tf

from keras_itm import losses
from keras_itm.layers.blurred_resampling import halving_convolution
from keras_itm.layers.linear_doubling import LinearDoubling
from keras_itm.layers.minibatch_deviation import MinibatchDeviation
from keras_itm.layers.modulated_convolution import ModulatedConv2D
from keras_itm.stack import plain


class GaussianDivergenceTest(tf.test.TestCase):
  def test_by_hand(self):
    """By the integral of p log(p / q) over a fine grid, for each of two numbers."""
    x = np.linspace(-30, 30, 200_001)
    normal = lambda mean, sd: np.exp(-(((x - mean) / sd) ** 2) / 2) / (sd * np.sqrt(2 * np.pi))
    logarithm = lambda mean, sd: -np.log(sd) - ((x - mean) / sd) ** 2 / 2 + x**2 / 2
    by_integral = lambda mean, sd: np.sum(normal(mean, sd) * logarithm(mean, sd)) * (x[1] - x[0])
    expected = by_integral(1.0, 2.0) + by_integral(-0.5, 0.7)
    mean = tf.constant([[1.0, -0.5], [0.0, 0.0]])
    log_variance = tf.constant(np.log([[4.0, 0.49], [1.0, 1.0]]), tf.float32)
    found = losses.gaussian_divergence(mean, log_variance)
    self.assertAllClose(found, [expected, 0.0], rtol=1e-4, atol=1e-6)


class WassersteinTest(tf.test.TestCase):
  def test_by_hand(self):
    real, fake = tf.constant([1.0, -2.0]), tf.constant([0.5, 3.0])
    self.assertAllClose(losses.wasserstein_critic_loss(real, fake), [-0.5, 5.0])
    self.assertAllClose(losses.wasserstein_generator_loss(fake), [-0.5, -3.0])

  def test_critic_and_generator_pull_the_fakes_apart(self):
    real, fake = tf.constant([1.0]), tf.constant([0.5])
    with tf.GradientTape(persistent=True) as tape:
      tape.watch(fake)
      critic = losses.wasserstein_critic_loss(real, fake)
      generator = losses.wasserstein_generator_loss(fake)
    self.assertAllClose(tape.gradient(critic, fake), [1.0])
    self.assertAllClose(tape.gradient(generator, fake), [-1.0])


def _examples(shape, seed=0):
  rng = np.random.default_rng(seed)
  return [rng.uniform(size=shape).astype(np.float32) for _ in range(2)] + [
    rng.uniform(size=shape[0]).astype(np.float32)
  ]


def _half_square(x):
  """Its gradient at x is x itself."""
  return tf.reduce_sum(tf.square(x), axis=list(range(1, x.shape.rank))) / 2


class GradientPenaltyTest(tf.test.TestCase):
  def test_by_hand(self):
    real, fake = tf.constant([[0.0, 0.0], [3.0, 0.0]]), tf.constant([[6.0, 8.0], [3.0, 8.0]])
    penalty, norm = losses.gradient_penalty(_half_square, real, fake, tf.constant([0.5, 0.5]))
    self.assertAllClose(norm, [5.0, 5.0])  # Half way: (3, 4), and (3, 4) again.
    self.assertAllClose(penalty, [16.0, 16.0])

  def test_any_rank_against_numpy(self):
    for shape in ((3, 5), (3, 4, 5), (2, 3, 4, 5), (2, 3, 4, 5, 2)):
      real, fake, alpha = _examples(shape)
      weight = alpha.reshape([-1] + [1] * (len(shape) - 1))
      expected = np.linalg.norm((real * (1 - weight) + fake * weight).reshape(shape[0], -1), axis=1)
      penalty, norm = losses.gradient_penalty(_half_square, real, fake, alpha)
      self.assertAllClose(norm, expected, rtol=1e-5)
      self.assertAllClose(penalty, (expected - 1) ** 2, rtol=1e-4)

  def test_alpha_goes_from_real_to_fake(self):
    real, fake = tf.ones([2, 4]), 2 * tf.ones([2, 4])
    _, norm = losses.gradient_penalty(_half_square, real, fake, tf.constant([0.0, 1.0]))
    self.assertAllClose(norm, [2.0, 4.0])

  def test_critic_learns_from_it(self):
    weights = tf.Variable([3.0, 4.0])
    real, fake = tf.zeros([1, 2]), tf.ones([1, 2])
    with tf.GradientTape() as tape:
      penalty, _ = losses.gradient_penalty(
        lambda x: tf.linalg.matvec(x, weights), real, fake, tf.constant([0.3])
      )
    # (|w| - 1)^2 has the gradient 2 (|w| - 1) w / |w|.
    self.assertAllClose(tape.gradient(penalty, weights), [2 * 4 * 0.6, 2 * 4 * 0.8])

  def test_flat_critic_has_finite_gradients(self):
    weights = tf.Variable([0.0, 0.0])
    with tf.GradientTape() as tape:
      penalty, _ = losses.gradient_penalty(
        lambda x: tf.linalg.matvec(x, weights), tf.zeros([1, 2]), tf.ones([1, 2]), tf.constant([0.3])
      )
    self.assertAllClose(penalty, [1.0], atol=1e-5)
    self.assertAllClose(tape.gradient(penalty, weights), [0.0, 0.0])

  def test_float32_norm_of_half_precision(self):
    real, fake = tf.zeros([1, 1000], tf.float16), 400 * tf.ones([1, 1000], tf.float16)
    critic = lambda x: tf.reduce_sum(300 * x, axis=1)  # The squares of 300 overflow float16.
    _, norm = losses.gradient_penalty(critic, real, fake, tf.constant([0.5]))
    self.assertEqual(norm.dtype, tf.float32)
    self.assertAllClose(norm, [300 * np.sqrt(1000)], rtol=1e-3)

  def test_in_data_pipeline(self):
    real, fake, alpha = _examples((4, 3, 3))
    run = lambda r, f, a: losses.gradient_penalty(_half_square, r, f, a)
    piped = next(iter(tf.data.Dataset.from_tensors((real, fake, alpha)).map(run)))
    self.assertAllClose(piped, run(real, fake, alpha))


def _softplus(x):
  return np.log(1 + np.exp(np.asarray(x, np.float64)))


class LogisticTest(tf.test.TestCase):
  def test_by_hand(self):
    real, fake = tf.constant([0.0, 2.0]), tf.constant([0.0, -1.0])
    expected = [2 * np.log(2), _softplus(-2) + _softplus(-1)]
    self.assertAllClose(losses.logistic_discriminator_loss(real, fake), expected)
    self.assertAllClose(losses.logistic_generator_loss(fake), [np.log(2), _softplus(1)])


def _slope_by_differences(function, x, step=1e-3):
  """Of a function of float64 values of any shape to one number."""
  slope = np.zeros_like(x)
  for place in np.ndindex(*x.shape):
    moved = [x.copy(), x.copy()]
    moved[0][place] += step
    moved[1][place] -= step
    slope[place] = (function(moved[0]) - function(moved[1])) / (2 * step)
  return slope


def _along(slope, direction):
  """Of a gradient, how fast the function rises along a direction."""
  return float((slope.numpy() * direction).sum())


class R1PenaltyTest(tf.test.TestCase):
  def test_by_hand(self):
    self.assertAllClose(losses.r1_penalty(_half_square, tf.constant([[3.0, 4.0], [1.0, 0.0]])), [25, 1])

  def test_value_and_gradient_against_finite_differences(self):
    """Of a convolution of the kinds that the discriminator has; its kernel learns from the penalty."""
    rng = np.random.default_rng(0)
    real, start = rng.normal(size=(2, 2, 2, 2)), rng.normal(size=(3, 3, 2, 3))

    def score(x, kernel):
      y = tf.nn.leaky_relu(halving_convolution(tf.convert_to_tensor(x), tf.convert_to_tensor(kernel)))
      return tf.reduce_sum(MinibatchDeviation(2, dtype='float64')(y) ** 2, axis=[1, 2, 3])

    slopes = _slope_by_differences(lambda x: score(x, start).numpy().sum(), real)
    penalty = lambda kernel: losses.r1_penalty(lambda x: score(x, kernel), real)
    self.assertAllClose(penalty(start), (slopes**2).sum((1, 2, 3)), rtol=2e-3)
    kernel = tf.Variable(start)
    with tf.GradientTape() as tape:
      value = penalty(kernel)
    slope = tape.gradient(value, kernel)
    for direction in rng.normal(size=(3, *start.shape)):
      value_at = lambda t, d=direction: penalty(start + t * d).numpy().sum()
      expected = _slope_by_differences(value_at, np.zeros(1))[0]
      self.assertNear(_along(slope, direction), expected, 0.01 * abs(expected) + 0.05)


class PathLengthsTest(tf.test.TestCase):
  def test_by_hand(self):
    """An image of two pixels, 3 times the sum of layer 0 and 4 times that of layer 1, noise 1 and 1."""
    synthesis = lambda w: tf.tile(
      tf.reduce_sum(w * [[3.0], [4.0]], [1, 2])[:, None, None, None], [1, 1, 2, 1]
    )
    lengths = losses.path_lengths(synthesis, tf.zeros([1, 2, 1]), tf.ones([1, 1, 2, 1]))
    slopes = np.array([3, 4]) * 2 / np.sqrt(2)  # Both pixels, over the root of their number.
    self.assertAllClose(lengths, [np.sqrt((slopes**2).mean())], rtol=1e-6)

  def test_value_and_gradient_against_finite_differences(self):
    """Of a modulated convolution that doubles, linear doubling and softmax; its kernel learns."""
    tf.keras.utils.set_random_seed(0)
    convolution = ModulatedConv2D(3, 3, doubled=True, dtype='float64')
    maps, styles, noise = (
      np.random.default_rng(i).normal(size=size)
      for i, size in enumerate([(2, 2, 2, 2), (2, 2, 3), (2, 8, 8, 3)])
    )

    def synthesis(w):
      w = tf.convert_to_tensor(w)
      y = LinearDoubling(dtype='float64')(convolution((maps, w[:, 0])))
      return tf.nn.softmax(y * (1 + w[:, 1, :, None][:, None, None, :, 0]))

    product = lambda w: (np.float32(noise) * synthesis(w).numpy()).sum() / 8
    slopes = _slope_by_differences(product, styles, 1e-5)
    lengths = lambda: losses.path_lengths(synthesis, styles, noise.astype(np.float32))
    self.assertAllClose(lengths(), np.sqrt((slopes**2).sum(2).mean(1)), rtol=1e-3)
    start = convolution.kernel.numpy()
    with tf.GradientTape() as tape:
      value = tf.reduce_sum(lengths())
    slope = tape.gradient(value, plain(convolution.kernel))

    def value_at(t, direction):
      convolution.kernel.assign(start + t * direction)
      return lengths().numpy().sum(dtype=np.float64)

    for direction in np.random.default_rng(0).normal(size=(3, *start.shape)):
      expected = _slope_by_differences(lambda t, d=direction: value_at(t, d), np.zeros(1))[0]
      self.assertNear(_along(slope, direction), expected, 0.01 * abs(expected) + 1e-3)


# Two scales of different sizes, so that a mean over all patches would differ from that of means.
_REAL = [np.array([[1.0, 3.0, -2.0, 0.0], [5.0, 1.0, 1.0, 1.0]]), np.array([[0.5], [-4.0]])]
_FAKE = [np.array([[-1.0, 2.0, 0.0, 0.0], [-3.0, 1.0, 4.0, 1.0]]), np.array([[2.0], [-1.0]])]


def _maps(scales):
  return [tf.constant(s.reshape(2, -1, 1, 1), tf.float32) for s in scales]


class MinimaxTest(tf.test.TestCase):
  def test_discriminator_by_numpy(self):
    real = sum(_softplus(-s).mean(1) for s in _REAL) / 2
    fake = sum(_softplus(s).mean(1) for s in _FAKE) / 2
    loss = losses.minimax_discriminator_loss(_maps(_REAL), _maps(_FAKE))
    self.assertAllClose(loss, (real + fake) / 2)

  def test_generator_by_numpy(self):
    expected = sum(_softplus(-s).mean(1) for s in _FAKE) / 2
    self.assertAllClose(losses.minimax_generator_loss(_maps(_FAKE)), expected)

  def test_by_hand_at_indecision(self):
    zeros = [tf.zeros([3, 2, 2, 1])]
    self.assertAllClose(losses.minimax_discriminator_loss(zeros, zeros), [np.log(2)] * 3)
    self.assertAllClose(losses.minimax_generator_loss(zeros), [np.log(2)] * 3)

  def test_labels_of_real_and_fake_differ(self):
    """The loss falls where real logits rise and fake ones fall, at half the slope each."""
    real, fake = tf.zeros([1, 1, 1, 1]), tf.zeros([1, 1, 1, 1])
    with tf.GradientTape(persistent=True) as tape:
      tape.watch([real, fake])
      discriminator = losses.minimax_discriminator_loss([real], [fake])
      generator = losses.minimax_generator_loss([fake])
    slope = lambda loss, x: float(tf.reshape(tape.gradient(loss, x), []))
    self.assertEqual((slope(discriminator, real), slope(discriminator, fake)), (-0.25, 0.25))
    self.assertEqual(slope(generator, fake), -0.5)

  def test_large_logits_stay_finite(self):
    large = [tf.constant([[[[100.0]]], [[[-100.0]]]])]
    self.assertAllClose(losses.minimax_discriminator_loss(large, large), [50.0, 50.0])
    self.assertAllClose(losses.minimax_generator_loss(large), [0.0, 100.0])

  def test_mean_over_scales_by_hand(self):
    maps = [tf.constant([[1.0, 3.0], [0.0, 4.0]]), tf.constant([[6.0], [-2.0]])]
    self.assertAllClose(losses.mean_over_scales(maps), [4.0, 0.0])


class HingeTest(tf.test.TestCase):
  def test_discriminator_by_hand(self):
    """Real logits lack [0, 0, 3, 1] and [0, 0, 0, 0] of 1, at the second scale 0.5 and 5; and so on."""
    real = [(1.0 + 0.5) / 2, (0.0 + 5.0) / 2]
    fake = [(5.0 / 4 + 3.0) / 2, (9.0 / 4 + 0.0) / 2]
    self.assertAllClose(losses.hinge_discriminator_loss(_maps(_REAL), _maps(_FAKE)), np.add(real, fake))

  def test_generator_by_hand(self):
    expected = [-(1.0 / 4 + 2.0) / 2, -(3.0 / 4 - 1.0) / 2]
    self.assertAllClose(losses.hinge_generator_loss(_maps(_FAKE)), expected)

  def test_slopes(self):
    """None beyond the margin, one within; the generator's does not end."""
    real, fake = (tf.constant([[[[x]]] for x in logits]) for logits in ((1.5, 0.5), (-1.5, -0.5)))
    with tf.GradientTape(persistent=True) as tape:
      tape.watch([real, fake])
      discriminator = losses.hinge_discriminator_loss([real], [fake])
      generator = losses.hinge_generator_loss([fake])
    self.assertAllEqual(tf.squeeze(tape.gradient(discriminator, real)), [0.0, -1.0])
    self.assertAllEqual(tf.squeeze(tape.gradient(discriminator, fake)), [0.0, 1.0])
    self.assertAllEqual(tf.squeeze(tape.gradient(generator, fake)), [-1.0, -1.0])


class LeastSquaresTest(tf.test.TestCase):
  def test_discriminator_by_hand(self):
    """Squares of [0, 2, -3, -1] and [4, 0, 0, 0] against 1, at the second scale of -0.5 and -5."""
    real = [(14.0 / 4 + 0.25) / 2, (16.0 / 4 + 25.0) / 2]
    fake = [(5.0 / 4 + 4.0) / 2, (27.0 / 4 + 1.0) / 2]
    loss = losses.least_squares_discriminator_loss(_maps(_REAL), _maps(_FAKE))
    self.assertAllClose(loss, np.add(real, fake) / 2)

  def test_generator_by_hand(self):
    expected = [((4.0 + 1.0 + 1.0 + 1.0) / 4 + 1.0) / 2, ((16.0 + 0.0 + 9.0 + 0.0) / 4 + 4.0) / 2]
    self.assertAllClose(losses.least_squares_generator_loss(_maps(_FAKE)), expected)


class FeatureMatchingTest(tf.test.TestCase):
  def test_by_hand(self):
    """A sum over layers, whatever their size, and a mean over scales: two examples."""
    real = [[[[1.0, 2.0], [0.0, 0.0]], [[1.0], [3.0]]], [[[4.0] * 4, [4.0] * 4]]]
    fake = [[[[1.0, 0.0], [2.0, 4.0]], [[2.0], [3.0]]], [[[4.0, 4.0, 4.0, 0.0], [5.0] * 4]]]
    maps = lambda side: [[tf.reshape(x, [2, -1, 1, 1]) for x in layers] for layers in side]
    # Distances of the layers: 1 and 3; 1 and 0; at the second scale 1 and 1.
    expected = [((1.0 + 1.0) + 1.0) / 2, ((3.0 + 0.0) + 1.0) / 2]
    self.assertAllClose(losses.feature_matching_loss(maps(real), maps(fake)), expected)

  def test_alike_costs_nothing(self):
    features = [[tf.random.stateless_normal([3, 4, 4, 2], seed=[0, 0])]]
    self.assertAllEqual(losses.feature_matching_loss(features, features), [0.0] * 3)

  def test_lower_precision_is_averaged_in_float32(self):
    """Sums of float16 end at 65,504."""
    real, fake = tf.zeros([1, 32, 32, 100], tf.float16), tf.ones([1, 32, 32, 100], tf.float16)
    self.assertAllClose(losses.feature_matching_loss([[real]], [[fake]]), [1.0])
    self.assertAllClose(losses.hinge_generator_loss([fake]), [-1.0])


class VoxelLossesTest(tf.test.TestCase):
  def test_l1_by_hand(self):
    truth, prediction = tf.constant([[0, 2], [1, 1]]), tf.constant([[0.5, 1.0], [-1.0, 1.0]])
    self.assertAllClose(losses.l1_loss(truth, prediction), [0.75, 1.0])
    self.assertAllClose(losses.l1_loss(prediction, truth), [0.75, 1.0])

  def test_cross_entropy_by_numpy(self):
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, (3, 4, 5, 2))
    p = rng.uniform(0.01, 0.99, truth.shape)
    expected = -np.log(np.where(truth == 1, p, 1 - p)).mean((1, 2, 3))
    self.assertAllClose(losses.binary_cross_entropy(truth, p), expected, rtol=1e-5)

  def test_cross_entropy_at_the_ends(self):
    right, wrong = losses.binary_cross_entropy([[0, 1], [0, 1]], [[0.0, 1.0], [1.0, 0.0]])
    self.assertNear(right, 0, 1e-6)
    self.assertNear(wrong, -np.log(1e-7), 0.2)
    self.assertAllClose(losses.binary_cross_entropy([[0], [1]], [[0.5], [0.5]]), [np.log(2)] * 2)

  def test_unknown_batch_in_a_pipeline(self):
    values = np.random.default_rng(0).uniform(size=(5, 3, 2)).astype(np.float32)
    data = tf.data.Dataset.from_tensor_slices((values.round(), values)).batch(2)
    for loss in (losses.l1_loss, losses.binary_cross_entropy):
      singly = np.concatenate(list(data.map(loss).as_numpy_iterator()))
      self.assertAllClose(singly, loss(values.round(), values), rtol=1e-5)


if __name__ == '__main__':
  tf.test.main()
