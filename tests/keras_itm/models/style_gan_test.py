"""What moves in a step and by how much; what all models do alike is in `conformance_test`."""

import functools

import numpy as np
import tensorflow as tf

from keras_itm import losses
from keras_itm.layers.adaptive_augmentation import N_NUMBERS, AdaptiveAugmentation
from keras_itm.models.style_gan import StyleGAN
from keras_itm.networks.style_discriminator import style_discriminator
from keras_itm.networks.style_generator import style_generator
from keras_itm.networks.style_mapping import style_mapping
from tests.keras_itm.models.model_testing import moved, sgd, values


@functools.cache
def _networks(n_contrasts=1, n_classes=2):
  tf.keras.utils.set_random_seed(0)
  channels = {'n_contrasts': n_contrasts, 'n_classes': n_classes, 'base': 16, 'max_filters': 3}
  return (
    style_mapping(5, 4, 1),
    style_generator((8, 8), style_size=4, noise=False, **channels),
    style_discriminator((8, 8), **channels),
  )


def _gan(n_contrasts=1, rate=0.0, **options):
  networks = _networks(n_contrasts)
  plain = {'r1_weight': 0.0, 'path_weight': 0.0, 'mixing': 0.0}
  gan = StyleGAN(*networks, n_contrasts=n_contrasts, **{**plain, **options})
  gan.compile(sgd(rate)(), sgd(rate)(), run_eagerly=True)
  return gan


def _batch(n=2, n_contrasts=1):
  rng = np.random.default_rng(0)
  image = rng.uniform(-1, 1, (n, 8, 8, n_contrasts)).astype(np.float32)
  probability = np.eye(2, dtype=np.float32)[rng.integers(0, 2, (n, 8, 8))]
  return (image, probability) if n_contrasts else probability


class TrainStepTest(tf.test.TestCase):
  def test_each_part_moves_its_own_variables(self):
    gan = _gan(rate=1e-3)
    before = values(gan.discriminator.variables)
    gan._train_generator(tf.zeros([2, 0]))
    self.assertFalse(any(moved(before, gan.discriminator.variables)))
    before = values(gan.generator_variables)
    gan._train_discriminator(tf.concat(_batch(), -1), tf.zeros([2, 0]))
    self.assertFalse(any(moved(before, gan.generator_variables)))

  def test_trains_towards_the_discriminator_and_it_apart(self):
    gan = _gan(rate=0.05)
    styles = gan.draws.on_all_layers(tf.random.stateless_normal([8, 4], seed=[0, 0]))
    score = lambda: float(tf.reduce_mean(gan.discriminator(gan.generator(styles))))
    before = score()
    gan._train_generator(tf.zeros([8, 0]))
    self.assertGreater(score(), before)
    real, condition = tf.concat(_batch(8), -1), tf.zeros([8, 0])
    loss = lambda: float(
      tf.reduce_mean(
        gan.discriminator_losses(real, gan.generator(styles), condition)['discriminator_loss']
      )
    )
    before = loss()
    for _ in range(3):
      gan._train_discriminator(real, condition)
    self.assertLess(loss(), before)

  def test_penalties_come_as_often_as_asked_and_count_as_much_more(self):
    """A rate of 0 keeps all weights, so that what is added to the objective can be worked out."""
    gan = _gan(r1_weight=6.0, r1_every=3, path_weight=5.0, path_every=2)
    batch = _batch()
    r1 = losses.r1_penalty(gan.discriminator, tf.concat(batch, -1))
    seen = []
    gan.track = lambda logs: seen.append({name: value.numpy() for name, value in logs.items()})
    for _ in range(4):
      gan.train_step(batch)
    for step, (generator, discriminator) in enumerate(zip(seen[::2], seen[1::2])):
      self.assertAllClose(discriminator['r1_penalty'], (step % 3 == 0) * 6 / 2 * r1, rtol=1e-5)
      self.assertEqual(generator['path_penalty'].any(), step % 2 == 0)
      self.assertEqual(generator['path_penalty'].shape, (1,))  # Half a batch.

  def test_penalty_of_a_step_is_the_gradient_of_so_many(self):
    gan = _gan(rate=1.0, r1_weight=6.0, r1_every=3)
    start = gan.discriminator.get_weights()
    real, variables = tf.concat(_batch(), -1), gan.discriminator.trainable_variables
    moves = []
    for steps_done in (0, 1):  # Due, and not.
      gan.discriminator.set_weights(start)
      gan.average.n_updates.assign(steps_done)
      gan.rng = tf.random.Generator.from_seed(0)
      gan._train_discriminator(real, tf.zeros([2, 0]))
      moves.append([v.numpy() for v in variables])
    gan.discriminator.set_weights(start)
    with tf.GradientTape() as tape:
      penalty = tf.reduce_mean(losses.r1_penalty(gan.discriminator, real))
    for due, not_due, slope in zip(*moves, tape.gradient(penalty, variables)):
      expected = np.zeros_like(due) if slope is None else 3 * 6 / 2 * slope
      self.assertAllClose(not_due - due, expected, rtol=1e-3, atol=1e-4)

  def test_path_mean_moves_by_a_hundredth_when_due(self):
    gan = _gan(path_weight=1.0, path_every=2)
    lengths = []
    wanted = losses.path_lengths
    losses.path_lengths = lambda *x: lengths.append(wanted(*x)) or lengths[-1]
    try:
      for _ in range(2):
        gan.train_step(_batch())
    finally:
      losses.path_lengths = wanted
    self.assertLen(lengths, 1)
    self.assertAllClose(gan.path_mean.mean, 0.01 * lengths[0][0], rtol=1e-4)


