"""What moves in a step and by how much; what all models do alike is in `conformance_test`."""

import numpy as np
import tensorflow as tf

from keras_itm.models.lesion_gan import LesionGAN
from keras_itm.networks.lesion_critic import lesion_critic
from keras_itm.networks.lesion_generator import lesion_generator

_SHAPE = (8, 8, 4)
_N_METRICS = {
  'critic_loss',
  'generator_loss',
  'wasserstein_distance',
  'real_score',
  'fake_score',
  'lesion_share',
  'gradient_penalty',
  'gradient_norm',
}


def _adam():
  return tf.keras.optimizers.Adam(1e-3, beta_1=0.0, beta_2=0.9)


def _gan(critic_steps=2, seed=0, optimizer=_adam, size_exponent=0.0):
  tf.keras.utils.set_random_seed(seed)
  gan = LesionGAN(
    lesion_generator(_SHAPE, 5, 4, (3,), lesion_rate=0.1),
    lesion_critic(_SHAPE, (2, 3)),
    latent_size=5,
    critic_steps=critic_steps,
    ema_decay=0.5,
    size_exponent=size_exponent,
    seed=seed,
  )
  gan.compile(optimizer(), optimizer())
  return gan


def _masks(n, seed=0):
  return (np.random.default_rng(seed).uniform(size=(n, *_SHAPE)) < 0.1).astype(np.uint8)


def _values(variables):
  return [v.numpy() for v in variables]


def _moved(before, variables):
  return [bool(np.any(a != b.numpy())) for a, b in zip(before, variables)]


class LossesTest(tf.test.TestCase):
  def test_against_numpy(self):
    """A linear critic has the same slope everywhere, so that all can be worked out."""
    gan = _gan()
    weights = np.random.default_rng(1).normal(size=_SHAPE).astype(np.float32)
    gan.critic = lambda masks, training: tf.reduce_sum(masks * weights, axis=[1, 2, 3])
    real = _masks(3).astype(np.float32)
    fake = np.random.default_rng(2).uniform(size=(3, *_SHAPE)).astype(np.float32)
    distance = (real * weights).sum((1, 2, 3)) - (fake * weights).sum((1, 2, 3))
    norm = np.linalg.norm(weights)
    losses = gan.critic_losses(tf.constant(real), tf.constant(fake), tf.constant([0.0, 0.3, 1.0]))
    self.assertAllClose(losses['wasserstein_distance'], distance, rtol=1e-4, atol=1e-4)
    self.assertAllClose(losses['real_score'] - losses['fake_score'], distance, rtol=1e-4, atol=1e-4)
    self.assertAllClose(losses['lesion_share'], real.mean((1, 2, 3)))
    self.assertAllClose(losses['gradient_norm'], [norm] * 3, rtol=1e-4)
    self.assertAllClose(losses['gradient_penalty'], [(norm - 1) ** 2] * 3, rtol=1e-4)
    self.assertAllClose(losses['critic_loss'], -distance + 10 * (norm - 1) ** 2, rtol=1e-4)
    generator_loss = gan.generator_losses(tf.constant(fake))['generator_loss']
    self.assertAllClose(generator_loss, -(fake * weights).sum((1, 2, 3)), rtol=1e-4, atol=1e-4)

  def test_critic_sees_balanced_sizes(self):
    gan = _gan(size_exponent=0.5)
    seen = []
    gan.critic = lambda masks, training: seen.append(masks) or tf.reduce_sum(masks, axis=[1, 2, 3])
    real, fake = tf.ones([1, *_SHAPE]), tf.fill([1, *_SHAPE], 0.25)
    scale = ((256 + 20) / (256 + 20)) ** -0.5, ((64 + 20) / (256 + 20)) ** -0.5
    losses = gan.critic_losses(real, fake, tf.constant([0.5]))
    self.assertAllClose(losses['wasserstein_distance'], [256 * scale[0] - 64 * scale[1]])
    between = (scale[0] + 0.25 * scale[1]) / 2  # Of the views.
    self.assertAllClose(seen[1], between * np.ones((1, *_SHAPE)))
    loss = gan.generator_losses(tf.fill([1, *_SHAPE], 0.25))['generator_loss']
    self.assertAllClose(loss, [-64 * scale[1]])


