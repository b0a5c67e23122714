"""Translators of whole volumes by their launcher, and optimizers that do not fit a model."""

import tensorflow as tf
from absl.testing import parameterized

from keras_itm.bundle import check_takes_labels, load_bundle
from keras_itm.synthesis import draw_appearance, translate
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


class AppearanceTest(small_systems.SystemsTestCase):
  def _asked(self, bundle, ratio):
    """The volumes of a training case by a bundle that is asked for a lesion's brightness."""
    (source,) = open_sources([f'{self.cohort}:train'], self.data_dir)
    case = next(source.examples().as_numpy_iterator())
    asked = {'DWI.lesion_to_parenchyma': ratio} if ratio else None
    numbers = draw_appearance(bundle, 0, seed=0, asked=asked)
    return translate(bundle, case['labels'], case['lesion'], 0, seed=0, appearance=numbers)

  def test_slices_and_volumes_are_told_the_same_of_a_case(self):
    """Both fit the same distribution, and what is asked for changes what is drawn."""
    told = "train_itm.appearance = ('lesion_to_parenchyma', 'noise')"
    bundles = [
      load_bundle(self.train(system, system, told, epochs=1, steps_per_epoch=1) / 'bundle')
      for system in ('flow_mini.gin', 'pix2pix10_mini.gin')
    ]
    names = ('DWI.lesion_to_parenchyma', 'DWI.noise')
    self.assertEqual(bundles[0].spec.appearances.names, names)
    self.assertEqual(bundles[0].spec.appearances, bundles[1].spec.appearances)
    low, *_, high = bundles[1].spec.appearances.quantiles[0]
    self.assertAllEqual(self._asked(bundles[1], low), self._asked(bundles[1], low))
    self.assertNotAllEqual(self._asked(bundles[1], low), self._asked(bundles[1], high))
    with self.assertRaisesRegex(ValueError, 'appearance DWI.lesion_to_parenchyma is 9.0, expected'):
      self._asked(bundles[1], 9.0)

  def test_refuses_validation_cases_that_it_learns_from(self):
    same = f"train_itm.validation = ['{self.cohort}:train[1:2]']"
    message = r'validation .*:train\[1:2\]: 1 of its cases are in .*:train as well, expected'
    with self.assertRaisesRegex(InputError, message):
      self.train('flow_mini.gin', 'seen', same, epochs=1, steps_per_epoch=1)

  def test_models_that_learn_from_labels_alone(self):
    told = "train_itm.appearance = ('noise',)"
    with self.assertRaisesRegex(InputError, 'CycleGAN learns from labels alone'):
      self.train('cyclegan_mini.gin', 'cycle', told, epochs=1, steps_per_epoch=1)
    with self.assertRaisesRegex(InputError, r'healthy\[1:\]: no case has DWI.lesion_spread'):
      told = "train_itm.appearance = ('lesion_spread',)"
      healthy = f"itm_train = ['{self.cohort}:healthy[1:]']"
      self.train('flow_mini.gin', 'healthy', told, healthy, epochs=1, steps_per_epoch=1)
    run = self.train('pix2pix10_mini.gin', 'plain', epochs=1, steps_per_epoch=1)
    with self.assertRaisesRegex(ValueError, 'expected none: it learnt from labels alone'):
      self._asked(load_bundle(run / 'bundle'), 1.5)


class ClassesTest(small_systems.SystemsTestCase):
  def test_a_translator_of_classes_says_so(self):
    lines = ['train_itm.by_classes = True', "train_itm.groups = {'brain': ('',)}"]
    run = self.train('pix2pix10_mini.gin', 'classes', *lines, epochs=1, steps_per_epoch=1)
    bundle = load_bundle(run / 'bundle', 'translator')
    self.assertEqual(bundle.spec.classes, ('background', 'brain', 'lesion'))
    self.assertEqual((bundle.spec.contrasts, bundle.n_contrasts), (('DWI',), 1))
    # Channels of three ids go in: a fourth is none of them, as nothing at all.
    ids = tf.constant([[[0] * 32] * 32, [[2] * 32] * 32, [[3] * 32] * 32, [[9] * 32] * 32], tf.uint8)
    made = bundle.call(segmentation=ids, latent=tf.zeros([4, 0]))
    self.assertNotAllClose(made[0], made[1])
    self.assertAllEqual(made[2], made[3])
    with self.assertRaisesRegex(ValueError, r'takes the classes .*expected a translator of the labels'):
      check_takes_labels(bundle)

  def test_a_translator_of_labels_says_none(self):
    run = self.train('pix2pix10_mini.gin', 'labels', epochs=1, steps_per_epoch=1)
    bundle = load_bundle(run / 'bundle', 'translator')
    self.assertEqual((bundle.spec.classes, bundle.spec.contrasts), ((), ()))
    check_takes_labels(bundle)

  def test_any_translator_learns_from_classes(self):
    for system in ('flow_mini.gin', 'cyclegan_mini.gin'):
      lines = ['train_itm.by_classes = True']
      run = self.train(system, f'classes_{system}', *lines, epochs=1, steps_per_epoch=1)
      self.assertLen(load_bundle(run / 'bundle').spec.classes, 5)


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
