"""What moves in a step and by how much; what all models do alike is in `conformance_test`."""

import numpy as np
import tensorflow as tf

from keras_itm.checks import check_labels
from keras_itm.models.cycle_gan import CycleGAN, Translations, label_distance
from keras_itm.networks.patch_gan import patch_gan
from keras_itm.networks.pix2pix_unet import pix2pix_unet
from keras_itm.networks.resnet_generator import resnet_generator
from tests.keras_itm.models.model_testing import (
  N_LABELS,
  adam,
  moved,
  pairs,
  sgd,
  split_cpu,
  values,
)

_LOSSES = {
  'discriminator_loss',
  'generator_loss',
  'adversarial_loss',
  'label_adversarial_loss',
  'image_cycle_loss',
  'label_cycle_loss',
  'real_logit',
  'fake_logit',
  'real_label_logit',
  'fake_label_logit',
}
_NETWORKS = ('generator', 'back_generator', 'discriminator', 'label_discriminator')


def _networks(dropout=0.0):
  """Of both kinds of generators; two scales on the one side and one on the other."""
  return {
    'generator': pix2pix_unet((8, 8), N_LABELS, 1, (4, 5), dropout=dropout),
    'back_generator': resnet_generator((8, 8), 1, N_LABELS, 4, 1, 1, activation='softmax'),
    'discriminator': patch_gan(0, 1, (4,), (2,), n_scales=2),
    'label_discriminator': patch_gan(N_LABELS, 0, (4,), (2,)),
  }


_ADAM = adam()


def _model(generators=_ADAM, discriminators=_ADAM, dropout=0.0, seed=0, **options):
  tf.keras.utils.set_random_seed(seed)
  model = CycleGAN(**_networks(dropout), **{'ema_decay': 0.5, **options})
  model.compile(generators(), discriminators())
  return model


def _unpaired(n=4, seed=0):
  return pairs(n, seed)[0], pairs(n, seed + 100)[1]


def _batches(n, size=4, seed=0, draw=_unpaired):
  return tf.data.Dataset.from_tensor_slices(draw(n, seed)).batch(size, drop_remainder=True)


def _train(model, seed, n_steps=2):
  """Eagerly: quicker than to compile a few steps."""
  for batch in _batches(4 * n_steps, seed=seed):
    results = model.train_step(batch)
  return {name: float(value) for name, value in results.items()}


def _squared(network, x, target):
  """Mean squared distance of the logits from a target; mean over scales."""
  maps = [scale[-1] for scale in network(x)]
  return sum(tf.reduce_mean((logits - target) ** 2) for logits in maps) / len(maps)


class LossesTest(tf.test.TestCase):
  def setUp(self):
    super().setUp()
    rng = np.random.default_rng(1)
    draw = lambda *shape: rng.normal(size=shape).astype(np.float32)
    self.labels, self.image = tf.one_hot(pairs(2)[0], N_LABELS), draw(2, 8, 8, 1)
    soft = lambda: tf.nn.softmax(draw(2, 8, 8, N_LABELS))
    self.made = Translations(draw(2, 8, 8, 1), soft(), draw(2, 8, 8, 1), soft())
    self.model = _model(cycle_weight=7.0)
    # Discriminators that pick a channel, at two scales and at one.
    self.model.discriminator = lambda x, training: [[None, x], [2 * x[:, :4]]]
    self.model.label_discriminator = lambda x, training: [[x[..., 1:2]]]

  def _scales(self, f, image):
    image = np.asarray(image)
    return (f(image).mean((1, 2, 3)) + f(2 * image[:, :4]).mean((1, 2, 3))) / 2

  def test_generators_against_numpy(self):
    values = self.model.generator_losses(self.labels, self.image, self.made)
    adversarial = self._scales(lambda x: (x - 1) ** 2, self.made.image)
    label_adversarial = ((self.made.labels[..., 1].numpy() - 1) ** 2).mean((1, 2))
    image_cycle = np.abs(self.image - self.made.image_again).mean((1, 2, 3))
    # |1 - p| at the label and p at all others, which are of sum 1 - p.
    p = (self.labels.numpy() * self.made.labels_again.numpy()).sum(-1)
    label_cycle = 2 * (1 - p).mean((1, 2))
    self.assertAllClose(values['adversarial_loss'], adversarial, rtol=1e-5)
    self.assertAllClose(values['label_adversarial_loss'], label_adversarial, rtol=1e-5)
    self.assertAllClose(values['image_cycle_loss'], image_cycle, rtol=1e-5)
    self.assertAllClose(values['label_cycle_loss'], label_cycle, rtol=1e-5)
    total = adversarial + label_adversarial + 7 * (image_cycle + label_cycle)
    self.assertAllClose(values['generator_loss'], total, rtol=1e-5)

  def test_discriminators_against_numpy(self):
    made = self.made
    values = self.model.discriminator_losses(self.labels, self.image, made.labels, made.image)
    real, fake = self.labels[..., 1].numpy(), made.labels[..., 1].numpy()
    loss = self._scales(lambda x: (x - 1) ** 2, self.image) + self._scales(np.square, made.image)
    loss += ((real - 1) ** 2).mean((1, 2)) + (fake**2).mean((1, 2))
    self.assertAllClose(values['discriminator_loss'], loss / 2, rtol=1e-5)
    self.assertAllClose(values['real_logit'], self._scales(lambda x: x, self.image), rtol=1e-4)
    self.assertAllClose(values['fake_logit'], self._scales(lambda x: x, made.image), rtol=1e-4)
    self.assertAllClose(values['real_label_logit'], real.mean((1, 2)), rtol=1e-5)
    self.assertAllClose(values['fake_label_logit'], fake.mean((1, 2)), rtol=1e-5)

  def test_label_distance_does_not_depend_on_how_many_labels_there_are(self):
    for n_labels in (2, 29):
      labels = tf.one_hot([[[0, 1]]], n_labels)
      self.assertAllClose(label_distance(labels, labels), [0.0])
      self.assertAllClose(label_distance(labels, labels[:, :, ::-1]), [2.0])
      self.assertAllClose(label_distance(labels, 0.25 * labels + 0.75 * labels[:, :, ::-1]), [1.5])

  def test_discriminators_learn_opposite_labels(self):
    check_labels(_model().discriminator_loss)