class AugmentationTest(tf.test.TestCase):
  def test_probability_follows_the_real_scores_and_is_reported(self):
    gan = _gan(augmentation=AdaptiveAugmentation(ramp=4.0, every=1))
    sign = np.sign(np.mean(np.sign(gan.discriminator(tf.concat(_batch(), -1)))) - 0.6)
    for expected in (0.0, max(0.0, sign * 2 / 4)):
      gan.reset_metrics()
      self.assertEqual(float(gan.train_step(_batch())['augmentation']), expected)
    self.assertNotIn('augmentation', _gan().train_step(_batch()))

  def test_all_that_is_seen_in_training_is_changed_and_nothing_in_tests(self):
    gan, seen = _gan(augmentation=AdaptiveAugmentation(initial=1.0), r1_weight=1.0), []
    plain, scores = gan.augmentation.call, []
    gan.augmentation.call = lambda inputs: seen.append(inputs) or plain(inputs)
    judge = gan.discriminator.call
    gan.discriminator.call = lambda *x, **y: scores.append(x[0]) or judge(*x, **y)
    gan.train_step(_batch())
    # The generator's own, then real, fake, and real with the same numbers for the penalty.
    self.assertLen(seen, 4)
    self.assertLen(scores, 4)
    self.assertAllEqual(seen[1][0], tf.concat(_batch(), -1))
    self.assertAllEqual(seen[1][1], seen[3][1])
    self.assertNotAllEqual(seen[1][1], seen[2][1])
    gan.test_step(_batch())
    self.assertLen(seen, 4)

  def test_penalty_is_that_of_slices_before_the_change(self):
    gan = _gan(augmentation=AdaptiveAugmentation(initial=1.0), r1_weight=6.0)
    real, changes = tf.concat(_batch(), -1), tf.random.stateless_uniform([2, N_NUMBERS], [0, 0])
    judge = lambda x: gan.discriminator(gan.augmentation((x, changes)))
    expected = 3 * losses.r1_penalty(judge, real)
    self.assertAllClose(gan._r1(real, tf.zeros([2, 0]), changes), expected, rtol=1e-5)
    self.assertNotAllClose(3 * losses.r1_penalty(gan.discriminator, real), expected, rtol=1e-3)


