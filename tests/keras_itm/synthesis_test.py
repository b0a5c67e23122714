"""Lesions and images by toy generators that can be worked out in NumPy."""

import dataclasses
import pathlib

import numpy as np
import tensorflow as tf

from keras_itm import synthesis
from keras_itm.appearance import Appearances
from keras_itm.bundle import Bundle
from keras_itm.bundle_spec import BundleSpec
from keras_itm.synthesis import LesionDrawError

_SHAPE = (6, 5, 4)
_LESION_ID = 9


def _bundle(kind, call, latent_size=3, intensity_range=(-1.0, 1.0), whole_volumes=False):
  spec = BundleSpec(
    kind=kind,
    grid={'shape': _SHAPE},
    label_scheme={'lesion_id': _LESION_ID, 'parenchyma_ids': [2, 3]},
    latent_size=latent_size,
    intensity_range=intensity_range,
    training_set='',
    whole_volumes=whole_volumes,
  )
  return Bundle(pathlib.Path('runs/toy/bundle'), spec, call, '')


def _block_generator(seen=None):
  """A lesion of the first k slabs along X, k from the latent: k * 20 voxels."""

  def call(latent):
    if seen is not None:
      seen.extend(latent.numpy())
    slabs = tf.cast(tf.range(6), tf.float32)[None] < 6 * tf.sigmoid(2 * latent[:, :1])
    return tf.broadcast_to(tf.cast(slabs, tf.float32)[:, :, None, None], [len(latent), *_SHAPE])

  return _bundle('lesion_generator', call)


def _labels(n):
  return np.random.default_rng(0).integers(1, 4, (n, *_SHAPE), np.uint8)


def _draw(n=4, volumes=None, generator=None, **arguments):
  volumes = range(n) if volumes is None else volumes
  arguments = {'seed': 1, **arguments}
  labels = _labels(50)[list(volumes)]
  return synthesis.draw_lesions(generator or _block_generator(), labels, volumes, **arguments)


