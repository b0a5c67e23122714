"""What `train_style_gan` counts, shows and leaves; that it trains at all is tested by its gin files."""

import json

import numpy as np
import tensorflow as tf

from keras_itm.bundle import load_bundle
from launchers import train_style_gan_lib
from stroke_tfds.class_maps import ClassMap
from stroke_tfds.errors import InputError
from tests.launchers import small_systems

_CLASSES = ClassMap(('background', 'brain', 'lesion'), (0, 1, 2), 1, False)


class SharesTest(tf.test.TestCase):
  def test_by_hand(self):
    """A quarter of the pixels is brain; no lesion is seen, which counts as half a pixel of all."""
    ids = np.zeros([8, 2, 2], np.int32)
    ids[:, 0, 0] = 1
    slices = tf.data.Dataset.from_tensor_slices((np.zeros([8, 2, 2, 1]), tf.one_hot(ids, 3))).batch(4)
    expected = [0.75, 0.25, 0.5 / (1024 * 4)]
    self.assertAllClose(train_style_gan_lib._shares(slices, 4), expected)


class TonesTest(tf.test.TestCase):
  def test_by_hand(self):
    """A pixel half of class 0 (its other pixels are at -1) and half of class 1, at .5; no class 2."""
    image, probability = np.full([8, 2, 2, 2], -1.0), np.zeros([8, 2, 2, 3], np.float32)
    image[:, 0, 0, 0] = 0.5
    probability[..., 0] = 1
    probability[:, 0, 0] = 0.5, 0.5, 0
    slices = tf.data.Dataset.from_tensor_slices((image, probability)).batch(4)
    expected = [[(3 * -1 + 0.5 * 0.5) / 3.5], [0.5], [0]]
    self.assertAllClose(train_style_gan_lib._tones(slices, 4, 1), expected)


class _Gan:
  def __init__(self, n_conditions, call):
    self.latent_size, self.n_conditions, self._call = 2, n_conditions, call

  def __call__(self, *args):
    return self._call(*args)


class DrawsTest(tf.test.TestCase):
  def test_measures_by_hand(self):
    """Of every eight draws the second has a lesion of 8 pixels, the third of 10, the fourth of 7."""
    ids = np.zeros([8, 4, 4], np.int32)
    for draw, n_pixels in ((1, 8), (2, 10), (3, 7)):
      ids[draw].ravel()[:n_pixels] = 2
    drawn = {'image': tf.zeros([8, 4, 4, 1]), 'probability': tf.one_hot(ids, 3)}
    draws = train_style_gan_lib.Draws(_Gan(0, lambda latent: drawn), _CLASSES, None)
    self.assertEqual(draws.measure(), {'lesion_slices': 0.25, 'median_pixels': 9.0})
    self.assertEqual(draws.paint().shape, (2 * 2 * 4, 12 * 2 * 4, 1))

  def test_asks_for_the_conditions_of_real_slices(self):
    batch = (np.zeros([32, 4, 4, 1]), np.zeros([32, 4, 4, 3]), np.arange(32.0)[:, None])
    real, asked = tf.data.Dataset.from_tensors(batch).repeat(), []
    call = lambda latent, condition: asked.append(condition) or {'image': latent, 'probability': latent}
    draws = train_style_gan_lib.Draws(_Gan(1, call), _CLASSES, real)
    tf.config.run_functions_eagerly(True)
    draws._generate()
    tf.config.run_functions_eagerly(False)
    self.assertAllEqual(tf.concat(asked, 0)[:, 0], np.tile(np.arange(32.0), 4))


class TrainStyleGanTest(small_systems.SystemsTestCase):
  def test_masks_asked_by_level_and_lesion(self):
    run = self.train(
      'stylegan_joint_mini.gin',
      'run',
      "train_style_gan.conditions = ('level', 'lesion')",
      'train_style_gan.n_contrasts = 0',
      epochs=1,
      steps_per_epoch=1,
    )
    bundle = load_bundle(run / 'bundle', 'joint_generator')
    self.assertEqual(bundle.spec.conditions, ('level', 'lesion'))
    self.assertEqual(bundle.spec.classes[-2:], ('CSF', 'lesion'))
    self.assertEqual((bundle.n_contrasts, bundle.spec.contrasts), (0, ()))
    # Of each slice of the grid.
    self.assertLen(bundle.spec.slice_shares, bundle.spec.grid['shape'][2])
    self.assertBetween(max(bundle.spec.lesion_shares), 0.01, 1)
    made = bundle.call(
      latent=tf.zeros([2, 8]), condition=tf.zeros([2, 2]), truncation=tf.constant([0.5, 1.0])
    )
    self.assertEqual(made['probability'].shape, [2, 32, 32, 5])
    finished = json.loads((run / 'finished.json').read_text())
    self.assertContainsSubset({'bundle', 'lesion_slices', 'median_pixels'}, finished)
    self.assertLen(list((run / 'samples').iterdir()), 1)

  def test_numbers_of_contrasts_and_networks_that_do_not_fit(self):
    one = {'epochs': 1, 'steps_per_epoch': 1}
    for line, message in (
      (
        'train_style_gan.n_contrasts = 3',
        r"n_contrasts is 3, expected 0 to 1, the contrasts of .*\['DWI'\]",
      ),
      ('train_style_gan.n_contrasts = -1', 'n_contrasts is -1, expected 0 to 1'),
      ('style_mapping.style_size = 0', 'networks do not fit phantom_stroke/.*: '),
    ):
      with self.assertRaisesRegex(InputError, message):
        self.train('stylegan_joint_mini.gin', 'refused', line, **one)


if __name__ == '__main__':
  tf.test.main()
