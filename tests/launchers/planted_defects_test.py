"""Defects known from published code, planted in real trainings: each is stopped and named."""

import contextlib
import re
from pathlib import Path
from unittest import mock

import numpy as np
import tensorflow as tf

from keras_itm import checks, losses
from keras_itm.layers.image_pool import ImagePool
from keras_itm.models.pix2pix import Pix2Pix
from stroke_tfds.pipelines import segmenters
from tests.launchers import small_systems


class PlantedDefectsTest(small_systems.SystemsTestCase):
  def train(self, system, *lines, **values):
    return super().train(system, self.id(), *lines, **values)

  @contextlib.contextmanager
  def stops(self, message):
    """What happens inside ends in a TrainingError; no bundle is left."""
    with self.assertRaisesRegex(checks.TrainingError, message):
      yield
    self.assertFalse((self.folder / self.id() / 'bundle').exists())

  def test_the_same_label_for_real_and_generated(self):
    told = lambda real, fake: losses.minimax_generator_loss([*real, *fake])
    with mock.patch.object(losses, 'minimax_discriminator_loss', told):
      with self.stops('discriminator loss .* the same label for both'):
        self.train('pix2pix10_mini.gin')

  def test_a_discriminator_that_does_not_learn(self):
    soon = (checks.tells_apart('real_logit', 'fake_logit', by_step=6),)
    with mock.patch.object(Pix2Pix, 'checks', soon):
      with self.stops('step 6: real_logit is .*, fake_logit is .* has not learnt to tell real'):
        # So far amplified, an untrained one tells them apart by chance.
        lines = ['discriminator/Adam.learning_rate = 0.0', 'patch_gan.init_stddev = 1e-4']
        self.train('pix2pix10_mini.gin', *lines)

  def test_a_penalty_without_grip(self):
    with self.stops('gradient_norm is .*expected gradient_norm between 0.5 and 1.5'):
      self.train('lesion_gan_mini.gin', 'LesionGAN.penalty_weight = 0.0', epochs=2, steps_per_epoch=60)

  def test_background_is_1(self):
    examples = segmenters.examples
    inverted = lambda sources: examples(sources).map(lambda e: {**e, 'lesion': 1 - e['lesion']})
    with mock.patch.object(segmenters, 'examples', inverted):
      with self.stops('step 3: lesion_share is 0.9.*is background 1'):
        self.train('unet_mini.gin')

  def test_a_cross_entropy_that_cancels_itself(self):
    cancelled = lambda truth, probability: losses.mean_per_example(probability - probability)
    with mock.patch.object(losses, 'binary_cross_entropy', cancelled):
      with self.stops('cross_entropy is 0, expected cross_entropy above 0'):
        self.train('unet_mini.gin')

  def test_a_pool_that_is_made_anew_for_each_batch(self):
    forgetful = lambda pool, images: (images, tf.zeros(tf.shape(images)[:1]))
    with mock.patch.object(ImagePool, 'call', forgetful):
      with self.stops('step 12: pool_old_share is 0, .*gives back only what'):
        self.train('cyclegan_mini.gin', epochs=4)

  def test_a_loss_that_is_not_a_number(self):
    """In the fifth step: the checkpoint of the fourth is kept, and training goes on from there."""
    l1 = losses.l1_loss
    count = tf.Variable(0)

    def fails_in_step_5(truth, prediction):
      return l1(truth, prediction) * tf.where(count.assign_add(1) == 5, np.nan, 1.0)

    lines = ['fit.checkpoint_every = 2', 'train_itm.validation = [%clinical_test]']
    with mock.patch.object(losses, 'l1_loss', fails_in_step_5):
      with self.stops('step 5: generator_loss is nan, l1_loss is nan, .* last good checkpoint is kept'):
        self.train('pix2pix10_mini.gin', *lines, steps_per_epoch=9, epochs=1)
    checkpoints = self.folder / self.id() / 'checkpoints'
    self.assertEqual(Path(tf.train.latest_checkpoint(str(checkpoints))).name, 'step-4')
    reader = tf.train.load_checkpoint(str(checkpoints))
    for name in reader.get_variable_to_shape_map():
      if 'VARIABLE_VALUE' in name and re.search('kernel|bias|gamma|beta', name):
        self.assertAllEqual(np.isfinite(reader.get_tensor(name)), np.ones_like(reader.get_tensor(name)))
    workdir = self.train('pix2pix10_mini.gin', *lines, steps_per_epoch=9, epochs=1)
    self.assertTrue((workdir / 'finished.json').exists())

  def test_checks_can_be_turned_off(self):
    told = lambda real, fake: losses.minimax_generator_loss([*real, *fake])
    with mock.patch.object(losses, 'minimax_discriminator_loss', told):
      workdir = self.train('pix2pix10_mini.gin', 'fit.checks = False')
    self.assertTrue((workdir / 'finished.json').exists())


if __name__ == '__main__':
  tf.test.main()
