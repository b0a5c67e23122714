"""Gains planted in volumes of known tissue, found and taken out again."""

import numpy as np
import tensorflow as tf

from keras_itm import slice_brightness

_SHAPE = (24, 20, 10)
# Label -> brightness; 3 is no parenchyma, 0 is background.
_TISSUE = np.array([0.0, 0.2, 0.5, 0.9])
_PARENCHYMA = (1, 2)
_GAINS = np.array([1.0, 1.1, 0.8, 0.6, 0.7, 1.0, 1.2, 1.1, 0.9, 1.0])


def _labels() -> np.ndarray:
  """Brain in a frame of background; the bright tissue's share grows from slice to slice."""
  share = np.linspace(0.1, 0.9, _SHAPE[2])
  draws = np.random.default_rng(0).uniform(size=_SHAPE)
  labels = np.where(draws < share, 2, 1).astype(np.uint8)
  labels[::5, ::4] = 3
  labels[:2], labels[-2:], labels[:, :2], labels[:, -2:] = 0, 0, 0, 0
  return labels


def _lesion(labels: np.ndarray) -> np.ndarray:
  lesion = np.zeros(_SHAPE, np.uint8)
  lesion[6:18, 5:14, 2:5] = 1
  return lesion * np.isin(labels, _PARENCHYMA)


def _least_squares_gains(image: np.ndarray, labels: np.ndarray, inside: np.ndarray) -> np.ndarray:
  """log image = log gain of the slice + log brightness of the label, solved in one go."""
  z = np.nonzero(inside)[2]
  ids, label = np.unique(labels[inside], return_inverse=True)
  n_slices = image.shape[2]
  design = np.zeros((len(z), n_slices + len(ids)))
  design[np.arange(len(z)), z] = 1
  design[np.arange(len(z)), n_slices + label] = 1
  solution, *_ = np.linalg.lstsq(design, np.log(image[inside]), rcond=None)
  return np.exp(solution[:n_slices])


class SliceGainsTest(tf.test.TestCase):
  labels = _labels()
  inside = np.isin(labels, _PARENCHYMA)

  def assert_proportional(self, found, expected, rtol):
    """A common factor belongs to the tissue as well as to the slices."""
    self.assertAllClose(found / np.mean(found), expected / np.mean(expected), rtol=rtol)

  def test_finds_planted_gains(self):
    image = _TISSUE[self.labels] * _GAINS
    gains = slice_brightness.slice_gains(image, self.labels, self.inside)
    self.assert_proportional(gains, _GAINS, rtol=1e-6)

  def test_as_least_squares_of_logarithms(self):
    noise = np.random.default_rng(1).uniform(0.95, 1.05, _SHAPE)
    image = _TISSUE[self.labels] * _GAINS * noise
    gains = slice_brightness.slice_gains(image, self.labels, self.inside)
    self.assert_proportional(gains, _least_squares_gains(image, self.labels, self.inside), rtol=0.01)

  def test_other_tissue_is_no_gain(self):
    """The mean of the last slice is twice that of the first, by its tissue alone."""
    image = _TISSUE[self.labels]
    means = [image[..., z][self.inside[..., z]].mean() for z in (0, -1)]
    self.assertGreater(means[1], 1.7 * means[0])
    gains = slice_brightness.slice_gains(image, self.labels, self.inside)
    self.assertAllClose(gains, np.ones(_SHAPE[2]), atol=1e-6)

  def test_two_slices_of_one_tissue_by_hand(self):
    """Brightness 0.2 and 0.6 of 80 voxels each: mean 0.4, gains 0.5 and 1.5."""
    image = np.full((10, 8, 2), 0.2)
    image[..., 1] = 0.6
    labels = np.ones(image.shape, np.uint8)
    self.assertAllClose(slice_brightness.slice_gains(image, labels, labels > 0), [0.5, 1.5], atol=1e-9)

  def test_tissue_of_few_slices(self):
    """A label that no other slice has tells nothing of its slices' gains; the other one does."""
    labels = self.labels.copy()
    labels[..., 4:6] = np.where(labels[..., 4:6] == 2, 4, labels[..., 4:6])
    image = np.append(_TISSUE, 0.3)[labels] * _GAINS
    gains = slice_brightness.slice_gains(image, labels, np.isin(labels, (1, 2, 4)))
    self.assert_proportional(gains, _GAINS, rtol=1e-3)

  def test_slices_with_little_tissue_take_the_gain_of_their_neighbours(self):
    image = _TISSUE[self.labels] * _GAINS
    inside = self.inside.copy()
    for z, n_kept in ((0, 49), (4, 49), (9, 0)):
      inside[..., z] &= np.cumsum(inside[..., z]).reshape(_SHAPE[:2]) <= n_kept
    # Their own brightness must not matter.
    image[..., [0, 4, 9]] *= 0.01
    gains = slice_brightness.slice_gains(image, self.labels, inside)
    self.assertAllClose(gains[[0, 9]], gains[[1, 8]], rtol=1e-9)
    self.assertAllClose(gains[4], (gains[3] + gains[5]) / 2, rtol=1e-9)

  def test_fifty_voxels_are_enough(self):
    image, labels = np.full((10, 5, 2), 0.2), np.ones((10, 5, 2), np.uint8)
    image[..., 1] = 0.6
    inside = np.ones(image.shape, bool)
    self.assertAllClose(slice_brightness.slice_gains(image, labels, inside), [0.5, 1.5], atol=1e-9)
    inside[0, 0, 1] = False
    self.assertAllClose(slice_brightness.slice_gains(image, labels, inside)[1], 1.0, atol=0.01)

  def test_nothing_to_measure(self):
    image = _TISSUE[self.labels]
    nowhere = np.zeros(_SHAPE, bool)
    self.assertIsNone(slice_brightness.slice_gains(image, self.labels, nowhere))
    self.assertIsNone(slice_brightness.slice_gains(0 * image, self.labels, self.inside))

  def test_a_black_slice_does_no_harm(self):
    image = _TISSUE[self.labels] * _GAINS
    image[..., 3] = 0
    gains = slice_brightness.slice_gains(image, self.labels, self.inside)
    self.assertTrue(np.isfinite(gains).all())
    others = np.arange(_SHAPE[2]) != 3
    self.assert_proportional(gains[others], _GAINS[others], rtol=1e-6)


