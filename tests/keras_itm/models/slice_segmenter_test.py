"""What the segmenter of slices makes of its network; what all models do is in `conformance_test`."""

from pathlib import Path

import numpy as np
import tensorflow as tf

from keras_itm.bundle import load_bundle
from keras_itm.models.segmenter import Segmenter
from keras_itm.models.slice_segmenter import SliceSegmenter
from keras_itm.networks.unet_2d import unet_2d
from keras_itm.networks.unet_3d import unet_3d

_RNG = np.random.default_rng(0)


def _segmenter(n_classes, optimizer='adam'):
  tf.keras.utils.set_random_seed(0)
  segmenter = SliceSegmenter(unet_2d((8, 8), 1, n_classes, (4,), 6, 0.0))
  segmenter.compile(optimizer)
  return segmenter


class LossesTest(tf.test.TestCase):
  def test_of_three_classes_against_numpy(self):
    classes = _RNG.integers(0, 3, (2, 8, 8))
    p = _RNG.dirichlet([1, 1, 1], (2, 8, 8))
    values = _segmenter(3).losses_of_classes(tf.constant(classes, tf.uint8), tf.constant(p, tf.float32))
    truth = np.eye(3)[classes]
    cross_entropy = -np.log((truth * p).sum(-1)).mean((1, 2))
    overlap, total = (x.sum((1, 2)) for x in (truth * p, truth + p))
    dice_loss = 1 - ((2 * overlap + 1) / (total + 1))[:, 1:].mean(-1)
    self.assertAllClose(values['cross_entropy'], cross_entropy, rtol=1e-4)
    self.assertAllClose(values['dice_loss'], dice_loss, rtol=1e-4)
    self.assertAllClose(values['loss'], cross_entropy + dice_loss, rtol=1e-4)
    found = p[..., 1:].sum(-1) > 0.5
    dice = 2 * (found & (classes > 0)).sum((1, 2)) / (found.sum((1, 2)) + (classes > 0).sum((1, 2)))
    self.assertAllClose(values['dice'], dice, rtol=1e-5)
    self.assertAllClose(values['lesion_share'], (classes > 0).mean((1, 2)))

  def test_one_logit_and_two_classes_learn_the_union(self):
    classes = tf.constant(_RNG.integers(0, 3, (2, 8, 8)), tf.uint8)
    p = tf.constant(_RNG.uniform(0.01, 0.99, (2, 8, 8, 1)), tf.float32)
    lesion = tf.cast(classes > 0, tf.float32)
    one = _segmenter(1).losses_of_classes(classes, p)
    two = _segmenter(2).losses_of_classes(classes, tf.concat([1 - p, p], axis=-1))
    for name, value in _segmenter(2).losses_of(lesion, p[..., 0]).items():
      self.assertAllClose(one[name], value, msg=name)
      self.assertAllClose(two[name], value, msg=name)


class VolumesTest(tf.test.TestCase):
  def test_are_segmented_slice_by_slice(self):
    image = tf.random.stateless_uniform([2, 8, 8, 5, 1], seed=[0, 0])
    for n_classes in (1, 2, 4):
      segmenter = _segmenter(n_classes)
      found = segmenter.segment(image)
      self.assertEqual(found.shape, (2, 8, 8, 5))
      for z in range(5):
        p = segmenter.network(image[..., z, :])
        expected = p[..., 0] if n_classes == 1 else 1 - p[..., 0]
        self.assertAllClose(found[..., z], expected, atol=1e-6)
        self.assertAllClose(segmenter(image[..., z, :]), expected, atol=1e-6)

  def test_its_bundle_is_a_segmenter_of_volumes(self):
    segmenter, path = _segmenter(3), Path(self.get_temp_dir()) / 'bundle'
    grid = {'name': 'tiny', 'shape': [8, 8, 5], 'spacing_mm': [1, 1, 1], 'corner_mm': [0, 0, 0]}
    segmenter.export(path, grid=grid, label_scheme={'name': 'toy'})
    bundle, image = load_bundle(path, 'segmenter'), _RNG.uniform(size=(2, 8, 8, 5, 1))
    self.assertEqual(bundle.n_contrasts, 1)
    image = tf.constant(image, tf.float32)
    self.assertAllClose(bundle.call(image=image), segmenter(image), atol=1e-6)

  def test_networks_of_the_other_kind_are_refused(self):
    with self.assertRaisesRegex(ValueError, r'expected classes of slices \[n, X, Y, K\]'):
      SliceSegmenter(unet_3d((8, 8, 4), filters=(2,)))
    with self.assertRaisesRegex(ValueError, r'expected two or more classes of volumes'):
      Segmenter(unet_2d((8, 8), n_classes=3, filters=(2,)))


class TrainStepTest(tf.test.TestCase):
  def test_learns_two_classes_by_their_brightness(self):
    segmenter = _segmenter(3, tf.keras.optimizers.Adam(0.02))
    classes = np.zeros((8, 8, 8), np.uint8)
    classes[:, 2:5, 2:5], classes[:, 5:7, 2:7] = 1, 2
    image = np.choose(classes, [0.2, 0.5, 0.9])[..., None].astype(np.float32)
    step = tf.function(segmenter.train_step)
    for _ in range(120):
      segmenter.reset_metrics()
      results = step((tf.constant(image), tf.constant(classes)))
    self.assertGreater(results['dice'], 0.95)
    self.assertGreater(np.mean(tf.argmax(segmenter.network(image), -1) == classes), 0.95)


if __name__ == '__main__':
  tf.test.main()