class DrawLesionsTest(tf.test.TestCase):
  def test_in_parenchyma_only(self):
    seen = []
    for drawn, labels in zip(_draw(5, generator=_block_generator(seen)), _labels(50)):
      self.assertEqual(drawn.mask.dtype, np.uint8)
      self.assertEqual(drawn.mask.shape, _SHAPE)
      self.assertGreaterEqual(drawn.mask.sum(), 20)
      self.assertEqual(drawn.draw_voxels[-1], drawn.mask.sum())
      # Whole slabs, less what is no parenchyma.
      slabs = drawn.mask.any((1, 2))
      self.assertAllEqual(drawn.mask, slabs[:, None, None] * np.isin(labels, [2, 3]))
      self.assertAllEqual(np.sort(slabs)[::-1], slabs)

  def test_draws_until_large_enough(self):
    drawn = _draw(40, min_voxels=45)
    sizes = [lesion.draw_voxels for lesion in drawn]
    self.assertGreater(max(len(s) for s in sizes), 2)
    for voxels in sizes:
      self.assertGreaterEqual(voxels[-1], 45)
      self.assertTrue(all(size < 45 for size in voxels[:-1]))

  def test_exactly_enough_is_enough(self):
    size = int(_draw(1, min_voxels=1)[0].mask.sum())
    self.assertLen(_draw(1, min_voxels=size)[0].draw_voxels, 1)
    self.assertGreater(len(_draw(1, min_voxels=size + 1)[0].draw_voxels), 1)

  def test_a_volume_depends_on_seed_and_number_alone(self):
    arguments = {'min_voxels': 40}
    together = _draw(12, **arguments)
    for volumes in ([7], [11, 3], [0, 7, 2]):
      for drawn, volume in zip(_draw(volumes=volumes, **arguments), volumes):
        self.assertAllEqual(drawn.mask, together[volume].mask)
        self.assertEqual(drawn.draw_voxels, together[volume].draw_voxels)
    other = _draw(12, seed=2, **arguments)
    self.assertNotEqual([d.draw_voxels for d in other], [d.draw_voxels for d in together])

  def test_also_by_a_network_whose_last_bits_depend_on_the_batch(self):
    whole_batch = lambda latent: tf.fill([len(latent), *_SHAPE], 0.5 + 1e-3 * (len(latent) == 1))
    drawn = _draw(3, generator=_bundle('lesion_generator', whole_batch))
    self.assertEqual([len(d.draw_voxels) for d in drawn], [1, 1, 1])

  def test_latents_are_normal_and_all_different(self):
    seen = []
    _draw(50, generator=_block_generator(seen), min_voxels=60)
    seen = np.array(seen)
    self.assertGreater(len(seen), 80)
    self.assertEqual(seen.dtype, np.float32)
    self.assertLen(np.unique(seen, axis=0), len(seen))
    # Five standard errors.
    self.assertNear(seen.mean(), 0, 5 / np.sqrt(seen.size))
    self.assertNear(seen.std(), 1, 5 / np.sqrt(2 * seen.size))

  def test_gives_up_with_the_sizes(self):
    sizes = iter([5, 3, 4, 6, 2])

    def call(latent):
      flat = np.arange(np.prod(_SHAPE)) < next(sizes)
      return tf.constant(flat.reshape(1, *_SHAPE), tf.float32)

    labels = np.full((1, *_SHAPE), 2, np.uint8)
    generator = _bundle('lesion_generator', call)
    message = (
      'volume 17: 5 lesions were drawn from runs/toy/bundle with 2 to 6 voxels of parenchyma '
      r'\(median 4\), expected one of at least 20'
    )
    with self.assertRaisesRegex(LesionDrawError, message):
      synthesis.draw_lesions(generator, labels, [17], seed=0, max_draws=5)
    self.assertIsNone(next(sizes, None))

  def test_refuses_contradictions(self):
    with self.assertRaisesRegex(ValueError, 'max_draws is 0'):
      _draw(max_draws=0)
    with self.assertRaisesRegex(ValueError, '1 indices, expected one for each of 2 label maps'):
      synthesis.draw_lesions(_block_generator(), _labels(2), [0], seed=0)


def _translator(seen=None, **facts):
  """Tells where each pixel lies and what it shows: x / 10, y / 100, label / 1000, in two contrasts."""

  def call(segmentation, latent):
    if seen is not None:
      seen.append((segmentation.numpy(), latent.numpy()))
    x, y = tf.meshgrid(tf.range(6.0) / 10, tf.range(5.0) / 100, indexing='ij')
    first = x + y + tf.cast(segmentation, tf.float32) / 1000
    return tf.stack([first, -first], axis=-1)

  return _bundle('translator', call, **facts)


