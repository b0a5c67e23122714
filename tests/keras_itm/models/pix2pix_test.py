"""What moves in a step and by how much, exact resumption, and training under tf.distribute."""

import numpy as np
import tensorflow as tf

from keras_itm.models.pix2pix import Pix2Pix
from keras_itm.networks.patch_gan import patch_gan
from keras_itm.networks.pix2pix_unet import pix2pix_unet

_N_LABELS = 3
_METRICS = {
  'discriminator_loss',
  'generator_loss',
  'adversarial_loss',
  'l1_loss',
  'real_logit',
  'fake_logit',
}


def _adam():
  return tf.keras.optimizers.Adam(1e-3, beta_1=0.5)


def _model(generator=_adam, discriminator=_adam, dropout=0.5, n_scales=1, seed=0, l1_weight=10.0):
  tf.keras.utils.set_random_seed(seed)
  model = Pix2Pix(
    pix2pix_unet((8, 8), _N_LABELS, 1, (4, 5), dropout=dropout),
    patch_gan(_N_LABELS, 1, (4,), (2,), n_scales),
    l1_weight,
    ema_decay=0.5,
  )
  model.compile(generator(), discriminator())
  return model


def _sgd(rate):
  return lambda: tf.keras.optimizers.SGD(rate)


def _pairs(n=4, seed=0):
  rng = np.random.default_rng(seed)
  labels = rng.integers(0, _N_LABELS, (n, 8, 8), np.uint8)
  # Brightness by label, so that there is something to learn.
  image = (labels - 1.0)[..., None] * 0.7 + rng.normal(0, 0.05, (n, 8, 8, 1))
  return labels, image.astype(np.float32)


def _batches(n, size=4, seed=0):
  return tf.data.Dataset.from_tensor_slices(_pairs(n, seed)).batch(size, drop_remainder=True)


def _train(model, seed):
  """Two steps, eagerly: quicker than to compile them."""
  for batch in _batches(8, seed=seed):
    results = model.train_step(batch)
  return {name: float(value) for name, value in results.items()}


def _values(variables):
  return [v.numpy() for v in variables]


def _moved(before, variables):
  return [bool(np.any(a != b.numpy())) for a, b in zip(before, variables)]


def _cross_entropy(label, logits):
  """By Keras, where the model has its own."""
  loss = tf.keras.losses.BinaryCrossentropy(from_logits=True)
  return loss(tf.fill(tf.shape(logits), float(label)), logits)


class LossesTest(tf.test.TestCase):
  def test_against_numpy(self):
    """A discriminator that adds up its input, at two scales."""
    model = _model(l1_weight=7.0)
    total = lambda x: tf.reduce_sum(x[0][..., 1:2], 3, keepdims=True) + x[1]
    model.discriminator = lambda pair, training: [total(pair), 2 * total(pair)[:, :4]]
    labels = tf.one_hot(_pairs(2)[0], _N_LABELS)
    image = np.random.default_rng(1).normal(size=(2, 8, 8, 1)).astype(np.float32)
    fake = np.random.default_rng(2).normal(size=(2, 8, 8, 1)).astype(np.float32)

    def mean(values, sign):
      logits = labels.numpy()[..., 1:2] + values
      scales = [logits, 2 * logits[:, :4]]
      softplus = [np.log1p(np.exp(sign * s)).mean((1, 2, 3)) for s in scales]
      return sum(softplus) / 2, sum(s.mean((1, 2, 3)) for s in scales) / 2

    values = model.discriminator_losses(labels, tf.constant(image), tf.constant(fake))
    expected = (mean(image, -1)[0] + mean(fake, 1)[0]) / 2
    self.assertAllClose(values['discriminator_loss'], expected, rtol=1e-5)
    self.assertAllClose(values['real_logit'], mean(image, -1)[1], rtol=1e-4, atol=1e-5)
    self.assertAllClose(values['fake_logit'], mean(fake, 1)[1], rtol=1e-4, atol=1e-5)
    values = model.generator_losses(labels, tf.constant(image), tf.constant(fake))
    l1, adversarial = np.abs(image - fake).mean((1, 2, 3)), mean(fake, -1)[0]
    self.assertAllClose(values['l1_loss'], l1, rtol=1e-5)
    self.assertAllClose(values['adversarial_loss'], adversarial, rtol=1e-5)
    self.assertAllClose(values['generator_loss'], adversarial + 7 * l1, rtol=1e-5)

  def test_test_step_trains_nothing_and_judges_the_average(self):
    model = _model()
    model.train_step(_pairs())
    trained = [*model.generator.variables, *model.discriminator.variables, *model.average.variables]
    state = _values(trained)
    result = model.evaluate(_batches(8), verbose=0, return_dict=True)
    self.assertEqual(result.keys(), _METRICS)
    self.assertEqual(result, model.evaluate(_batches(8), verbose=0, return_dict=True))
    self.assertFalse(any(_moved(state, trained)))
    labels, image = _pairs(8)
    self.assertAllClose(result['l1_loss'], np.abs(model(labels) - image).mean(), rtol=1e-5)


