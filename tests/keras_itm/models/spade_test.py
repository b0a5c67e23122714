"""What moves in a step and by how much, what the latent does, and latents under tf.distribute."""

from unittest import mock

import numpy as np
import tensorflow as tf

from keras_itm.models.spade import Spade
from keras_itm.networks.image_encoder import image_encoder
from keras_itm.networks.patch_gan import patch_gan
from keras_itm.networks.spade_generator import spade_generator
from tests.keras_itm.models import model_testing as testing
from tests.keras_itm.models.model_testing import N_LABELS, batches, pairs, sgd

_ADAM = testing.adam()
_LATENT_SIZE = 4
_METRICS = {
  'discriminator_loss',
  'generator_loss',
  'adversarial_loss',
  'feature_matching_loss',
  'l1_loss',
  'real_logit',
  'fake_logit',
}


def _generator():
  return spade_generator((8, 8), N_LABELS, 1, _LATENT_SIZE, 4, (4, 3), 5)


def _discriminator():
  return patch_gan(N_LABELS, 1, (4, 5), (2, 1), 2, normalised=(False, True), spectral=True)


def _model(generator=_ADAM, discriminator=_ADAM, seed=0, latent_seed=0, **arguments):
  tf.keras.utils.set_random_seed(seed)
  model = Spade(_generator(), _discriminator(), ema_decay=0.5, seed=latent_seed, **arguments)
  model.compile(generator(), discriminator())
  return model


def _same_latents(model):
  """Latents that depend neither on the step nor on an example's place; within the context."""
  draw = lambda shape: tf.broadcast_to(tf.linspace(-1.0, 1.0, _LATENT_SIZE), shape)
  return mock.patch.object(model, 'rng', mock.Mock(normal=draw))


def _settled(*optimizers, **arguments):
  """A model whose singular values do not move with the calls, so that a step can be repeated."""
  model = _model(*optimizers, **arguments)
  testing.settle_spectral_norms(model.generator)
  testing.settle_spectral_norms(model.discriminator)
  return model


def _fake(model, one_hot):
  latent = tf.broadcast_to(tf.linspace(-1.0, 1.0, _LATENT_SIZE), [one_hot.shape[0], _LATENT_SIZE])
  return model.generator([one_hot, latent])


def _arrays(seed):
  return np.random.default_rng(seed).normal(size=(2, 8, 8, 1)).astype(np.float32)


class LossesTest(tf.test.TestCase):
  def test_against_numpy(self):
    """A discriminator of two scales: sum of the pair as a feature, three times that as logits."""
    model = _model(feature_weight=7.0)
    total = lambda x: tf.reduce_sum(x[0][..., 1:2], 3, keepdims=True) + x[1]
    maps = lambda total: [tf.concat([total, total**2], -1), 3 * total]
    model.discriminator = lambda pair, training: [maps(total(pair)), maps(total(pair)[:, :4])]
    labels, image, fake = tf.one_hot(pairs(2)[0], N_LABELS), _arrays(1), _arrays(2)

    def mean(function, *values):
      totals = [labels.numpy()[..., 1:2] + x for x in values]
      scales = [totals, [x[:, :4] for x in totals]]
      return sum(function(*scale).mean((1, 2, 3)) for scale in scales) / 2

    found = model.discriminator_losses(labels, tf.constant(image), tf.constant(fake))
    real_term = mean(lambda x: np.maximum(1 - 3 * x, 0), image)
    fake_term = mean(lambda x: np.maximum(1 + 3 * x, 0), fake)
    self.assertAllClose(found['discriminator_loss'], real_term + fake_term, rtol=1e-5)
    self.assertAllClose(found['real_logit'], mean(lambda x: 3 * x, image), rtol=1e-4, atol=1e-5)
    self.assertAllClose(found['fake_logit'], mean(lambda x: 3 * x, fake), rtol=1e-4, atol=1e-5)
    found = model.generator_losses(labels, tf.constant(image), tf.constant(fake))
    features = mean(lambda x, y: (np.abs(x - y) + np.abs(x**2 - y**2)) / 2, image, fake)
    adversarial = -mean(lambda x: 3 * x, fake)
    self.assertAllClose(found['adversarial_loss'], adversarial, rtol=1e-4, atol=1e-5)
    self.assertAllClose(found['feature_matching_loss'], features, rtol=1e-5)
    self.assertAllClose(found['generator_loss'], adversarial + 7 * features, rtol=1e-5)
    self.assertAllClose(found['l1_loss'], np.abs(image - fake).mean((1, 2, 3)), rtol=1e-5)

  def test_test_step_trains_nothing_and_judges_the_average(self):
    model = _model()
    model.train_step(pairs())
    trained = [*model.generator.variables, *model.average.variables]
    # The vectors of the spectral norm included: to validate more often is not to train differently.
    trained += model.discriminator.variables
    state = testing.values(trained)
    result = model.evaluate(batches(8), verbose=0, return_dict=True)
    self.assertEqual(result.keys(), _METRICS)
    self.assertFalse(any(testing.moved(state, trained)))
    self.assertEqual(result, model.evaluate(batches(8), verbose=0, return_dict=True))
    labels, image = pairs(8)
    self.assertAllClose(result['l1_loss'], np.abs(model(labels) - image).mean(), rtol=1e-5)