class LevelSlicesTest(tf.test.TestCase):
  labels = _labels()
  lesion = _lesion(labels)

  def level(self, image, lesion=None):
    lesion = self.lesion if lesion is None else lesion
    return slice_brightness.equalize_slice_brightness(image, self.labels, lesion, _PARENCHYMA)

  def scan(self):
    """Tissue with a lesion of twice its brightness, each contrast; without gains."""
    tissue = np.where(self.lesion > 0, 0.9, _TISSUE[self.labels])
    return np.stack([tissue, 0.5 * tissue], -1).astype(np.float32)

  def test_planted_gains_are_gone(self):
    scan = self.scan()
    other_gains = _GAINS[::-1]
    planted = scan * np.stack([_GAINS, other_gains], -1).astype(np.float32)
    self.assertAllClose(self.level(planted), self.level(scan), atol=1e-5)

  def test_a_level_scan_is_only_scaled(self):
    scan = self.scan()
    # The brain's 99.5th percentile is the brightness of lesion and label 3, 0.9 and 0.45.
    expected = scan / np.array([0.9, 0.45], np.float32)
    levelled = self.level(scan)
    self.assertEqual(levelled.dtype, np.float32)
    self.assertAllClose(levelled, expected, atol=1e-5)

  def test_gains_are_measured_outside_the_lesion(self):
    """The lesion is in three slices only; counted in, it would darken all else in them."""
    levelled = self.level(self.scan())
    tissue = levelled[..., 0][(self.labels == 1) & (self.lesion == 0)]
    self.assertAllClose(tissue, np.full(tissue.shape, 0.2 / 0.9), atol=1e-5)
    shown = self.level(self.scan(), np.zeros_like(self.lesion))[..., 0]
    self.assertGreater(np.ptp(shown[(self.labels == 1) & (self.lesion == 0)]), 0.02)

  def test_range_and_background(self):
    noisy = self.scan() * np.random.default_rng(2).uniform(0.5, 1, self.scan().shape)
    levelled = self.level(noisy)
    self.assertAllInRange(levelled, 0.0, 1.0)
    self.assertAllEqual(levelled[self.labels == 0], np.zeros_like(levelled[self.labels == 0]))
    # Half a percent of the brain is at the top or above.
    at_top = (levelled[..., 0][self.labels > 0] == 1).mean()
    self.assertAllClose(at_top, 0.005, atol=0.001)

  def test_by_the_median_of_given_tissue_or_of_the_parenchyma(self):
    scan = self.scan()[..., :1]
    # Label 2 has 0.5 outside the lesion: 2.5 medians of it are 1.25, of label 1 they are 0.5.
    apart = self.lesion == 0
    for label, top in ((2, 1.25), (1, 0.5)):
      tissue = apart & (self.labels == label)
      levelled = slice_brightness.equalize_slice_brightness(
        scan, self.labels, self.lesion, _PARENCHYMA, 'parenchyma_median', tissue
      )
      self.assertAllClose(levelled, np.clip(scan / top, 0, 1), atol=1e-5)
    levelled = slice_brightness.equalize_slice_brightness(
      scan, self.labels, self.lesion, _PARENCHYMA, 'parenchyma_median'
    )
    parenchyma = levelled[..., 0][np.isin(self.labels, _PARENCHYMA)]
    self.assertAllClose(np.median(parenchyma), 0.4, atol=1e-5)

  def test_no_parenchyma_leaves_the_image(self):
    scan = self.scan()
    labels = np.where(np.isin(self.labels, _PARENCHYMA), 3, self.labels)
    levelled = slice_brightness.equalize_slice_brightness(scan, labels, self.lesion, _PARENCHYMA)
    self.assertAllEqual(levelled, scan)

  def test_a_black_image_stays_black(self):
    black = np.zeros((*_SHAPE, 1), np.float32)
    self.assertAllEqual(self.level(black), black)


if __name__ == '__main__':
  tf.test.main()