class TranslateTest(tf.test.TestCase):
  labels = _labels(1)[0]
  lesion = (np.random.default_rng(3).uniform(size=_SHAPE) < 0.3).astype(np.uint8)

  def translate(self, translator):
    return synthesis.translate(
      translator, self.labels, self.lesion, 0, seed=0, equalize_slice_brightness=False
    )

  def test_axes_labels_and_range(self):
    image = self.translate(_translator())
    self.assertEqual(image.shape, (*_SHAPE, 2))
    self.assertEqual(image.dtype, np.float32)
    x, y, _ = np.meshgrid(*map(np.arange, _SHAPE), indexing='ij')
    shown = np.where(self.lesion == 1, _LESION_ID, self.labels)
    first = x / 10 + y / 100 + shown / 1000
    expected = np.stack([(first + 1) / 2, (1 - first) / 2], -1)
    self.assertAllClose(image, expected, atol=1e-6)

  def test_range_of_the_bundle(self):
    """0 to 0.5 becomes 0 to 1; what lies outside is cut off."""
    image = self.translate(_translator(intensity_range=(0.0, 0.5)))
    signed = self.translate(_translator()) * 2 - 1
    self.assertAllClose(image, np.clip(signed * 2, 0, 1), atol=1e-5)
    self.assertEqual((image.min(), image.max()), (0.0, 1.0))

  def test_one_latent_for_all_slices(self):
    seen = []
    for volume, seed in ((0, 0), (0, 0), (1, 0), (0, 1)):
      synthesis.translate(_translator(seen), self.labels, self.lesion, volume, seed=seed)
    for segmentation, latent in seen:
      self.assertEqual(segmentation.dtype, np.uint8)
      self.assertEqual(segmentation.shape, (4, 6, 5))
      self.assertEqual(latent.shape, (4, 3))
      self.assertLen(np.unique(latent, axis=0), 1)
    first, again, other_volume, other_seed = (latent[0] for _, latent in seen)
    self.assertAllEqual(first, again)
    self.assertNotAllEqual(first, other_volume)
    self.assertNotAllEqual(first, other_seed)

  def test_a_whole_volume_with_one_latent(self):
    seen = []

    def call(segmentation, latent):
      seen.append((segmentation.numpy(), latent.numpy()))
      return tf.cast(segmentation, tf.float32)[..., None] / 10

    translator = _bundle('translator', call, whole_volumes=True)
    # Its slices are left as they are, bright or dark.
    image = synthesis.translate(translator, self.labels, self.lesion, 0, seed=0)
    shown = np.where(self.lesion == 1, _LESION_ID, self.labels)
    self.assertAllClose(image, (shown[..., None] / 10 + 1) / 2)
    [(segmentation, latent)] = seen
    self.assertAllEqual(segmentation, shown[None])
    self.assertEqual(latent.shape, (1, 3))

  def test_what_a_sampler_leaves_outside_the_head_is_taken_away(self):
    labels = np.zeros(_SHAPE, np.uint8)
    labels[2:] = 2
    values = tf.constant([0.04, 0.06, 0.04, 0.06, 0.04, 0.06])[None, :, None, None, None]
    call = lambda segmentation, latent: tf.broadcast_to(2 * values - 1, [1, *_SHAPE, 1])
    translator = _bundle('translator', call, whole_volumes=True)
    image = synthesis.translate(translator, labels, np.zeros_like(labels), 0, seed=0)
    # Air, what may be scalp, and tissue, dark or not.
    self.assertAllClose(image[:, 0, 0, 0], [0, 0.06, 0.04, 0.06, 0.04, 0.06])

  def test_latents_are_not_those_of_the_lesion(self):
    lesion_latents, seen = [], []
    _draw(1, generator=_block_generator(lesion_latents), min_voxels=1)
    synthesis.translate(_translator(seen), self.labels, self.lesion, 0, seed=1)
    self.assertNotAllEqual(lesion_latents[0], seen[0][1][0])

  def test_slices_get_one_brightness(self):
    """A translator that sees one slice at a time darkens every second one."""
    labels = np.full((10, 10, 4), 2, np.uint8)
    labels[::2] = 3
    lesion = np.zeros_like(labels)
    lesion[4:7, 4:7, 1:3] = 1
    tissue = tf.constant([0, 0, 0.3, 0.6, 0, 0, 0, 0, 0, 0.9])
    gains = tf.constant([1, 0.5, 1, 0.5])[:, None, None, None]
    call = lambda segmentation, latent: (
      gains * tf.gather(tissue, tf.cast(segmentation, tf.int32))[..., None]
    )
    translator = _bundle('translator', call, intensity_range=(0.0, 1.0))
    made = [
      synthesis.translate(translator, labels, lesion, 0, seed=0, **options)
      for options in ({}, *({'equalize_slice_brightness': value} for value in (True, False)))
    ]
    shown = tissue.numpy()[np.where(lesion == 1, _LESION_ID, labels)]
    self.assertAllClose(made[2][..., 0], shown * [1, 0.5, 1, 0.5], atol=1e-6)
    # More than half a percent is lesion, so that its brightness becomes 1.
    self.assertAllClose(made[1][..., 0], shown / 0.9, atol=1e-5)
    self.assertAllEqual(made[0], made[1])

  def test_without_latent(self):
    seen = []
    synthesis.translate(_translator(seen, latent_size=0), self.labels, self.lesion, 0, seed=0)
    self.assertEqual(seen[0][1].shape, (4, 0))