class EncoderTest(tf.test.TestCase):
  def _model(self, *optimizers, **options):
    return _model(*optimizers, encoder=image_encoder((8, 8), 1, _LATENT_SIZE, (3, 4)), **options)

  def test_latents_by_hand(self):
    """mean + sd * noise, and the weighted divergence; the encoder is a fixed one."""
    model = self._model(kl_weight=0.5)
    mean, sd = np.array([[1.0, 0, 0, 0]], np.float32), np.array([[2.0, 1, 1, 1]], np.float32)
    model.encoder = lambda image: (tf.constant(mean), tf.constant(2 * np.log(sd)))
    noise = np.array([[1.0, 2, 3, -4]], np.float32)
    latent, terms = model.latents(tf.zeros([1, 8, 8, 1]), tf.constant(noise))
    self.assertAllClose(latent, [[3.0, 2, 3, -4]])
    # Half of (1 + 4 - 1 - log 4), of the first number alone.
    self.assertAllClose(terms['kl_loss'], [0.5 * 0.5 * (4 - np.log(4))], rtol=1e-5)

  def test_a_step_trains_it_by_both_terms(self):
    model = self._model(kl_weight=0.0)
    before = testing.values(model.encoder.trainable_variables)
    results = model.train_step(pairs())
    self.assertTrue(all(testing.moved(before, model.encoder.trainable_variables)))
    self.assertEqual(results['kl_loss'], 0)
    # Alone, the divergence brings mean and variance to those of noise.
    model = self._model(testing.adam(0.01), sgd(0.0), kl_weight=100.0)
    step = tf.function(model.train_step)
    first = float(step(pairs())['kl_loss'])
    for _ in range(60):
      model.reset_metrics()
      results = step(pairs())
    self.assertLess(results['kl_loss'], 0.1 * first)
    self.assertGreater(results['generator_loss'], results['kl_loss'] - 10)

  def test_other_latents_are_refused(self):
    encoder = image_encoder((8, 8), 1, _LATENT_SIZE + 1, (3, 4))
    with self.assertRaisesRegex(ValueError, 'encoder gives latents of 5 numbers, expected 4'):
      Spade(_generator(), _discriminator(), encoder)