class TrainStepTest(tf.test.TestCase):
  def test_all_that_should_moves(self):
    model = _model()
    parts = {
      'generator': model.generator.trainable_variables,
      'discriminator': model.discriminator.trainable_variables,
      'average': model.average.network.weights,
    }
    before = {name: _values(variables) for name, variables in parts.items()}
    model.train_step(_pairs())
    for name, variables in parts.items():
      moved = _moved(before[name], variables)
      # A bias that instance normalisation takes away may stand still, but no kernel.
      kernels = [m for m, v in zip(moved, variables) if 'kernel' in v.name]
      self.assertTrue(all(kernels), name)

  def test_each_optimizer_moves_its_own_network_only(self):
    for rates, moves in (((0.0, 0.1), (False, True)), ((0.1, 0.0), (True, False))):
      model = _model(_sgd(rates[0]), _sgd(rates[1]))
      generator, discriminator = (
        _values(model.generator.variables),
        _values(model.discriminator.variables),
      )
      model.train_step(_pairs())
      self.assertEqual(any(_moved(generator, model.generator.variables)), moves[0])
      self.assertEqual(any(_moved(discriminator, model.discriminator.variables)), moves[1])

  def test_generator_update_by_hand(self):
    """Down the slope of the mean of -log D(labels, G(labels)) + 10 |image - G(labels)|."""
    model = _model(_sgd(0.1), _sgd(0.0), dropout=0.0)
    labels, image = _pairs()
    one_hot, variables = tf.one_hot(labels, _N_LABELS), model.generator.trainable_variables
    with tf.GradientTape() as tape:
      fake = model.generator(one_hot)
      l1 = tf.reduce_mean(tf.abs(image - fake))
      loss = _cross_entropy(1, model.discriminator([one_hot, fake])) + 10 * l1
    expected = [v - 0.1 * slope for v, slope in zip(variables, tape.gradient(loss, variables))]
    results = model.train_step((labels, image))
    self.assertAllClose(variables, expected, atol=1e-6)
    self.assertAllClose(results['generator_loss'], loss, rtol=1e-5)
    self.assertAllClose(results['l1_loss'], l1, rtol=1e-5)

  def test_discriminator_update_by_hand(self):
    """Half of: real pairs labelled 1, generated pairs 0."""
    model = _model(_sgd(0.0), _sgd(0.1), dropout=0.0, n_scales=2)
    labels, image = _pairs()
    one_hot, variables = tf.one_hot(labels, _N_LABELS), model.discriminator.trainable_variables
    with tf.GradientTape() as tape:
      real = model.discriminator([one_hot, image])
      fake = model.discriminator([one_hot, model.generator(one_hot)])
      loss = sum(_cross_entropy(1, r) + _cross_entropy(0, f) for r, f in zip(real, fake)) / 4
    expected = [v - 0.1 * slope for v, slope in zip(variables, tape.gradient(loss, variables))]
    results = model.train_step((labels, image))
    self.assertAllClose(variables, expected, atol=1e-6)
    self.assertAllClose(results['discriminator_loss'], loss, rtol=1e-5)

  def test_discriminator_learns_to_separate(self):
    model = _model(_sgd(0.0), lambda: tf.keras.optimizers.Adam(0.01))
    step = tf.function(model.train_step)
    for _ in range(60):
      model.reset_metrics()
      results = step(_pairs())
    self.assertGreater(results['real_logit'], 1)
    self.assertLess(results['fake_logit'], -1)
    self.assertLess(results['discriminator_loss'], 0.3)

  def test_generator_learns_the_image(self):
    model = _model(lambda: tf.keras.optimizers.Adam(0.01), dropout=0.0)
    step = tf.function(model.train_step)
    first = float(step(_pairs())['l1_loss'])
    for _ in range(60):
      model.reset_metrics()
      results = step(_pairs())
    self.assertLess(results['l1_loss'], first / 2)

  def test_fits(self):
    model = _model()
    history = model.fit(_batches(8), validation_data=_batches(4), epochs=2, verbose=0).history
    self.assertEqual(history.keys(), _METRICS | {f'val_{name}' for name in _METRICS})
    self.assertAllEqual(np.isfinite(list(history.values())), np.ones((12, 2)))
    for optimizer in (model.generator_optimizer, model.discriminator_optimizer):
      self.assertEqual(optimizer.iterations.numpy(), 4)
    self.assertEqual(model.average.n_updates.numpy(), 4)

  def test_average_by_numpy_and_called(self):
    model, labels = _model(), _pairs()[0]
    before = _values(model.generator.weights)
    model.train_step(_pairs())
    # The first update keeps 1 / 10 of the old average.
    expected = [0.1 * a + 0.9 * b.numpy() for a, b in zip(before, model.generator.weights)]
    self.assertAllClose(model.average.network.weights, expected, atol=1e-6)
    one_hot = tf.one_hot(labels, _N_LABELS)
    self.assertAllClose(model(labels), model.average.network(one_hot))
    self.assertNotAllClose(model(labels), model.generator(one_hot), atol=1e-7, rtol=1e-7)


