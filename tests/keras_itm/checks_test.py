"""Each check lets a sound training pass and stops one with the defect planted that it is there for."""

import math

import tensorflow as tf
from absl.testing import parameterized

from keras_itm import checks, losses


class _Epochs:
  """Feeds RunChecks the logs of epochs of 10 steps each."""

  def __init__(self, *made, history=()):
    self.step = int(max((row['step'] for row in history), default=0))
    self.callback = checks.RunChecks(made, lambda: self.step, history)

  def end(self, **logs):
    self.step += 10
    self.callback.on_epoch_end(self.step // 10 - 1, logs)


class ChecksTest(tf.test.TestCase, parameterized.TestCase):
  @parameterized.parameters(
    (checks.is_rare('share'), {'share': 0.02}, {'share': 0.98}),
    (checks.is_positive('term'), {'term': 1e-6}, {'term': 0.0}),
    (checks.is_positive('term'), {'term': 1e-6}, {'term': -0.1}),
    (checks.approaches_one('norm', from_step=10), {'norm': 1.3}, {'norm': 0.05}),
    (checks.approaches_one('norm', from_step=10), {'norm': 0.6}, {'norm': 12.0}),
    (checks.returns_old('old', from_step=10), {'old': 0.45}, {'old': 0.0}),
    (checks.still_predicts('dice', from_step=10), {'dice': 0.001}, {'dice': 0.0}),
  )
  def test_every_epoch(self, check, sound, planted):
    epochs = _Epochs(check)
    epochs.end(**sound)
    with self.assertRaisesRegex(checks.TrainingError, f'step 20: {next(iter(planted))} is .*expected'):
      epochs.end(**planted)

  def test_waits_for_its_step(self):
    epochs = _Epochs(checks.approaches_one('norm', from_step=30))
    epochs.end(norm=5.0)
    epochs.end(norm=3.0)
    with self.assertRaisesRegex(checks.TrainingError, 'step 30: norm is 2'):
      epochs.end(norm=2.0)

  def test_a_metric_that_is_absent_is_not_judged(self):
    _Epochs(checks.is_positive('term')).end(other=0.0)

  def test_told_apart_over_the_last_third(self):
    """Of 6 epochs up to step 60 the last two: gaps of 0.016 and 0.006 have a mean of 0.011."""
    epochs = _Epochs(checks.tells_apart('real', 'fake', by_step=60))
    for real, fake in ((0.0, 0.0),) * 4 + ((0.008, -0.008), (0.003, -0.003)):
      epochs.end(real=real, fake=fake)
    # It is settled: at the equilibrium of a GAN they cannot be told apart any more.
    for _ in range(3):
      epochs.end(real=0.0, fake=0.0)

  def test_a_gap_of_one_epoch_is_chance(self):
    for early in ((0.3, -0.3), (0.02, 0.0)):
      epochs = _Epochs(checks.tells_apart('real', 'fake', by_step=60))
      epochs.end(real=early[0], fake=early[1])
      for _ in range(4):
        epochs.end(real=0.01, fake=0.0)
      with self.assertRaisesRegex(checks.TrainingError, 'real is 0.005, fake is 0.0025, expected'):
        epochs.end(real=0.0, fake=0.005)

  def test_never_told_apart(self):
    epochs = _Epochs(checks.tells_apart('real', 'fake', by_step=30))
    epochs.end(real=0.01, fake=0.0)
    epochs.end(real=0.0, fake=0.5)
    with self.assertRaisesRegex(checks.TrainingError, 'step 30: real is 1, fake is 1, expected real'):
      epochs.end(real=1.0, fake=1.0)

  def test_resumed(self):
    """Epochs of earlier starts count; a check that they have settled is not looked at again."""
    check = checks.tells_apart('real', 'fake', by_step=60)
    told = [{'step': 10.0 * i, 'real': 0.1, 'fake': 0.0} for i in range(1, 7)]
    _Epochs(check, history=told[:5]).end(real=0.01, fake=0.0)
    with self.assertRaises(checks.TrainingError):
      _Epochs(check, history=[{**row, 'real': 0.0} for row in told[:5]]).end(real=0.01, fake=0.0)
    _Epochs(check, history=told).end(real=0.0, fake=0.0)


class NonFiniteTest(tf.test.TestCase):
  def test_names_loss_and_step(self):
    callback = checks.RunChecks((), lambda: 17)
    callback.on_train_batch_end(0, {'l1_loss': 1e30, 'adversarial_loss': -3.0})
    with self.assertRaisesRegex(
      checks.TrainingError, 'step 17: l1_loss is nan, loss is -inf, expected'
    ):
      callback.on_train_batch_end(1, {'l1_loss': math.nan, 'dice': 0.1, 'loss': -math.inf})
    with self.assertRaisesRegex(checks.TrainingError, 'val_loss is nan'):
      callback.on_epoch_end(0, {'val_loss': math.nan})


class LabelsTest(tf.test.TestCase, parameterized.TestCase):
  @parameterized.parameters(
    losses.minimax_discriminator_loss,
    losses.hinge_discriminator_loss,
    losses.least_squares_discriminator_loss,
  )
  def test_the_shipped_losses_pass(self, loss):
    checks.check_labels(loss)

  @parameterized.parameters(
    losses.minimax_discriminator_loss,
    losses.hinge_discriminator_loss,
    losses.least_squares_discriminator_loss,
  )
  def test_the_same_label_for_both(self, loss):
    """A discriminator that is told that everything is real, or that everything is generated."""
    swapped = lambda maps: [1 - logits for logits in maps]
    with self.assertRaisesRegex(checks.TrainingError, 'generated examples are judged wrongly'):
      checks.check_labels(lambda real, fake: loss(real, swapped(fake)))
    with self.assertRaisesRegex(checks.TrainingError, 'real examples are judged wrongly'):
      checks.check_labels(lambda real, fake: loss(swapped(real), fake))

  def test_looked_at_when_training_begins(self):
    model = tf.keras.Sequential([tf.keras.layers.Dense(1)])
    model.discriminator_loss = lambda real, fake: losses.minimax_generator_loss([*real, *fake])
    callback = checks.RunChecks((checks.is_rare('share'),), lambda: 0)
    callback.set_model(model)
    with self.assertRaisesRegex(checks.TrainingError, 'the same label for both'):
      callback.on_train_begin()


if __name__ == '__main__':
  tf.test.main()