class TrainStepTest(tf.test.TestCase):
  def test_all_that_should_moves(self):
    model = _model()
    parts = {
      'generator': model.generator.weights,
      'discriminator': model.discriminator.weights,
      'average': model.average.network.weights,
    }
    before = {name: testing.values(variables) for name, variables in parts.items()}
    model.train_step(pairs())
    for name, variables in parts.items():
      moved = testing.moved(before[name], variables)
      # A bias that a normalisation takes away may stand still, but no kernel and no spectral vector.
      still = [v.name for m, v in zip(moved, variables) if not m and 'bias' not in v.name]
      self.assertEmpty(still, name)

  def test_each_optimizer_moves_its_own_network_only(self):
    for rates, moves in (((0.0, 0.1), (False, True)), ((0.1, 0.0), (True, False))):
      model = _model(sgd(rates[0]), sgd(rates[1]))
      parts = (model.generator.trainable_variables, model.discriminator.trainable_variables)
      before = [testing.values(variables) for variables in parts]
      model.train_step(pairs())
      moved = tuple(any(testing.moved(*pair)) for pair in zip(before, parts))
      self.assertEqual(moved, moves)

  def test_generator_update_by_hand(self):
    """Down the slope of -D(labels, G) + 10 sum of |D_i(labels, image) - D_i(labels, G)|."""
    model = _settled(sgd(0.1), sgd(0.0))
    labels, image = map(tf.constant, pairs())
    one_hot, variables = tf.one_hot(labels, N_LABELS), model.generator.trainable_variables
    real = model.discriminator([one_hot, image])
    with tf.GradientTape() as tape:
      fake = model.discriminator([one_hot, _fake(model, one_hot)])
      adversarial = -sum(tf.reduce_mean(maps[2]) for maps in fake) / 2
      distance = lambda i: sum(tf.reduce_mean(tf.abs(r[i] - f[i])) for r, f in zip(real, fake)) / 2
      loss = adversarial + 10 * (distance(0) + distance(1))
    expected = [v - 0.1 * slope for v, slope in zip(variables, tape.gradient(loss, variables))]
    with _same_latents(model):
      results = model.train_step((labels, image))
    self.assertAllClose(variables, expected, atol=1e-5)
    self.assertAllClose(results['generator_loss'], loss, rtol=1e-5)
    self.assertAllClose(results['adversarial_loss'], adversarial, rtol=1e-4, atol=1e-6)

  def test_discriminator_update_by_hand(self):
    """Down the slope of max(0, 1 - D(labels, image)) + max(0, 1 + D(labels, G))."""
    model = _settled(sgd(0.0), sgd(0.1))
    labels, image = map(tf.constant, pairs())
    one_hot, variables = tf.one_hot(labels, N_LABELS), model.discriminator.trainable_variables
    generated = _fake(model, one_hot)
    with tf.GradientTape() as tape:
      real = model.discriminator([one_hot, image])
      fake = model.discriminator([one_hot, generated])
      lack = lambda maps, sign: tf.reduce_mean(tf.maximum(1 - sign * maps[-1], 0))
      loss = sum(lack(r, 1) + lack(f, -1) for r, f in zip(real, fake)) / 2
    expected = [v - 0.1 * slope for v, slope in zip(variables, tape.gradient(loss, variables))]
    with _same_latents(model):
      results = model.train_step((labels, image))
    self.assertAllClose(variables, expected, atol=1e-5)
    self.assertAllClose(results['discriminator_loss'], loss, rtol=1e-5)

  def test_features_of_the_true_image_are_the_aim_not_the_means(self):
    """No slope of the matching term by the discriminator's maps of the true image."""
    model, (labels, image) = _model(), pairs(2)
    image, fake = tf.constant(image), tf.constant(_arrays(2))
    with tf.GradientTape(persistent=True) as tape:
      tape.watch([image, fake])
      found = model.generator_losses(tf.one_hot(labels, N_LABELS), image, fake)
    matching = found['feature_matching_loss']
    self.assertIsNone(tape.gradient(matching, image))
    self.assertGreater(np.abs(tape.gradient(matching, fake)).max(), 0)

  def test_discriminator_learns_to_separate(self):
    model = _model(sgd(0.0), testing.adam(0.01))
    step = tf.function(model.train_step)
    for _ in range(60):
      model.reset_metrics()
      results = step(pairs())
    self.assertGreater(results['real_logit'] - results['fake_logit'], 1.5)
    self.assertLess(results['discriminator_loss'], 0.5)

  def test_generator_learns_the_image(self):
    """By the maps of a discriminator that stands still: no term compares pixels."""
    model = _model(testing.adam(0.01), sgd(0.0))
    step = tf.function(model.train_step)
    first = step(pairs())
    first = {name: float(first[name]) for name in ('feature_matching_loss', 'l1_loss')}
    for _ in range(100):
      model.reset_metrics()
      results = step(pairs())
    # Over six seeds on either Keras, .20 to .29 of the features' distance is left, .59 to .75 of the
    # pixels'.
    self.assertLess(results['feature_matching_loss'], 0.4 * first['feature_matching_loss'])
    self.assertLess(results['l1_loss'], 0.85 * first['l1_loss'])


