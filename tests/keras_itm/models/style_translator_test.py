"""What the discriminator and its penalty see; what all models do alike is in `conformance_test`."""

import functools

import numpy as np
import tensorflow as tf

from keras_itm import losses
from keras_itm.layers.adaptive_augmentation import AdaptiveAugmentation
from keras_itm.models.style_gan import StyleGAN
from keras_itm.models.style_translator import StyleTranslator
from keras_itm.networks.style_discriminator import style_discriminator
from keras_itm.networks.style_generator import style_generator
from keras_itm.networks.style_mapping import style_mapping
from tests.keras_itm.models.model_testing import N_LABELS, moved, pairs, sgd, values


@functools.cache
def _networks(n_labels=N_LABELS):
  tf.keras.utils.set_random_seed(0)
  small = {'base': 16, 'max_filters': 3}
  return (
    style_mapping(5, 4, 1),
    style_generator((8, 8), 1, 0, style_size=4, noise=False, n_labels=n_labels, **small),
    style_discriminator((8, 8), 1, N_LABELS, **small),
  )


def _translator(rate=0.0, **options):
  plain = {'r1_weight': 0.0, 'path_weight': 0.0, 'mixing': 0.0}
  translator = StyleTranslator(*_networks(), **{**plain, **options})
  translator.compile(sgd(rate)(), sgd(rate)(), run_eagerly=True)
  return translator


def _one_hot(labels):
  return np.eye(N_LABELS, dtype=np.float32)[labels]


class TrainStepTest(tf.test.TestCase):
  def test_discriminator_sees_image_and_labels_of_both(self):
    """Of the generator's step, then real and generated; in training all go through one warp."""
    translator, seen = _translator(augmentation=AdaptiveAugmentation()), []
    plain = translator.augmentation.call
    translator.augmentation.call = lambda inputs: seen.append(inputs[0]) or plain(inputs)
    labels, image = pairs()
    translator.train_step((labels, image))
    self.assertLen(seen, 3)
    for slices in seen:
      self.assertAllEqual(slices[..., 1:], _one_hot(labels))
    self.assertAllEqual(seen[1][..., :1], image)
    self.assertNotAllClose(seen[2][..., :1], image)

  def test_penalty_is_by_the_image_alone(self):
    translator = _translator(r1_weight=6.0)
    labels, image = pairs()
    judge = lambda image: translator.discriminator(tf.concat([image, _one_hot(labels)], -1))
    expected = 3 * losses.r1_penalty(judge, image)
    translator.track = lambda logs: seen.update(logs)
    seen = {}
    translator.train_step((labels, image))
    self.assertAllClose(seen['r1_penalty'], expected, rtol=1e-5)

  def test_each_part_moves_its_own_variables(self):
    translator = _translator(rate=1e-3, path_weight=1.0)
    image, labels = translator.parts(pairs())
    before = values(translator.discriminator.variables)
    translator._train_generator(labels)
    self.assertFalse(any(moved(before, translator.discriminator.variables)))
    before = values(translator.generator_variables)
    translator._train_discriminator(image, labels)
    self.assertFalse(any(moved(before, translator.generator_variables)))

  def test_reports_the_distance_to_true_images(self):
    translator = _translator()
    labels, image = pairs()
    latent = tf.random.stateless_normal([4, 5], seed=[0, 1])
    logs = translator.test_step((labels, image))
    self.assertAllClose(logs['l1_loss'], np.abs(translator(labels, latent) - image).mean())


class CallTest(tf.test.TestCase):
  def test_labels_and_latents_steer(self):
    translator, (labels, _) = _translator(), pairs()
    latent = tf.random.stateless_normal([4, 5], seed=[3, 3])
    made = translator(labels, latent)
    self.assertEqual((made.shape, made.dtype), ((4, 8, 8, 1), tf.float32))
    self.assertNotAllClose(translator(labels[::-1], latent), made)
    self.assertNotAllClose(translator(labels, latent[::-1]), made)

  def test_without_latents_all_slices_share_one(self):
    translator, (labels, _) = _translator(), pairs()
    made = translator(np.tile(labels[:1], [3, 1, 1]))
    self.assertAllClose(made[1:], tf.tile(made[:1], [2, 1, 1, 1]))

  def test_refused(self):
    mapping, generator, discriminator = _networks()
    plain = style_generator((8, 8), 1, N_LABELS, 4, 16, 3, noise=False)
    with self.assertRaisesRegex(ValueError, 'takes 0 channels of labels, expected at least 1'):
      StyleTranslator(mapping, plain, discriminator)
    with self.assertRaisesRegex(ValueError, 'takes 3 channels of labels, expected none'):
      StyleGAN(mapping, generator, discriminator)
    with self.assertRaisesRegex(ValueError, r'takes \(8, 8, 4\) .*, expected \(8, 8, 6\)'):
      StyleTranslator(mapping, _networks(5)[1], discriminator)
    asked = style_mapping(5, 4, 1, n_conditions=2)
    judge = style_discriminator((8, 8), 1, N_LABELS, 16, 3, n_conditions=2)
    with self.assertRaisesRegex(ValueError, 'mapping takes 2 conditions, expected none'):
      StyleTranslator(asked, generator, judge)


if __name__ == '__main__':
  tf.test.main()
