"""Versions that are refused, and where the two versions of Keras would differ without a word."""

import os
import pathlib
import subprocess
import sys
import tempfile
from unittest import mock

import tensorflow as tf
from absl.testing import parameterized

from keras_itm import stack, training_state
from keras_itm.checks import TrainingError
from keras_itm.layers.dropout import Dropout
from keras_itm.layers.image_pool import ImagePool
from keras_itm.layers.spectral_convolution import SpectralConv2D
from keras_itm.models.ema import AveragedNetwork
from keras_itm.models.paired_translator import logits
from keras_itm.models.segmenter import Segmenter
from keras_itm.models.tracked import TrackedModel
from keras_itm.networks.patch_gan import patch_gan
from keras_itm.networks.unet_3d import unet_3d


class VersionsTest(parameterized.TestCase):
  @parameterized.parameters(('2.15.1', '2.15.0'), ('2.21.0', '3.15.1'), ('2.22.0rc0', '3.16.0'))
  def test_taken(self, tensorflow, keras):
    self.assertIsNone(stack.find_problem(tensorflow, keras, {'KERAS_BACKEND': 'tensorflow'}))

  @parameterized.parameters(
    ('2.14.0', '2.14.0', {}, 'TensorFlow 2.14.0 with Keras 2.14.0'),
    ('2.15.1', '3.0.0', {}, 'TensorFlow 2.15.1 with Keras 3.0.0'),
    ('2.16.2', '3.15.1', {}, 'TensorFlow 2.16.2'),
    ('2.20.0', '3.15.1', {}, 'TensorFlow 2.20.0'),
    ('2.21.0', '3.12.4', {}, 'Keras 3.12.4'),
    ('2.21.0', '3.15.1', {'TF_USE_LEGACY_KERAS': '1'}, 'TF_USE_LEGACY_KERAS is set'),
    ('2.21.0', '3.15.1', {'KERAS_BACKEND': 'jax'}, "KERAS_BACKEND is 'jax'"),
  )
  def test_refused_in_one_line(self, tensorflow, keras, environment, found):
    line = stack.find_problem(tensorflow, keras, environment)
    self.assertIn(found, line)
    self.assertIn('TensorFlow 2.21 with Keras 3.15', line)
    self.assertIn('TensorFlow 2.15 with Keras 2.15', line)
    self.assertNotIn('\n', line)

  def _import(self, how=('-c', 'import keras_itm'), **environment):
    return subprocess.run(
      [sys.executable, *how],
      env={**os.environ, **environment},
      capture_output=True,
      text=True,
      check=False,
    )

  def test_refused_before_keras_is_imported(self):
    if not stack.IS_KERAS_3:
      self.skipTest('Keras 2 has a single backend')
    for name, value in (('KERAS_BACKEND', 'jax'), ('TF_USE_LEGACY_KERAS', '1')):
      last = self._import(**{name: value}).stderr.splitlines()[-1]
      self.assertRegex(last, f'^ImportError: {name} is .*known to work')

  def test_a_program_says_it_in_one_line(self):
    if not stack.IS_KERAS_3:
      self.skipTest('Keras 2 has a single backend')
    end = self._import(('-m', 'launchers.describe', '--help'), KERAS_BACKEND='jax')
    self.assertEqual(end.returncode, 1)
    self.assertRegex(end.stderr.splitlines()[-1], "^error: KERAS_BACKEND is 'jax'.*known to work")
    self.assertNotIn('Traceback', end.stderr)

  def test_addons_beside_keras_3_are_left_alone(self):
    if not stack.IS_KERAS_3:
      self.skipTest('the addons belong to Keras 2')
    with tempfile.TemporaryDirectory() as folder:
      pathlib.Path(folder, 'tensorflow_addons.py').write_text('raise ImportError("no Keras 2")\n')
      path = os.pathsep.join([folder, *sys.path])
      self.assertEqual(self._import(PYTHONPATH=path).returncode, 0)


def _dropping():
  inputs = tf.keras.Input((1000,))
  return tf.keras.Model(inputs, Dropout(0.5, seed=1)(inputs))