class TrainStepTest(tf.test.TestCase):
  def test_critic_update_moves_the_critic_only(self):
    gan = _gan()
    generator, critic = _values(gan.generator.variables), _values(gan.critic.variables)
    gan._train_critic(tf.constant(_masks(2), tf.float32))
    self.assertFalse(any(_moved(generator, gan.generator.variables)))
    # The last bias adds the same to all scores and has no slope.
    self.assertEqual(_moved(critic, gan.critic.variables), [True] * (len(critic) - 1) + [False])

  def test_generator_update_moves_the_generator_only(self):
    gan = _gan()
    generator, critic = _values(gan.generator.variables), _values(gan.critic.variables)
    gan._train_generator(tf.constant(2))
    self.assertTrue(all(_moved(generator, gan.generator.trainable_variables)))
    self.assertFalse(any(_moved(critic, gan.critic.variables)))

  def test_update_counts(self):
    gan = _gan(critic_steps=3)
    history = gan.fit(_masks(12), batch_size=6, epochs=2, verbose=0).history
    self.assertEqual(set(history), _N_METRICS)
    self.assertEqual(gan.generator_optimizer.iterations.numpy(), 4)
    self.assertEqual(gan.discriminator_optimizer.iterations.numpy(), 12)
    self.assertEqual(gan.average.n_updates.numpy(), 4)

  def test_each_critic_update_sees_its_own_part_of_the_batch(self):
    gan = _gan(critic_steps=2)
    masks = _masks(6)
    seen, sizes = [], []
    gan._train_critic = lambda real: seen.append(real.numpy())
    gan._train_generator = lambda n: sizes.append(int(n))
    gan.train_step(tf.constant(masks))
    self.assertAllEqual(seen, [masks[[0, 2, 4]], masks[[1, 3, 5]]])
    self.assertEqual(sizes, [3])

  def test_each_update_draws_anew(self):
    gan = _gan(critic_steps=2)
    drawn, losses = [], gan.critic_losses
    gan.critic_losses = lambda *x: drawn.append([v.numpy() for v in x[1:]]) or losses(*x)
    gan.train_step(tf.constant(_masks(4)))
    (fake, alpha), (_, other_alpha) = drawn
    for first, second in ((alpha[0], alpha[1]), (alpha[0], other_alpha[0])):
      self.assertNotEqual(first, second)
    self.assertAllInRange([*alpha, *other_alpha], 0.0, 1.0)
    self.assertNotAllClose(fake[0], fake[1], atol=1e-6, rtol=1e-6)
    self.assertNotAllClose(gan._latents(1), gan._latents(1))

  def test_trains_towards_the_critic(self):
    """Descending on the generator's loss raises the scores of its fakes, and the critic's
    distance grows while the generator stands still."""
    gan = _gan(optimizer=lambda: tf.keras.optimizers.SGD(0.01))
    latents = tf.random.stateless_normal([32, 5], seed=[0, 0])
    score = lambda: float(tf.reduce_mean(gan.critic(gan.generator(latents)[..., 1])))
    before = score()
    for _ in range(20):
      gan._train_generator(tf.constant(32))
    self.assertGreater(score(), before)
    gan.penalty_weight = 0.0  # It would first bring the slope to 1, whatever the distance.
    real = tf.constant(_masks(32), tf.float32)
    distance = lambda: float(tf.reduce_mean(gan.critic(real))) - score()
    before = distance()
    for _ in range(20):
      gan._train_critic(real)
    self.assertGreater(distance(), before)

  def test_calls_the_average(self):
    gan = _gan()
    gan.fit(_masks(4), batch_size=4, verbose=0)
    latents = tf.random.stateless_normal([3, 5], seed=[0, 0])
    self.assertAllClose(gan(latents), gan.average.network(latents)[..., 1])
    self.assertNotAllClose(gan(latents), gan.generator(latents)[..., 1], atol=1e-7, rtol=1e-7)


class ContradictionTest(tf.test.TestCase):
  def test_refused(self):
    generator, critic = lesion_generator(_SHAPE, 5, 4, (3,)), lesion_critic(_SHAPE, (2,))
    with self.assertRaisesRegex(ValueError, r'takes \(5,\), expected latents of size 6'):
      LesionGAN(generator, critic, latent_size=6)
    with self.assertRaisesRegex(ValueError, r'makes \(8, 8, 4, 2\), expected \(8, 8, 8, 2\)'):
      LesionGAN(generator, lesion_critic((8, 8, 8), (2,)), latent_size=5)
    with self.assertRaisesRegex(ValueError, 'critic_steps 0'):
      LesionGAN(generator, critic, latent_size=5, critic_steps=0)
    with self.assertRaisesRegex(ValueError, 'size_exponent is 0.6'):
      LesionGAN(generator, critic, latent_size=5, size_exponent=0.6)
    with self.assertRaisesRegex(ValueError, 'batch of 5 masks'):
      _gan(critic_steps=2).train_step(tf.constant(_masks(5)))


if __name__ == '__main__':
  tf.test.main()