class CheckpointTest(tf.test.TestCase):
  def test_resumed_training_is_exactly_the_uninterrupted_one(self):
    """With dropout, whose random state is a part of it."""
    model = _model()
    _train(model, seed=0)
    path = tf.train.Checkpoint(model=model).write(self.get_temp_dir() + '/model')
    _train(model, seed=1)
    other = _model(seed=7)
    tf.train.Checkpoint(model=other).read(path).assert_consumed()
    _train(other, seed=1)
    for name in ('generator', 'discriminator', 'average', 'generator_optimizer'):
      one, two = getattr(model, name).variables, getattr(other, name).variables
      one, two = (v() if callable(v) else v for v in (one, two))
      self.assertNotEmpty(one)
      for a, b in zip(one, two):
        self.assertAllEqual(a, b, a.name)


class ContradictionTest(tf.test.TestCase):
  def test_refused(self):
    generator, discriminator = pix2pix_unet((8, 8), 3, 1, (4,)), patch_gan(3, 1, (4,), (2,))
    with self.assertRaisesRegex(ValueError, 'l1_weight is -1'):
      Pix2Pix(generator, discriminator, l1_weight=-1)
    with self.assertRaisesRegex(ValueError, 'decay is 1'):
      Pix2Pix(generator, discriminator, ema_decay=1)
    for other in (patch_gan(4, 1, (4,), (2,)), patch_gan(3, 2, (4,), (2,))):
      with self.assertRaisesRegex(
        ValueError, r'discriminator takes .*, expected 3 labels and 1 contrasts'
      ):
        Pix2Pix(generator, other)


class DistributionTest(tf.test.TestCase):
  def test_two_replicas_train_as_one(self):
    strategy = tf.distribute.MirroredStrategy(
      [device.name for device in tf.config.list_logical_devices('CPU')[:2]],
      tf.distribute.ReductionToOneDevice(),
    )
    self.assertEqual(strategy.num_replicas_in_sync, 2)
    make = lambda: _model(_sgd(0.05), _sgd(0.05), dropout=0.0)
    alone = make()
    with strategy.scope():
      shared = make()
    history = shared.fit(_batches(8), verbose=0, shuffle=False).history
    self.assertAllClose({k: v[0] for k, v in history.items()}, _train(alone, 0), atol=1e-5, rtol=1e-5)
    for name in ('generator', 'discriminator', 'average'):
      for a, b in zip(getattr(alone, name).variables, getattr(shared, name).variables):
        self.assertAllClose(a, b, atol=1e-5, rtol=1e-5, msg=a.name)
    self.assertEqual(shared.average.n_updates.numpy(), 2)


if __name__ == '__main__':
  cpu = tf.config.list_physical_devices('CPU')[0]
  tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
  tf.test.main()
