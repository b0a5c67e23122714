"""Moves and changes of intensity against cases that can be told by hand, and against SciPy."""

import dataclasses
import math

import gin
import numpy as np
import scipy.ndimage
import tensorflow as tf

from keras_itm import augmentation
from keras_itm.augmentation import AffineRanges, IntensityRanges

_STILL = {'rotation_degrees': 0.0, 'translation': 0.0, 'shear_degrees': 0.0, 'flip_probability': 0.0}
_SAME = {'gamma': 0.0, 'bias': 0.0, 'scale': 0.0, 'shift': 0.0, 'noise_sd': 0.0}
_IDENTITY = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]


def _volume(shape=(9, 7, 3, 2)):
  return np.random.default_rng(0).uniform(size=shape).astype(np.float32)


def _draws(n=400, **ranges):
  limits = AffineRanges(**{**_STILL, **ranges})
  return np.array([augmentation.draw_affine(limits, [i, 0]) for i in range(n)])


class AffineVolumeTest(tf.test.TestCase):
  def _move(self, volume, affine):
    return augmentation.affine_volume(tf.constant(volume), tf.constant(affine, tf.float32))

  def test_identity(self):
    self.assertAllClose(self._move(_volume(), _IDENTITY), _volume())

  def test_exchange_of_left_and_right(self):
    """X is the first axis; a flip about the centre is exact for odd and even sizes."""
    for shape in ((9, 7, 3, 2), (8, 6, 3, 2)):
      moved = self._move(_volume(shape), [[-1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
      self.assertAllClose(moved, _volume(shape)[::-1], atol=1e-6)

  def test_quarter_turn(self):
    """Output (x, y) is taken from input (-y, x) about the centre."""
    volume = _volume((7, 7, 3))
    expected = np.zeros_like(volume)
    for x in range(7):
      for y in range(7):
        expected[x, y] = volume[3 - (y - 3), 3 + (x - 3)]
    moved = self._move(volume, [[0.0, -1.0, 0.0], [1.0, 0.0, 0.0]])
    self.assertAllClose(moved, expected, atol=1e-5)

  def test_shift(self):
    """A share of the size: 2 of 8 voxels along X, 3 of 6 along Y; zeros come in."""
    volume, expected = _volume((8, 6, 3)), np.zeros((8, 6, 3), np.float32)
    expected[:6, 3:] = volume[2:, :3]
    moved = self._move(volume, [[1.0, 0.0, 0.25], [0.0, 1.0, -0.5]])
    self.assertAllClose(moved, expected, atol=1e-5)

  def test_against_scipy(self):
    volume = _volume((11, 8, 3))
    limits = AffineRanges(rotation_degrees=40, translation=0.2, shear_degrees=20)
    for i in range(8):
      affine = augmentation.draw_affine(limits, [i, 7]).numpy().astype(np.float64)
      matrix, shift = affine[:, :2], affine[:, 2] * [11, 8]
      centre = np.array([5.0, 3.5])
      offset = centre - matrix @ centre + shift
      expected = np.stack(
        [
          scipy.ndimage.affine_transform(plane, matrix, offset, order=1, mode='grid-constant')
          for plane in np.moveaxis(volume, 2, 0)
        ],
        axis=2,
      )
      self.assertAllClose(self._move(volume, affine), expected, atol=1e-4)


class UniformTestCase(tf.test.TestCase):
  def assert_uniform(self, values, limit):
    """By the Kolmogorov-Smirnov distance, 0.0815 at 1 % for 400 draws."""
    cumulative = np.searchsorted(np.sort(values), np.linspace(-limit, limit, 101)) / len(values)
    self.assertLess(np.abs(cumulative - np.linspace(0, 1, 101)).max(), 0.0815)
    self.assertLessEqual(np.abs(values).max(), limit * (1 + 1e-5))


class DrawAffineTest(UniformTestCase):
  def test_the_seed_decides(self):
    first = augmentation.draw_affine(AffineRanges(), [1, 2])
    self.assertAllEqual(first, augmentation.draw_affine(AffineRanges(), [1, 2]))
    self.assertNotAllEqual(first, augmentation.draw_affine(AffineRanges(), [1, 3]))
    self.assertEqual(first.shape, (2, 3))

  def test_nothing_to_draw(self):
    self.assertAllClose(_draws(3), [_IDENTITY] * 3)

  def test_rotation(self):
    draws = _draws(rotation_degrees=30.0)
    angle = np.degrees(np.arctan2(draws[:, 1, 0], draws[:, 0, 0]))
    self.assert_uniform(angle, 30.0)
    matrices = draws[:, :, :2]
    self.assertAllClose(
      matrices @ matrices.transpose(0, 2, 1), np.tile(np.eye(2), (400, 1, 1)), atol=1e-6
    )
    self.assertAllClose(np.linalg.det(matrices), np.ones(400), atol=1e-6)

  def test_translation(self):
    draws = _draws(translation=0.1)
    for axis in range(2):
      self.assert_uniform(draws[:, axis, 2], 0.1)
    self.assertLess(abs(np.corrcoef(draws[:, 0, 2], draws[:, 1, 2])[0, 1]), 0.2)

  def test_shear(self):
    draws = _draws(shear_degrees=20.0)
    self.assert_uniform(np.degrees(np.arctan(draws[:, 0, 1])), 20.0)
    self.assertAllClose(draws[:, 1, :2], [[0.0, 1.0]] * 400)

  def test_flip(self):
    for probability, low, high in ((0.0, 0, 0), (0.25, 0.15, 0.35), (1.0, 1, 1)):
      flipped = (_draws(flip_probability=probability)[:, 0, 0] < 0).mean()
      self.assertBetween(flipped, low, high)


class ChangeIntensityTest(UniformTestCase):
  """Each change alone, undone by hand; intensities are far enough from 0 and 1 not to be clipped.

  An image of 100 contrasts shows 100 independent draws.
  """

  _IMAGE = 0.3 + 0.3 * _volume((5, 4, 3, 100))

  def _change(self, seed, image=_IMAGE, **ranges):
    limits = IntensityRanges(**{**_SAME, **ranges})
    return augmentation.change_intensity(tf.constant(image), limits, seed).numpy()

  def _changes(self, image=_IMAGE, **ranges):
    """For four seeds: [X, Y, Z, 400]."""
    return np.concatenate([self._change([i, 0], image, **ranges) for i in range(4)], axis=-1)

  def assert_one_value_each(self, values, limit):
    """The same in every voxel of a contrast, and uniform over contrasts and seeds."""
    means = values.mean(axis=(0, 1, 2))
    self.assertAllClose(values, np.broadcast_to(means, values.shape), atol=1e-5)
    self.assert_uniform(means, limit)

  def test_nothing_to_change(self):
    self.assertAllClose(self._change([1, 2]), self._IMAGE)

  def test_gamma(self):
    before = np.tile(self._IMAGE, 4)
    self.assert_one_value_each(np.log(np.log(self._changes(gamma=0.5)) / np.log(before)), 0.5)

  def test_scale(self):
    self.assert_one_value_each(self._changes(scale=0.4) / np.tile(self._IMAGE, 4) - 1, 0.4)

  def test_shift(self):
    self.assert_one_value_each(self._changes(shift=0.2) - np.tile(self._IMAGE, 4), 0.2)

  def test_bias(self):
    """A polynomial of degree 3: the fourth differences along each axis are 0."""
    image = np.full((9, 8, 7, 100), 0.5, np.float32)
    fields = np.log(self._changes(image, bias=0.4) / 0.5)
    largest = np.abs(fields).max(axis=(0, 1, 2))
    self.assert_uniform(2 * largest - 0.4, 0.4)
    for axis in range(3):
      fourth = np.diff(fields, 4, axis)
      self.assertAllClose(fourth, np.zeros_like(fourth), atol=2e-5)
      self.assertGreater(np.abs(np.diff(fields, 3, axis)).max(), 1e-3)
    unit = (fields / largest).reshape(-1, 400)
    self.assertLess(np.abs(np.corrcoef(unit, rowvar=False)[np.triu_indices(400, 1)]).mean(), 0.4)
    self.assertNear(np.mean(unit.max(axis=0) > 0.9999), 0.5, 0.1)

  def test_noise(self):
    image = np.full((16, 16, 8, 100), 0.5, np.float32)
    noise = self._changes(image, noise_sd=0.08) - 0.5
    sd = noise.std(axis=(0, 1, 2))
    self.assert_uniform(2 * sd - 0.08, 0.084)
    unit = noise / sd
    self.assertNear(unit.mean(), 0, 0.01)
    self.assertNear((np.abs(unit) < 1).mean(), 0.6827, 0.01)
    for axis in range(4):
      self.assertLess(abs((unit * np.roll(unit, 1, axis)).mean()), 0.01)

  def test_stays_within_0_and_1(self):
    image = _volume((8, 8, 4, 20))
    image[:3], image[-1] = 0, 1
    strong = {'gamma': 2.0, 'bias': 2.0, 'scale': 1.0, 'shift': 1.0, 'noise_sd': 1.0}
    changed = self._change([1, 2], image, **strong)
    self.assertAllInRange(changed, 0.0, 1.0)
    self.assertAllEqual(changed[image == 0], np.zeros((image == 0).sum()))
    self.assertGreater(changed[image > 0].std(), 0.2)
    self.assertEqual(changed.dtype, np.float32)

  def test_the_seed_decides(self):
    ranges = dataclasses.asdict(IntensityRanges())
    first = self._change([1, 2], **ranges)
    self.assertAllEqual(first, self._change(tf.constant([1, 2], tf.int64), **ranges))
    self.assertNotAllClose(first, self._change([1, 3], **ranges))

  def test_one_slice(self):
    image = _volume((6, 5, 1, 1))
    self.assertAllInRange(self._change([0, 0], image, bias=0.4) / image, np.exp(-0.41), np.exp(0.41))


class AugmentTest(tf.test.TestCase):
  def test_intensity_is_left_alone_by_default(self):
    image, lesion = _volume(), (_volume()[..., 0] > 0.5).astype(np.float32)
    for i in range(3):
      affine = augmentation.draw_affine(AffineRanges(), [i, 5])
      moved, mask = augmentation.augment(image, lesion, 2, AffineRanges(), [i, 5])
      self.assertAllEqual(moved, augmentation.affine_volume(image, affine))
      self.assertAllEqual(mask, augmentation.affine_volume(lesion, affine) >= 0.5)

  def test_intensity_is_changed_after_the_move(self):
    image, lesion = _volume(), (_volume()[..., 0] > 0.5).astype(np.float32)
    moved, mask = augmentation.augment(image, lesion, 2, AffineRanges(), [3, 5])
    changed, same_mask = augmentation.augment(
      image, lesion, 2, AffineRanges(), [3, 5], IntensityRanges(noise_sd=0.1)
    )
    expected = augmentation.change_intensity(moved, IntensityRanges(noise_sd=0.1), [3, 5])
    self.assertAllEqual(changed, expected)
    self.assertNotAllClose(changed, moved)
    self.assertAllEqual(same_mask, mask)

  def test_move_and_change_are_independent(self):
    """Though they come from one seed."""
    image, limits = tf.fill([2, 2, 2, 1], 0.5), IntensityRanges(**{**_SAME, 'scale': 0.5})
    seeds = tf.data.Dataset.range(200).map(lambda i: tf.stack([i, 0]))
    moves = np.array(list(seeds.map(lambda seed: augmentation.draw_affine(AffineRanges(), seed))))
    scale = lambda seed: augmentation.change_intensity(image, limits, seed)[0, 0, 0, 0]
    scales = np.array(list(seeds.map(scale)))
    for values in (moves[:, 0, 0], moves[:, 0, 1], moves[:, 0, 2], moves[:, 1, 2]):
      self.assertLess(abs(np.corrcoef(values, scales)[0, 1]), 0.2)

  def test_a_slice_moves_as_a_volume_of_one(self):
    image, classes = _volume()[:, :, 0], (4 * _volume()[:, :, 0, 0] % 3).astype(np.uint8)
    for intensity in (None, IntensityRanges(noise_sd=0.1)):
      moved, found = augmentation.augment(image, classes, 3, AffineRanges(), [3, 5], intensity)
      for k in (1, 2):
        mask = (classes == k).astype(np.float32)[..., None]
        volume = augmentation.augment(image[:, :, None], mask, 2, AffineRanges(), [3, 5], intensity)
        self.assertAllClose(moved, volume[0][:, :, 0], atol=1e-6)
        # Where the class has more than half of a pixel.
        self.assertTrue(tf.reduce_all(found[volume[1][..., 0] == 1] == k))
    self.assertEqual((found.dtype, found.shape), (tf.uint8, classes.shape))
    far = AffineRanges(translation=1.0)  # What comes in from outside has no class.
    _, found = augmentation.augment(image, np.full_like(classes, 2), 3, far, [3, 5])
    self.assertEqual(set(np.unique(found)), {0, 2})

  def test_classes_of_a_volume_move_slice_by_slice(self):
    image = _volume((6, 5, 4, 2))
    classes = (4 * image[..., 0] % 3).astype(np.uint8)
    moved, found = augmentation.augment(image, classes, 3, AffineRanges(), [3, 5])
    for z in range(4):
      alone = augmentation.augment(image[:, :, z], classes[:, :, z], 3, AffineRanges(), [3, 5])
      self.assertAllClose(moved[:, :, z], alone[0], atol=1e-6)
      self.assertAllEqual(found[:, :, z], alone[1])

  def test_image_and_lesion_move_alike(self):
    lesion = np.zeros((16, 12, 3), np.float32)
    lesion[3:9, 4:9, 1] = 1
    ranges = AffineRanges(rotation_degrees=45, translation=0.1, shear_degrees=10)
    for i in range(5):
      image, mask = augmentation.augment(tf.constant(lesion)[..., None], lesion, 2, ranges, [i, 0])
      self.assertAllEqual(image.shape, (16, 12, 3, 1))
      self.assertAllEqual(mask, image[..., 0] >= 0.5)
      self.assertGreater(tf.reduce_sum(mask), 15)
      self.assertAllEqual(tf.reduce_sum(mask, [0, 1])[::2], [0, 0])

  def test_masks_keep_their_size(self):
    """On the average over moves, area is kept: rotation, shear and flip have a determinant of 1."""
    lesion = np.zeros((32, 32, 1), np.float32)
    lesion[10:20, 12:22] = 1
    sizes = [
      float(
        tf.reduce_sum(augmentation.augment(lesion[..., None], lesion, 2, AffineRanges(), [i, 1])[1])
      )
      for i in range(40)
    ]
    self.assertNear(np.mean(sizes), 100, 3)

  def test_in_a_pipeline(self):
    volume, lesion = _volume((9, 7, 3, 2)), (_volume((9, 7, 3)) > 0.5).astype(np.float32)
    seeds = tf.data.Dataset.from_tensor_slices([[1, 2], [3, 4]])
    move = lambda seed: augmentation.augment(volume, lesion, 2, AffineRanges(), seed)
    for (image, mask), seed in zip(seeds.map(move), ([1, 2], [3, 4])):
      expected_image, expected_mask = move(tf.constant(seed))
      self.assertAllClose(image, expected_image, atol=1e-6)
      self.assertAllClose(mask, expected_mask)
    self.assertNotAllClose(*[image for image, _ in seeds.map(move)])

  def test_intensity_in_a_pipeline(self):
    volume, lesion = _volume((9, 7, 3, 2)), np.zeros((9, 7, 3), np.float32)
    seeds = tf.data.Dataset.from_tensor_slices([[1, 2], [3, 4]])
    change = lambda seed: augmentation.augment(
      volume, lesion, 2, AffineRanges(), seed, IntensityRanges()
    )[0]
    for image, seed in zip(seeds.map(change), ([1, 2], [3, 4])):
      self.assertEqual(image.shape, (9, 7, 3, 2))
      self.assertAllClose(image, change(tf.constant(seed)), atol=1e-5)

  def test_defaults(self):
    ranges = AffineRanges()
    self.assertEqual(ranges.flip_probability, 0.5)
    self.assertLess(math.radians(ranges.rotation_degrees), math.pi / 4)


class RangesTest(tf.test.TestCase):
  def test_refuses_contradictions(self):
    for change in (
      {'rotation_degrees': -1.0},
      {'translation': -0.1},
      {'translation': 1.5},
      {'shear_degrees': 90.0},
      {'flip_probability': 1.1},
    ):
      name, value = next(iter(change.items()))
      with self.assertRaisesRegex(ValueError, f'{name} is {value}'):
        AffineRanges(**change)

  def test_refuses_intensities_out_of_range(self):
    for name in _SAME:
      for value in (-0.1, 2.5, math.nan):
        with self.assertRaisesRegex(
          ValueError, f'{name} is {value}, expected a number from 0 to [12]$'
        ):
          IntensityRanges(**{name: value})

  def test_gin_knows_both(self):
    with gin.unlock_config():
      gin.parse_config(['AffineRanges.translation = 0.2', 'IntensityRanges.gamma = 0.7'])
    self.addCleanup(gin.clear_config)
    self.assertEqual(gin.get_configurable('AffineRanges')().translation, 0.2)
    self.assertEqual(gin.get_configurable('IntensityRanges')().gamma, 0.7)


if __name__ == '__main__':
  tf.test.main()
