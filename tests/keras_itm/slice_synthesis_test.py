import itertools
import types

import numpy as np
import tensorflow as tf

from keras_itm.slice_synthesis import (
  CopiedSliceError,
  draw_slices,
  images_of_latents,
  slices_of_latents,
  translate_slices,
)


def _generator(calls: list) -> types.SimpleNamespace:
  """Two classes by the first condition; an image of the first number of the latent."""

  def call(latent, condition, truncation):
    calls.append((latent.numpy(), condition.numpy(), truncation.numpy()))
    plane = lambda values: tf.tile(values[:, None, None], [1, 2, 3])
    is_one = tf.cast(plane(condition[:, 0]), tf.int32)
    return {'image': plane(latent[:, 0])[..., None], 'probability': tf.one_hot(is_one, 2)}

  spec = types.SimpleNamespace(intensity_range=(-1.0, 1.0), latent_size=2)
  return types.SimpleNamespace(spec=spec, call=call)


def _parts(is_drawn: np.ndarray) -> list[int]:
  """Sizes of the batches of as many slices."""
  n = int(is_drawn.sum())
  return [8] * (n // 8) + ([n % 8] if n % 8 else [])


class DrawSlicesTest(tf.test.TestCase):
  def test_by_hand(self):
    calls, asked = [], np.array([[0.0], [1.0]] * 5 + [[1.0]])
    image, classes = draw_slices(_generator(calls), asked, 4, seed=1, truncation=0.25)
    self.assertEqual([len(latent) for latent, *_ in calls], [8, 3])
    latents, conditions, truncations = (np.concatenate(part) for part in zip(*calls))
    self.assertAllEqual(conditions, asked)
    self.assertAllEqual(truncations, [0.25] * 11)
    self.assertLen(set(latents.ravel()), 22)
    # From -1 to 1 to 0 to 1, what is beyond cut off.
    self.assertAllClose(image[:, 1, 2, 0], np.clip(latents[:, 0] / 2 + 0.5, 0, 1))
    self.assertEqual((image.shape, image.dtype), ((11, 2, 3, 1), np.float32))
    self.assertAllEqual(classes[:, 0, 0], asked[:, 0])
    self.assertEqual(classes.dtype, np.uint8)

  def test_a_patient_depends_on_seed_and_number_and_a_slice_on_its_own(self):
    def latents(n, index, seed):
      calls = []
      draw_slices(_generator(calls), np.zeros([n, 1]), index, seed=seed)
      return np.concatenate([latent for latent, *_ in calls])

    whole = latents(11, 4, 1)
    self.assertAllEqual(latents(3, 4, 1), whole[:3])
    for index, seed in ((5, 1), (4, 2)):
      self.assertNotAllClose(latents(11, index, seed), whole)

  def test_what_is_not_wanted_is_drawn_again(self):
    """Latents are known from the first draws; each slice stays with the first that is wanted."""
    asked = np.zeros([11, 1])
    wants_above = lambda image: image[:, 0, 0, 0] > 0.75
    latents = []
    for attempt in range(3):
      calls = []
      # Nothing is wanted, so that all are drawn at every try.
      none = lambda classes: np.zeros(11, bool)
      draw_slices(_generator(calls), asked, 4, seed=1, is_wanted=none, tries=attempt + 1)
      latents.append(np.concatenate([latent for latent, *_ in calls])[-11:, 0])
    images = np.clip(np.array(latents) / 2 + 0.5, 0, 1)
    self.assertLen(set(images.ravel()) - {0, 1}, np.sum((images > 0) & (images < 1)))

    def generator(calls):
      """The class is 1 where the image is bright."""
      made = _generator(calls)
      call = lambda **given: {
        'image': (image := made.call(**given)['image']),
        'probability': tf.one_hot(tf.cast(image[..., 0] > 0.5, tf.int32), 2),
      }
      return types.SimpleNamespace(spec=made.spec, call=call)

    is_bright = lambda classes: classes[:, 0, 0] == 1
    calls = []
    image, classes = draw_slices(generator(calls), asked, 4, seed=1, is_wanted=is_bright, tries=3)
    first = np.argmax(np.concatenate([images[:2] > 0.75, np.ones([1, 11], bool)]), axis=0)
    self.assertEqual(set(first), {0, 1, 2})
    self.assertAllClose(image[:, 0, 0, 0], images[first, np.arange(11)])
    self.assertAllEqual(is_bright(classes), wants_above(image))
    self.assertEqual(
      [len(latent) for latent, *_ in calls], [8, 3, *_parts(first > 0), *_parts(first > 1)]
    )

  def test_copies_are_drawn_again_until_they_are_none(self):
    """Bright slices are copies: each stays with its first dark draw, whatever the others do."""
    asked, seen = np.zeros([11, 1]), []
    is_bright = lambda image: image[:, 0, 0, 0] > 0.5

    def is_copy(positions, image, classes):
      seen.append(positions.tolist())
      return is_bright(image)

    plain, _ = draw_slices(_generator([]), asked, 4, seed=1)
    image, _ = draw_slices(_generator([]), asked, 4, seed=1, is_copy=is_copy, max_redraws=20)
    self.assertFalse(is_bright(image).any())
    self.assertAllEqual(image[~is_bright(plain)], plain[~is_bright(plain)])
    # Only what was drawn anew is looked at again.
    self.assertEqual(seen[:2], [[*range(11)], np.flatnonzero(is_bright(plain)).tolist()])
    always = lambda positions, image, classes: positions == 5
    for redraws in (0, 2):
      with self.assertRaisesRegex(CopiedSliceError, f'patient 4: {redraws + 1} draws of slice 5 were'):
        draw_slices(_generator([]), asked, 4, seed=1, is_copy=always, max_redraws=redraws)

  def test_what_replaces_a_copy_is_what_was_asked_for(self):
    """In turn: not wanted, a copy, not wanted twice, what was asked for; three tries, then anew."""
    turn = itertools.count()
    call = lambda latent, condition, truncation: {
      'image': tf.zeros([1, 2, 3, 1]),
      'probability': tf.one_hot(tf.fill([1, 2, 3], next(turn)), 9),
    }
    made = types.SimpleNamespace(spec=_generator([]).spec, call=call)
    wanted = lambda classes: np.isin(classes[:, 0, 0], [1, 4])
    copied = lambda positions, image, classes: classes[:, 0, 0] == 1
    options = {'seed': 1, 'is_wanted': wanted, 'is_copy': copied, 'max_redraws': 1}
    _, classes = draw_slices(made, np.zeros([1, 1]), 0, tries=3, **options)
    self.assertAllEqual(classes, np.full([1, 2, 3], 4))

  def test_slices_of_latents_are_those_that_drew_them(self):
    calls, asked = [], np.array([[0.0], [1.0]] * 5)
    image, classes = draw_slices(_generator(calls), asked, 4, seed=1, truncation=0.25)
    latents = np.concatenate([latent for latent, *_ in calls])
    again = slices_of_latents(_generator([]), latents, asked, truncation=0.25)
    self.assertAllEqual(again[0], image)
    self.assertAllEqual(again[1], classes)


class TranslateSlicesTest(tf.test.TestCase):
  def translate(self, n, index, seed):
    """Images of n slices whose class is their number, and the latents of each call."""
    translator, calls = self.translator()
    return translate_slices(translator, self.classes(n), index, seed=seed), calls

  def translator(self):
    """The class as brightness, then the first number of the latent; and the latents of each call."""
    calls = []

    def call(segmentation, latent):
      calls.append(latent.numpy())
      plane = latent[:, 0, None, None] * tf.ones(segmentation.shape)
      return tf.stack([tf.cast(segmentation, tf.float32) / 5 - 1, plane], axis=-1)

    spec = types.SimpleNamespace(intensity_range=(-1.0, 1.0), latent_size=2)
    return types.SimpleNamespace(spec=spec, call=call), calls

  def classes(self, n):
    return np.tile(np.arange(n, dtype=np.uint8)[:, None, None], [1, 2, 3])

  def test_by_hand(self):
    image, calls = self.translate(12, 4, 1)
    self.assertEqual([len(latents) for latents in calls], [8, 4])
    latents = np.concatenate(calls)
    self.assertLen(set(latents.ravel()), 24)
    self.assertEqual((image.shape, image.dtype), ((12, 2, 3, 2), np.float32))
    self.assertAllClose(image[:, 1, 2, 0], [*np.arange(10) / 10, 1, 1])
    self.assertAllClose(image[:, 0, 0, 1], np.clip(latents[:, 0] / 2 + 0.5, 0, 1))

  def test_images_of_latents(self):
    latents = np.stack([np.linspace(-2, 2, 12), np.zeros(12)], axis=1)
    translator, calls = self.translator()
    image = images_of_latents(translator, latents, self.classes(12))
    self.assertAllClose(np.concatenate(calls), latents)
    self.assertAllClose(image[:, 0, 0, 1], [0, 0, 0, *(np.arange(3, 9) * 2 / 11 - 0.5), 1, 1, 1])

  def test_a_patient_depends_on_seed_and_number_and_latents_are_not_those_of_the_classes(self):
    latents = lambda *key: np.concatenate(self.translate(*key)[1])
    whole = latents(11, 4, 1)
    self.assertAllEqual(latents(3, 4, 1), whole[:3])
    for index, seed in ((5, 1), (4, 2)):
      self.assertNotAllClose(latents(11, index, seed), whole)
    calls = []
    draw_slices(_generator(calls), np.zeros([11, 1]), 4, seed=1)
    self.assertNotAllClose(np.concatenate([latent for latent, *_ in calls]), whole)


if __name__ == '__main__':
  tf.test.main()
