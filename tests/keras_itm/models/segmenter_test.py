"""What moves in a step and by how much; what all models do alike is in `conformance_test`."""

from pathlib import Path

import numpy as np
import tensorflow as tf

from keras_itm.bundle import load_bundle
from keras_itm.models.segmenter import Segmenter
from keras_itm.networks.unet_3d import unet_3d

_SHAPE = (8, 8, 4)


def _segmenter(optimizer=None, dropout=0.1, seed=0):
  tf.keras.utils.set_random_seed(seed)
  segmenter = Segmenter(unet_3d(_SHAPE, filters=(4,), bottleneck_filters=6, dropout=dropout))
  segmenter.compile(optimizer or tf.keras.optimizers.Adam(1e-2))
  return segmenter


def _cases(n=4, seed=0):
  rng = np.random.default_rng(seed)
  lesion = np.zeros((n, *_SHAPE), np.float32)
  for mask in lesion:
    x, y = rng.integers(0, 5, 2)
    mask[x : x + 3, y : y + 3, 1:3] = 1
  image = 0.3 + 0.4 * lesion + rng.normal(0, 0.05, lesion.shape)
  return image[..., None].astype(np.float32), lesion


def _values(variables):
  return [v.numpy() for v in variables]


class LossesTest(tf.test.TestCase):
  def test_against_numpy(self):
    rng = np.random.default_rng(0)
    lesion, p = rng.integers(0, 2, (3, *_SHAPE)), rng.uniform(0.01, 0.99, (3, *_SHAPE))
    values = _segmenter().losses_of(tf.constant(lesion, tf.float32), tf.constant(p, tf.float32))
    axes = (1, 2, 3)
    cross_entropy = -np.log(np.where(lesion == 1, p, 1 - p)).mean(axes)
    dice_loss = 1 - (2 * (lesion * p).sum(axes) + 1) / (lesion.sum(axes) + p.sum(axes) + 1)
    found = p >= 0.5
    dice = 2 * (lesion * found).sum(axes) / (lesion.sum(axes) + found.sum(axes))
    self.assertAllClose(values['cross_entropy'], cross_entropy, rtol=1e-5)
    self.assertAllClose(values['dice_loss'], dice_loss, rtol=1e-4)
    self.assertAllClose(values['loss'], cross_entropy + dice_loss, rtol=1e-5)
    self.assertAllClose(values['dice'], dice, rtol=1e-5)

  def test_probability_is_that_of_class_1(self):
    segmenter, image = _segmenter(), _cases()[0]
    self.assertAllClose(segmenter(image), segmenter.network(image)[..., 1])
    self.assertAllClose(segmenter.segment(image), segmenter(image), atol=1e-6)
    self.assertAllEqual(segmenter(image).shape, (4, *_SHAPE))


class TrainStepTest(tf.test.TestCase):
  def test_update_by_hand(self):
    segmenter = _segmenter(tf.keras.optimizers.SGD(0.1), dropout=0.0)
    image, lesion = _cases()
    variables, network = segmenter.network.trainable_variables, segmenter.network
    state = _values(network.variables)
    with tf.GradientTape() as tape:
      p = network(image, training=True)[..., 1]
      cross_entropy = tf.reduce_mean(tf.keras.losses.binary_crossentropy(lesion, p))
      overlap, total = (tf.reduce_sum(x, [1, 2, 3]) for x in (lesion * p, lesion + p))
      loss = cross_entropy + 1 - tf.reduce_mean((2 * overlap + 1) / (total + 1))
    expected = [v - 0.1 * slope for v, slope in zip(variables, tape.gradient(loss, variables))]
    network.set_weights(state)
    results = segmenter.train_step((image, lesion))
    self.assertAllClose(variables, expected, atol=1e-6)
    self.assertAllClose(results['loss'], loss, rtol=1e-5)

  def test_all_that_should_moves(self):
    """Every kernel, and the means and variances of the batch norm."""
    segmenter = _segmenter()
    variables = segmenter.network.variables
    before = _values(variables)
    segmenter.train_step(_cases())
    name = lambda v: getattr(v, 'path', v.name)
    moved = {name(v): bool(np.any(b != v.numpy())) for b, v in zip(before, variables)}
    watched = [n for n in moved if 'kernel' in n or 'moving' in n]
    self.assertLen(watched, 2 * 2 + 1 + 2 + 1 + 2)
    self.assertEqual([name for name in watched if not moved[name]], [])

  def test_learns_a_bright_lesion(self):
    segmenter = _segmenter(tf.keras.optimizers.Adam(0.03), dropout=0.02)
    step = tf.function(segmenter.train_step)
    for _ in range(60):
      segmenter.reset_metrics()
      results = step(_cases())
    self.assertGreater(results['dice'], 0.9)
    self.assertLess(results['loss'], 0.3)


class ContradictionTest(tf.test.TestCase):
  def test_refused(self):
    image = tf.keras.Input((*_SHAPE, 1))
    network = tf.keras.Model(image, tf.keras.layers.Conv3D(1, 1)(image))
    with self.assertRaisesRegex(ValueError, r'network gives .*, 1\), expected two or more classes'):
      Segmenter(network)


class ClassesTest(tf.test.TestCase):
  def segmenter(self, optimizer='sgd'):
    tf.keras.utils.set_random_seed(0)
    segmenter = Segmenter(unet_3d(_SHAPE, 1, 3, (4,), 6, 0.0, 'instance'))
    segmenter.compile(optimizer)
    return segmenter

  def test_a_bundle_gives_each_and_their_union_is_the_call(self):
    segmenter, path = self.segmenter(), Path(self.get_temp_dir()) / 'bundle'
    grid = {'name': 'tiny', 'shape': _SHAPE, 'spacing_mm': [1, 1, 1], 'corner_mm': [0, 0, 0]}
    facts = {'grid': grid, 'label_scheme': {'name': 'toy'}, 'contrasts': ('T2',)}
    with self.assertRaisesRegex(ValueError, r"classes are \['none', 'core'\], expected 3"):
      segmenter.export(path, classes=('none', 'core'), **facts)
    segmenter.export(path, classes=('none', 'core', 'rim'), **facts)
    bundle, image = load_bundle(path, 'segmenter'), tf.constant(_cases()[0])
    self.assertEqual((bundle.spec.classes[1:], bundle.spec.contrasts), (('core', 'rim'), ('T2',)))
    found = bundle.call(image=image)
    self.assertEqual(found.shape, (len(image), *_SHAPE, 3))
    self.assertAllClose(found, segmenter.network(image), atol=1e-6)
    self.assertAllClose(1 - found[..., 0], segmenter(image), atol=1e-6)

  def test_learns_two_by_their_brightness(self):
    segmenter = self.segmenter(tf.keras.optimizers.Adam(0.02))
    classes = np.zeros((2, *_SHAPE), np.uint8)
    classes[:, 1:4, 1:4, 1:3], classes[:, 4:7, 4:7, 1:3] = 1, 2
    image = np.choose(classes, [0.2, 0.5, 0.9])[..., None].astype(np.float32)
    step = tf.function(segmenter.train_step)
    for _ in range(120):
      step((tf.constant(image), tf.constant(classes)))
    found = tf.argmax(segmenter.classify(tf.constant(image)), -1)
    self.assertGreater(np.mean(found == classes), 0.98)


if __name__ == '__main__':
  cpu = tf.config.list_physical_devices('CPU')[0]
  tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
  tf.test.main()