class StylesTest(tf.test.TestCase):
  def test_mixing_by_hand(self):
    """Of six layers: a draw of .5 begins at the third, .99 at the fifth, one above the share not."""
    networks = _networks()
    gan = StyleGAN(
      networks[0],
      style_generator((16, 16), 1, 2, 4, 16, 3, noise=False),
      style_discriminator((16, 16), 1, 2, 16, 3),
      n_contrasts=1,
      mixing=0.6,
    )
    draws = {
      'latents': tf.random.stateless_normal([4, 2, 5], seed=[0, 0]),
      'mixing': tf.constant([[0.5, 0.5], [0.5, 0.99], [0.7, 0.5], [0.0, 0.0]]),
    }
    style, styles = gan.draws.styles(gan.mapping, draws, tf.zeros([4, 0]))
    other = gan.mapping(draws['latents'][:, 1])
    is_other = np.any(styles.numpy() != style.numpy()[:, None], axis=-1)
    self.assertAllEqual(is_other.sum(1), [3, 1, 0, 5])
    self.assertAllEqual(styles[0, 3:], tf.tile(other[:1], [3, 1]))
    self.assertAllEqual(styles[0, :3], tf.tile(style[:1], [3, 1]))

  def test_truncation(self):
    gan = _gan()
    latent = tf.random.stateless_normal([2, 5], seed=[0, 0])
    gan.style_mean.mean.assign([1.0, 2.0, 3.0, 4.0])
    mean = gan.average(tf.tile([[[1.0, 2.0, 3.0, 4.0]]], [2, gan.draws.n_layers, 1]))
    drawn = lambda psi: tf.concat(list(gan(latent, truncation=tf.fill([2], psi)).values()), -1)
    self.assertAllClose(drawn(0.0), mean, atol=1e-5)
    self.assertAllClose(drawn(1.0), tf.concat(list(gan(latent).values()), -1), atol=1e-5)
    self.assertNotAllClose(drawn(0.5), mean, atol=1e-5)

  def test_truncation_keeps_what_was_asked_for(self):
    """A mapping of conditions alone: each style is the mean one of its condition, whatever of all."""
    latent, condition = tf.keras.Input([5]), tf.keras.Input([2])
    style = tf.keras.layers.Dense(4, use_bias=False)(condition)
    style = tf.keras.layers.Add()([style, tf.keras.layers.Dense(4, kernel_initializer='zeros')(latent)])
    _, generator, _ = _networks()
    gan = StyleGAN(
      tf.keras.Model([latent, condition], style),
      generator,
      style_discriminator((8, 8), 1, 2, 16, 3, n_conditions=2),
      n_contrasts=1,
    )
    gan.style_mean.mean.assign([1.0, 2.0, 3.0, 4.0])
    latents = tf.random.stateless_normal([2, 5], seed=[0, 0])
    asked = tf.constant([[0.5, 1.0], [-1.0, 0.0]])
    drawn = lambda psi: gan(latents, asked, truncation=tf.fill([2], psi))['probability']
    self.assertAllClose(drawn(0.0), drawn(1.0), atol=1e-6)

  def test_truncation_under_mixed_precision(self):
    tf.keras.mixed_precision.set_global_policy('mixed_bfloat16')
    self.addCleanup(tf.keras.mixed_precision.set_global_policy, 'float32')
    _networks.cache_clear()
    self.addCleanup(_networks.cache_clear)
    gan = _gan()
    drawn = gan(tf.zeros([2, 5]), truncation=tf.constant([0.5, 1.0]))
    self.assertEqual(drawn['image'].dtype, tf.float32)

  def test_mean_style_is_that_of_the_draws(self):
    gan = _gan()
    gan.rng = tf.random.Generator.from_seed(3)
    latents = tf.random.Generator.from_seed(3).normal([2, 2, 5])[:, 0]
    gan._train_generator(tf.zeros([2, 0]))
    self.assertAllClose(gan.style_mean.mean, 0.005 * tf.reduce_mean(gan.mapping(latents), 0), rtol=1e-4)


class AveragesTest(tf.test.TestCase):
  def test_half_life_grows_with_what_was_seen(self):
    """Batches of 2: after 10 steps 20 slices, a tenth of which is a batch; never more than 4."""
    gan = _gan(ema_half_life=4.0, ema_ramp=0.1)
    for step, keep in ((0, 0.0), (10, 0.5), (100, 0.5**0.5)):
      gan.average.n_updates.assign(step)
      for network in (gan.average.network, gan.generator, gan.average_mapping.network, gan.mapping):
        average = network in (gan.average.network, gan.average_mapping.network)
        for weight in network.weights:
          weight.assign(tf.fill(weight.shape, 1.0 if average else 3.0))
      gan._update_averages(tf.constant(2))
      for network in (gan.average.network, gan.average_mapping.network):
        weight = network.weights[0].numpy()
        self.assertAllClose(weight, np.full(weight.shape, keep + (1 - keep) * 3.0))


class KindsTest(tf.test.TestCase):
  def test_classes_alone(self):
    gan = _gan(n_contrasts=0)
    gan.train_step(_batch(n_contrasts=0))
    drawn = gan(tf.zeros([3, 5]))
    self.assertEqual((drawn['image'].shape, drawn['probability'].shape), ((3, 8, 8, 0), (3, 8, 8, 2)))

  def test_refused(self):
    mapping, generator, discriminator = _networks()
    with self.assertRaisesRegex(ValueError, r'takes \(8, 8, 2\) .* expected \(8, 8, 3\)'):
      StyleGAN(mapping, generator, _networks(0)[2], n_contrasts=1)
    with self.assertRaisesRegex(ValueError, 'styles of 3, expected 4'):
      StyleGAN(style_mapping(5, 3, 1), generator, discriminator, n_contrasts=1)
    with self.assertRaisesRegex(ValueError, 'n_contrasts is 4, expected at most 3'):
      StyleGAN(mapping, generator, discriminator, n_contrasts=4)
    with self.assertRaisesRegex(ValueError, 'r1_every 0'):
      StyleGAN(mapping, generator, discriminator, n_contrasts=1, r1_every=0)
    with self.assertRaisesRegex(ValueError, 'ema_ramp 0'):
      StyleGAN(mapping, generator, discriminator, n_contrasts=1, ema_ramp=0.0)


if __name__ == '__main__':
  tf.test.main()
