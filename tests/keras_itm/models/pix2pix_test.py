"""What moves in a step and by how much; what all models do alike is in `conformance_test`."""

import numpy as np
import tensorflow as tf

from keras_itm.models.pix2pix import Pix2Pix
from keras_itm.networks.patch_gan import patch_gan
from keras_itm.networks.pix2pix_unet import pix2pix_unet
from tests.keras_itm.models.model_testing import (
  N_LABELS,
  adam,
  batches,
  moved,
  pairs,
  sgd,
  split_cpu,
  values,
)

_METRICS = {
  'discriminator_loss',
  'generator_loss',
  'adversarial_loss',
  'l1_loss',
  'real_logit',
  'fake_logit',
}


_ADAM = adam()


def _model(generator=_ADAM, discriminator=_ADAM, dropout=0.5, n_scales=1, seed=0, l1_weight=10.0):
  tf.keras.utils.set_random_seed(seed)
  model = Pix2Pix(
    pix2pix_unet((8, 8), N_LABELS, 1, (4, 5), dropout=dropout),
    patch_gan(N_LABELS, 1, (4,), (2,), n_scales),
    l1_weight,
    ema_decay=0.5,
  )
  model.compile(generator(), discriminator())
  return model


def _cross_entropy(label, logits):
  """By Keras, where the model has its own."""
  loss = tf.keras.losses.BinaryCrossentropy(from_logits=True)
  return loss(tf.fill(tf.shape(logits), float(label)), logits)


class LossesTest(tf.test.TestCase):
  def test_against_numpy(self):
    """A discriminator that adds up its input, at two scales."""
    model = _model(l1_weight=7.0)
    total = lambda x: tf.reduce_sum(x[0][..., 1:2], 3, keepdims=True) + x[1]
    model.discriminator = lambda pair, training: [[total(pair)], [2 * total(pair)[:, :4]]]
    labels = tf.one_hot(pairs(2)[0], N_LABELS)
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
    model.train_step(pairs())
    trained = [*model.generator.variables, *model.discriminator.variables, *model.average.variables]
    state = values(trained)
    result = model.evaluate(batches(8), verbose=0, return_dict=True)
    self.assertEqual(result.keys(), _METRICS)
    self.assertEqual(result, model.evaluate(batches(8), verbose=0, return_dict=True))
    self.assertFalse(any(moved(state, trained)))
    labels, image = pairs(8)
    self.assertAllClose(result['l1_loss'], np.abs(model(labels) - image).mean(), rtol=1e-5)


class TrainStepTest(tf.test.TestCase):
  def test_all_that_should_moves(self):
    model = _model()
    parts = {
      'generator': model.generator.trainable_variables,
      'discriminator': model.discriminator.trainable_variables,
      'average': model.average.network.weights,
    }
    before = {name: values(variables) for name, variables in parts.items()}
    model.train_step(pairs())
    for name, variables in parts.items():
      has_moved = moved(before[name], variables)
      # A bias that instance normalisation takes away may stand still, but no kernel.
      kernels = [m for m, v in zip(has_moved, variables) if 'kernel' in v.name]
      self.assertTrue(all(kernels), name)

  def test_each_optimizer_moves_its_own_network_only(self):
    for rates, moves in (((0.0, 0.1), (False, True)), ((0.1, 0.0), (True, False))):
      model = _model(sgd(rates[0]), sgd(rates[1]))
      generator, discriminator = (
        values(model.generator.variables),
        values(model.discriminator.variables),
      )
      model.train_step(pairs())
      self.assertEqual(any(moved(generator, model.generator.variables)), moves[0])
      self.assertEqual(any(moved(discriminator, model.discriminator.variables)), moves[1])

  def test_generator_update_by_hand(self):
    """Down the slope of the mean of -log D(labels, G(labels)) + 10 |image - G(labels)|."""
    model = _model(sgd(0.1), sgd(0.0), dropout=0.0)
    labels, image = map(tf.constant, pairs())
    one_hot, variables = tf.one_hot(labels, N_LABELS), model.generator.trainable_variables
    with tf.GradientTape() as tape:
      fake = model.generator(one_hot)
      l1 = tf.reduce_mean(tf.abs(image - fake))
      loss = _cross_entropy(1, model.discriminator([one_hot, fake])[0][-1]) + 10 * l1
    expected = [v - 0.1 * slope for v, slope in zip(variables, tape.gradient(loss, variables))]
    results = model.train_step((labels, image))
    self.assertAllClose(variables, expected, atol=1e-6)
    self.assertAllClose(results['generator_loss'], loss, rtol=1e-5)
    self.assertAllClose(results['l1_loss'], l1, rtol=1e-5)

  def test_discriminator_update_by_hand(self):
    """Half of: real pairs labelled 1, generated pairs 0."""
    model = _model(sgd(0.0), sgd(0.1), dropout=0.0, n_scales=2)
    labels, image = map(tf.constant, pairs())
    one_hot, variables = tf.one_hot(labels, N_LABELS), model.discriminator.trainable_variables
    with tf.GradientTape() as tape:
      real = model.discriminator([one_hot, image])
      fake = model.discriminator([one_hot, model.generator(one_hot)])
      loss = sum(_cross_entropy(1, r[-1]) + _cross_entropy(0, f[-1]) for r, f in zip(real, fake)) / 4
    expected = [v - 0.1 * slope for v, slope in zip(variables, tape.gradient(loss, variables))]
    results = model.train_step((labels, image))
    self.assertAllClose(variables, expected, atol=1e-6)
    self.assertAllClose(results['discriminator_loss'], loss, rtol=1e-5)

  def test_discriminator_learns_to_separate(self):
    model = _model(sgd(0.0), adam(0.01))
    step = tf.function(model.train_step)
    for _ in range(60):
      model.reset_metrics()
      results = step(pairs())
    self.assertGreater(results['real_logit'], 1)
    self.assertLess(results['fake_logit'], -1)
    self.assertLess(results['discriminator_loss'], 0.3)

  def test_generator_learns_the_image(self):
    model = _model(adam(0.01), dropout=0.0)
    step = tf.function(model.train_step)
    first = float(step(pairs())['l1_loss'])
    for _ in range(60):
      model.reset_metrics()
      results = step(pairs())
    self.assertLess(results['l1_loss'], first / 2)

  def test_average_by_numpy_and_called(self):
    model, labels = _model(), pairs()[0]
    before = values(model.generator.weights)
    model.train_step(pairs())
    # The first update keeps 1 / 10 of the old average.
    expected = [0.1 * a + 0.9 * b.numpy() for a, b in zip(before, model.generator.weights)]
    self.assertAllClose(model.average.network.weights, expected, atol=1e-6)
    one_hot = tf.one_hot(labels, N_LABELS)
    self.assertAllClose(model(labels), model.average.network(one_hot))
    self.assertNotAllClose(model(labels), model.generator(one_hot), atol=1e-7, rtol=1e-7)


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


if __name__ == '__main__':
  split_cpu()
  tf.test.main()