class SilentDifferencesTest(parameterized.TestCase, tf.test.TestCase):
  @parameterized.parameters(1, 2)
  def test_maps_come_in_a_list_for_each_scale(self, n_scales):
    network = patch_gan(0, 1, (2, 3), (2, 1), n_scales=n_scales)
    images = tf.ones([4, 16, 16, 1])
    for copy in (network, tf.keras.models.clone_model(network)):
      maps = copy(images)
      self.assertLen(maps, n_scales)
      # For each scale two convolutions and the logits of all four images.
      self.assertEqual([len(scale) for scale in maps], [3] * n_scales)
      self.assertEqual([x.shape[0] for x in logits(maps)], [4] * n_scales)

  def test_a_single_scale_of_a_users_network(self):
    image = tf.keras.Input((8, 8, 1))
    first = tf.keras.layers.Conv2D(2, 1)(image)
    network = tf.keras.Model(image, [[first, tf.keras.layers.Conv2D(1, 1)(first)]])
    (found,) = logits(network(tf.ones([3, 8, 8, 1])))
    self.assertEqual(tuple(found.shape), (3, 8, 8, 1))

  def test_training_reaches_the_averaged_network(self):
    average, x = AveragedNetwork(_dropping(), 0.5), tf.ones([1, 1000])
    self.assertAllEqual(average(x), x)
    self.assertAllEqual(average(x, training=False), x)
    self.assertBetween(
      float(tf.reduce_mean(tf.cast(average(x, training=True) == 0, tf.float32))), 0.4, 0.6
    )

  def test_training_reaches_the_network_of_a_model(self):
    network = unet_3d((8, 8, 4), 1, 2, (2,), 2, dropout=0.5)
    x = tf.random.stateless_uniform([1, 8, 8, 4, 1], [0, 0])
    model = Segmenter(network)
    self.assertNotAllClose(model(x, training=True), model(x, training=False))

  def test_what_layers_remember_is_among_their_weights(self):
    for layer, names in (
      (ImagePool(2, (4, 4, 1)), {'images', 'n_seen'}),
      (AveragedNetwork(_dropping(), 0.5), {'n_updates'}),
      (SpectralConv2D(2, 3), {'u'}),
    ):
      layer(tf.ones([1, 1000] if isinstance(layer, AveragedNetwork) else [1, 4, 4, 1]))
      found = {weight.name.split('/')[-1].split(':')[0] for weight in layer.weights}
      self.assertContainsSubset(names, found)

  def test_xla_waits_to_be_asked_for(self):
    """Keras 3 would take it on a GPU by itself."""
    model = TrackedModel(('value',), 'toy')
    gpu = tf.config.PhysicalDevice('/physical_device:GPU:0', 'GPU')
    for asked in (False, True):
      with mock.patch.object(tf.config, 'list_physical_devices', return_value=[gpu]):
        model.compile('adam', **({'jit_compile': True} if asked else {}))
      self.assertIs(model.jit_compile if stack.IS_KERAS_3 else model._jit_compile, asked)

  def test_means_of_metrics_are_in_checkpoints(self):
    one, other = (TrackedModel(('value',), 'toy') for _ in range(2))
    one.track({'value': tf.constant([1.0, 2.0, 6.0])})
    path = tf.train.Checkpoint(model=one).write(self.get_temp_dir() + '/means')
    tf.train.Checkpoint(model=other).read(path).assert_consumed()
    other.track({'value': tf.constant([7.0])})
    self.assertAllClose(other.results()['value'], 4.0)


class OtherStacksCheckpointTest(tf.test.TestCase):
  def test_is_refused_in_one_line(self):
    """A checkpoint with the keys that the other version of Keras gives to a network's weights."""
    model = Segmenter(unet_3d((8, 8, 4), 1, 2, (2,), 2))
    model.compile('adam')
    other = 'Keras 2' if stack.IS_KERAS_3 else 'Keras 3'
    at = '_operations' if other == 'Keras 3' else 'layer_with_weights-0'
    found = tf.train.Checkpoint(kernel=tf.Variable(1.0))
    for name in (at, 'network', 'model'):
      found = tf.train.Checkpoint(**{name: found})
    folder = pathlib.Path(tempfile.mkdtemp(dir=self.get_temp_dir()))
    tf.train.CheckpointManager(found, str(folder), 1, checkpoint_name='step').save(3)
    state = training_state.TrainingState(model, folder, 4)
    with self.assertRaisesRegex(TrainingError, f'of {other}, expected one of {stack.NAME}') as caught:
      state.restore(folder)
    self.assertNotIn('\n', str(caught.exception))

  def test_own_keys_are_known(self):
    path = tf.train.Checkpoint(network=unet_3d((8, 8, 4), 1, 2, (2,), 2)).write(
      self.get_temp_dir() + '/c'
    )
    keys = tf.train.load_checkpoint(path).get_variable_to_shape_map()
    self.assertEqual(stack.maker_of_checkpoint(keys), stack.NAME)


if __name__ == '__main__':
  tf.test.main()
