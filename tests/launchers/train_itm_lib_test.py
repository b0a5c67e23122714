"""Translators of whole volumes by their launcher, and optimizers that do not fit a model."""

import tensorflow as tf
from absl.testing import parameterized

from keras_itm.bundle import load_bundle
from keras_itm.synthesis import translate
from stroke_tfds.errors import InputError
from stroke_tfds.sources import open_sources
from tests.launchers import small_systems


class FlowTest(small_systems.SystemsTestCase):
  def test_leaves_a_bundle_that_draws_volumes_and_a_picture_of_some(self):
    run = self.train('flow_mini.gin', 'flow', epochs=1, steps_per_epoch=1)
    bundle = load_bundle(run / 'bundle', 'translator')
    self.assertTrue(bundle.spec.whole_volumes)
    self.assertEqual(bundle.spec.latent_size, 32 * 32 * 8)
    (source,) = open_sources([f'{self.cohort}:train'], self.data_dir)
    case = next(source.examples().as_numpy_iterator())
    first, again, other = (
      translate(bundle, case['labels'], case['lesion'], 0, seed=seed) for seed in (0, 0, 1)
    )
    self.assertEqual(first.shape, (32, 32, 8, 1))
    self.assertAllEqual(first, again)
    self.assertNotAllEqual(first, other)
    [picture] = list((run / 'samples').glob('*.png'))
    # Labels, true and made slices in rows: every second of one volume from the third on, doubled.
    height, width, _ = tf.io.decode_png(picture.read_bytes()).shape
    self.assertEqual((height, width), (3 * 64, 3 * 64))


class OptimizersTest(small_systems.SystemsTestCase, parameterized.TestCase):
  @parameterized.parameters(
    ('flow_mini.gin', 'train_itm.discriminator_optimizer = @Adam', '2 given, expected 1 for'),
    (
      'pix2pix10_mini.gin',
      'train_itm.discriminator_optimizer = None',
      '1 given, expected 2 for',
    ),
  )
  def test_one_for_each_that_the_model_has(self, system, line, message):
    with self.assertRaisesRegex(InputError, message):
      self.train(system, f'wrong_{system}', line)


if __name__ == '__main__':
  tf.test.main()