class TestStepTest(tf.test.TestCase):
  def test_trains_nothing_and_judges_the_average(self):
    model = _model(dropout=0.5)
    _train(model, 0)
    state = values(model.variables)
    result = model.evaluate(_batches(8, draw=pairs), verbose=0, return_dict=True)
    self.assertEqual(result.keys(), _LOSSES | {'l1_loss'})
    self.assertEqual(result, model.evaluate(_batches(8, draw=pairs), verbose=0, return_dict=True))
    for before, variable in zip(state, model.variables):
      # The means of the metrics are no part of what is trained.
      if variable.name.split(':')[0] not in ('total', 'count'):
        self.assertAllEqual(before, variable, variable.name)
    labels, image = pairs(8)
    self.assertAllClose(result['l1_loss'], np.abs(model(labels) - image).mean(), rtol=1e-5)
    again = model.average.network(model.back_generator(image))
    self.assertAllClose(result['image_cycle_loss'], np.abs(again - image).mean(), rtol=1e-5)


class TrainStepTest(tf.test.TestCase):
  def test_all_kernels_move(self):
    model = _model()
    parts = {name: getattr(model, name).trainable_variables for name in _NETWORKS}
    parts['average'] = model.average.network.weights
    before = {name: values(variables) for name, variables in parts.items()}
    model.train_step(_unpaired())
    for name, variables in parts.items():
      kernels = [m for m, v in zip(moved(before[name], variables), variables) if 'kernel' in v.name]
      self.assertNotEmpty(kernels)
      self.assertTrue(all(kernels), name)

  def test_each_optimizer_moves_its_own_networks_only(self):
    for rates, moves in (((0.0, 0.1), (0, 0, 1, 1)), ((0.1, 0.0), (1, 1, 0, 0))):
      model = _model(sgd(rates[0]), sgd(rates[1]))
      before = [values(getattr(model, name).variables) for name in _NETWORKS]
      model.train_step(_unpaired())
      for name, old, move in zip(_NETWORKS, before, moves):
        self.assertEqual(any(moved(old, getattr(model, name).variables)), bool(move), name)

  def test_generator_update_by_hand(self):
    """Down the slope by both generators of all four terms, before the discriminators move."""
    model = _model(sgd(0.1), sgd(0.1))
    labels, image = _unpaired()
    one_hot, variables = tf.one_hot(labels, N_LABELS), model.generator_variables
    with tf.GradientTape() as tape:
      fake, fake_labels = model.generator(one_hot), model.back_generator(image)
      adversarial = _squared(model.discriminator, fake, 1)
      label_adversarial = _squared(model.label_discriminator, fake_labels, 1)
      image_cycle = tf.reduce_mean(tf.abs(image - model.generator(fake_labels)))
      distance = tf.abs(one_hot - model.back_generator(fake))
      label_cycle = tf.reduce_mean(distance) * N_LABELS
      loss = adversarial + label_adversarial + 10 * (image_cycle + label_cycle)
    expected = [v - 0.1 * slope for v, slope in zip(variables, tape.gradient(loss, variables))]
    results = model.train_step((labels, image))
    self.assertLen(variables, len(model.generator.weights) + len(model.back_generator.weights))
    self.assertAllClose(variables, expected, atol=1e-6)
    self.assertAllClose(results['generator_loss'], loss, rtol=1e-5)

  def test_discriminator_update_by_hand(self):
    """Real slices to 1; to 0 what the pools gave, for which older slices stand in here."""
    model = _model(sgd(0.1), sgd(0.1))
    labels, image = _unpaired()
    one_hot = tf.one_hot(labels, N_LABELS)
    given = [model.generator(one_hot), model.back_generator(image)]
    old_image, old_labels = pairs(seed=7)[1], tf.one_hot(pairs(seed=8)[0], N_LABELS)
    pooled = []
    pool = lambda old, share: lambda x: pooled.append(x) or (old, tf.constant(share))
    model.image_pool, model.label_pool = pool(old_image, [1.0, 1, 0, 1]), pool(old_labels, [0.0] * 4)
    variables = model.discriminator_variables
    with tf.GradientTape() as tape:
      loss = _squared(model.discriminator, image, 1) + _squared(model.discriminator, old_image, 0)
      loss += _squared(model.label_discriminator, one_hot, 1)
      loss += _squared(model.label_discriminator, old_labels, 0)
      loss /= 2
    expected = [v - 0.1 * slope for v, slope in zip(variables, tape.gradient(loss, variables))]
    results = model.train_step((labels, image))
    self.assertAllClose(variables, expected, atol=1e-6)
    self.assertAllClose(results['discriminator_loss'], loss, rtol=1e-5)
    self.assertAllClose(results['pool_old_share'], 0.75)
    self.assertAllClose(pooled, given, atol=1e-6)

  def test_pools_give_back_old_translations_once_full(self):
    model = _model(pool_size=4)
    self.assertEqual(float(model.train_step(_unpaired())['pool_old_share']), 0.0)
    model.reset_metrics()
    share = _train(model, seed=1, n_steps=6)['pool_old_share']
    self.assertBetween(share, 0.1, 0.7)
    self.assertNotAllEqual(model.image_pool.images[:-1], tf.zeros([4, 8, 8, 1]))
    self.assertAllClose(tf.reduce_sum(model.label_pool.images[:-1], -1), np.ones((4, 8, 8)))

  def test_learns_to_translate_there_and_back(self):
    rate = adam(5e-3)
    model = _model(rate, rate)
    step = tf.function(model.train_step)
    first = {name: float(value) for name, value in step(_unpaired(8)).items()}
    for i in range(200):
      if i == 150:  # A game goes up and down: the mean of the last 50 steps.
        model.reset_metrics()
      last = step(_unpaired(8))
    self.assertLess(last['image_cycle_loss'], first['image_cycle_loss'] / 1.5)
    self.assertLess(last['label_cycle_loss'], first['label_cycle_loss'] / 1.5)

  def test_checks_read_what_training_reports(self):
    model = _model(pool_size=30)
    reported = model.train_step(_unpaired())
    self.assertContainsSubset({name for check in model.checks for name in check.metrics}, reported)
    self.assertEqual([check.from_step for check in model.checks], [2000, 2000, 60])

  def test_average_by_numpy_and_called(self):
    model, labels = _model(dropout=0.5), pairs()[0]
    before = values(model.generator.weights)
    model.train_step(_unpaired())
    # The first update keeps 1 / 10 of the old average.
    expected = [0.1 * a + 0.9 * b.numpy() for a, b in zip(before, model.generator.weights)]
    self.assertAllClose(model.average.network.weights, expected, atol=1e-6)
    one_hot = tf.one_hot(labels, N_LABELS)
    self.assertAllClose(model(labels, latent=tf.zeros([4, 0])), model.average.network(one_hot))
    self.assertNotAllClose(model(labels), model.generator(one_hot), atol=1e-7, rtol=1e-7)


class ContradictionTest(tf.test.TestCase):
  def test_refused(self):
    networks = _networks()
    with self.assertRaisesRegex(ValueError, 'cycle_weight is -1'):
      CycleGAN(**networks, cycle_weight=-1)
    with self.assertRaisesRegex(ValueError, 'decay is 1'):
      CycleGAN(**networks, ema_decay=1)
    with self.assertRaisesRegex(ValueError, 'size 0'):
      CycleGAN(**networks, pool_size=0)
    for name, network, message in (
      ('back_generator', networks['generator'], r'expected .*8, 8, 1\) into .*8, 8, 3\)'),
      ('discriminator', patch_gan(3, 1, (4,), (2,)), r'^discriminator takes \(3, 1\).*expected \(1,\)'),
      ('label_discriminator', patch_gan(4, 0, (4,), (2,)), r'^label_.* takes \(4,\).*expected \(3,\)'),
    ):
      with self.assertRaisesRegex(ValueError, message):
        CycleGAN(**{**networks, name: network})


if __name__ == '__main__':
  split_cpu()
  tf.test.main()