class AppearanceTest(tf.test.TestCase):
  def setUp(self):
    super().setUp()
    values = np.random.default_rng(0).uniform([1, 0], [2, 0.1], size=(50, 2))
    self.told = Appearances.fit(['ratio', 'noise'], values)
    self.seen = []

  def translator(self, appearances):
    def call(segmentation, latent, **inputs):
      self.seen.append(inputs)
      return tf.zeros([*segmentation.shape, 1])

    bundle = _bundle('translator', call)
    return dataclasses.replace(bundle, spec=dataclasses.replace(bundle.spec, appearances=appearances))

  def translate(self, index=0, **options):
    labels = _labels(1)[0]
    synthesis.translate(self.translator(self.told), labels, np.zeros_like(labels), index, **options)
    return self.seen[-1]['appearance'].numpy()

  def test_all_slices_have_the_scores_of_what_was_drawn(self):
    drawn = synthesis.draw_appearance(self.translator(self.told), 0, seed=1)
    self.assertEqual(list(drawn), ['ratio', 'noise'])
    self.assertAllEqual(self.translate(seed=1), np.tile(self.told.scores(drawn), (4, 1)))
    asked = self.translate(seed=1, appearance={'ratio': 1.5, 'noise': 0.05})
    self.assertAllClose(asked, np.zeros((4, 2)), atol=0.3)

  def test_what_is_not_among_the_numbers_counts_for_nothing(self):
    _, noise = self.told.scores({'noise': 0.09})
    self.assertGreater(noise, 0.5)
    self.assertAllEqual(self.translate(seed=1, appearance={'noise': 0.09}), [[0, noise]] * 4)
    self.assertAllEqual(self.translate(seed=1, appearance={}), [[0, 0]] * 4)

  def test_an_image_that_shows_something(self):
    image, labels = np.random.default_rng(0).random((4, 4, 2, 2)), np.full((4, 4, 2), 5)
    lesion = np.zeros_like(labels)
    shows = lambda: synthesis.is_image(image, labels, lesion, [4, 5])
    self.assertTrue(shows())
    # A map of delays is 0 in most of a healthy brain.
    image[:, 1:, :, 1] = 0
    self.assertTrue(shows())
    image[..., 1] = 0
    self.assertFalse(shows())
    # What is bright in the lesion alone, or beside the brain, is no image of the brain.
    image[0, 0, 0, 1] = lesion[0, 0, 0] = 1
    self.assertFalse(shows())
    lesion[0, 0, 0], labels[0, 0, 0] = 0, 6
    self.assertFalse(shows())
    labels[0, 0, 0] = 4
    self.assertTrue(shows())
    image[0, 0, 0, 1] = np.nan
    labels[:] = 0
    self.assertFalse(shows())

  def test_each_volume_and_each_redraw_has_its_own(self):
    scores = [
      self.translate(seed=1),
      self.translate(seed=2),
      self.translate(1, seed=1),
      self.translate(seed=1, redraw=1),
    ]
    self.assertLen(np.unique([one[0, 0] for one in scores]), 4)
    self.assertAllEqual(self.translate(seed=1), scores[0])

  def test_a_translator_of_labels_alone_is_given_nothing(self):
    bundle, labels = self.translator(None), _labels(1)[0]
    synthesis.translate(bundle, labels, np.zeros_like(labels), 0, seed=1)
    self.assertEqual(self.seen, [{}])
    self.assertEqual(synthesis.draw_appearance(bundle, 0, seed=1), {})


if __name__ == '__main__':
  tf.test.main()