class LatentTest(tf.test.TestCase):
  def test_changes_the_image_of_the_same_labels(self):
    model, labels = _model(), pairs(1)[0]
    latents = tf.random.stateless_normal([3, _LATENT_SIZE], seed=[0, 1])
    images = model(np.repeat(labels, 3, axis=0), latents).numpy()
    for other in (1, 2):
      self.assertGreater(np.abs(images[other] - images[0]).mean(), 0.02 * images.std())
    self.assertAllClose(model(labels, latents[1:2]), images[1:2], atol=1e-6)
    self.assertEqual(model.latent_size, _LATENT_SIZE)

  def test_without_one_all_slices_share_a_fixed_one(self):
    model, labels = _model(), pairs(3)[0]
    images = model(labels)
    self.assertAllEqual(model(labels), images)
    latent = tf.random.stateless_normal([1, _LATENT_SIZE], seed=[0, 0])
    for i in range(3):
      self.assertAllClose(model(labels[i : i + 1], latent)[0], images[i], atol=1e-6)

  def test_each_example_and_step_draws_its_own(self):
    model = _model()
    with mock.patch.object(model, '_translate', wraps=model._translate) as translate:
      for _ in range(2):
        model.train_step(pairs())
    rows = np.concatenate([call.args[2] for call in translate.call_args_list])
    self.assertEqual(rows.shape, (8, _LATENT_SIZE))
    self.assertLen(np.unique(rows, axis=0), 8)

  def test_the_seed_repeats_the_draws(self):
    first, again, other = (_model(seed=i, latent_seed=s) for i, s in enumerate((3, 3, 4)))
    draws = [model.rng.normal([_LATENT_SIZE]) for model in (first, again, other)]
    self.assertAllEqual(draws[0], draws[1])
    self.assertNotAllClose(draws[0], draws[2])


class ContradictionTest(tf.test.TestCase):
  def test_refused(self):
    with self.assertRaisesRegex(ValueError, 'feature_weight is -1'):
      Spade(_generator(), _discriminator(), feature_weight=-1)
    with self.assertRaisesRegex(ValueError, 'decay is 1'):
      Spade(_generator(), _discriminator(), ema_decay=1)
    for other in (patch_gan(4, 1, (4,), (2,)), patch_gan(N_LABELS, 2, (4,), (2,))):
      with self.assertRaisesRegex(
        ValueError, r'discriminator takes .*, expected 3 labels and 1 contrasts'
      ):
        Spade(_generator(), other)


class DistributionTest(tf.test.TestCase):
  def test_replicas_draw_different_latents(self):
    strategy = testing.two_replicas()
    with strategy.scope():
      model = _model()
    draw = tf.function(lambda: strategy.run(lambda: model.rng.normal([2, _LATENT_SIZE])))
    one, two = strategy.experimental_local_results(draw())
    self.assertNotAllClose(one, two)


if __name__ == '__main__':
  testing.split_cpu()
  tf.test.main()
