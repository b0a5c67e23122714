import numpy as np
import tensorflow as tf

from keras_itm.networks.style_generator import style_generator
from keras_itm.networks.style_mapping import style_mapping
from tests.keras_itm.networks.network_testing import by_layer, n_parameters

_FILTERS = {4: 512, 8: 512, 16: 512, 32: 512, 64: 512, 128: 256, 256: 128}


def _small(**options):
  tf.keras.utils.set_random_seed(0)
  given = {'n_classes': 3, 'style_size': 5, 'base': 64, 'max_filters': 8, **options}
  return style_generator((16, 16), 2, **given)


def _styles(n=2):
  return tf.random.stateless_normal([n, 6, 5], seed=[0, 0])


class PublishedShapeTest(tf.test.TestCase):
  def test_layer_by_layer_at_256_pixels(self):
    """Kernels, the affine layer of each from the style (512 + 1), a bias, the strength of noise."""
    expected = {'constant': 4 * 4 * 512}
    before = 512
    for size, filters in _FILTERS.items():
      for name, channels in (('up', before), ('same', filters)):
        if (size, name) != (4, 'up'):
          layer = f'conv_{size}_{name}'
          expected[layer] = 9 * channels * filters + 513 * channels
          expected |= {f'{layer}_bias': filters, f'{layer}_noise': 1}
      expected[f'to_image_{size}'] = filters * 3 + 513 * filters
      expected[f'to_image_{size}_bias'] = 3
      before = filters
    network = style_generator((256, 256), 3, 0)
    self.assertEqual(by_layer(network), expected)
    # With the mapping, what the reference implementation prints.
    self.assertEqual(n_parameters(network) + n_parameters(style_mapping()), 30_034_338)
    self.assertEqual([tuple(x.shape[1:]) for x in network.inputs], [(14, 512), (174_736,)])
    self.assertEqual(network.output_shape, (None, 256, 256, 3))

  def test_folded_at_64_pixels(self):
    network = style_generator((64, 64), 3, 5, 128, 768, 128, noise=False, folded=True)
    self.assertEqual(n_parameters(network) + n_parameters(style_mapping(128, 128, 4)), 611_208)
    self.assertEqual(network.input_shape, (None, 8, 128))
    self.assertEqual(network.output_shape, (None, 64, 64, 8))


class StyleGeneratorTest(tf.test.TestCase):
  def test_classes_are_probabilities_and_contrasts_are_not_bounded(self):
    network = _small(noise=False)
    slices = network(10 * _styles())
    self.assertAllClose(tf.reduce_sum(slices[..., 2:], -1), np.ones([2, 16, 16]))
    self.assertAllInRange(slices[..., 2:], 0, 1)
    self.assertGreater(np.abs(slices[..., :2]).max(), 1)

  def test_starts_from_the_shares_of_classes(self):
    network = _small(noise=False, class_shares=(0.5, 0.4, 0.1))
    for layer in network.layers:
      if layer.name.startswith('to_image') and 'bias' not in layer.name:
        layer.kernel.assign(tf.zeros_like(layer.kernel))
    self.assertAllClose(network(_styles())[0, 3, 4, 2:], [0.5, 0.4, 0.1])

  def test_starts_from_the_tones_of_classes(self):
    """Classes of shares .5, .4 and .1 at each pixel, and a style of 0: their mean tone."""
    tones = ((-1.0, -1.0), (0.5, 0.0), (1.0, -0.5))
    network = _small(noise=False, class_shares=(0.5, 0.4, 0.1), class_tones=tones)
    made = network(0 * _styles())[0, 3, 4]
    rest = _small(noise=False, class_shares=(0.5, 0.4, 0.1))(0 * _styles())[0, 3, 4]
    self.assertAllClose(made[:2] - rest[:2], tf.linalg.matvec(tones, rest[2:], transpose_a=True))
    self.assertAllClose(made[2:], rest[2:])

  def test_starts_from_the_tones_of_labels(self):
    """Label 0 in five columns, label 2 in the others, of which a pixel at the border has a sixth."""
    options = {'noise': False, 'n_labels': 3, 'n_classes': 0}
    tones = ((-1.0, -1.0), (0.5, 0.0), (2.0, -0.5))
    ids = np.where(np.arange(16) < 5, 0, 2)
    labels = tf.tile(tf.one_hot(ids, 3)[None, None], [2, 16, 1, 1])
    made = _small(**options, class_tones=tones)([0 * _styles(), labels])
    rest = _small(**options)([0 * _styles(), labels])
    added = (made - rest)[1, 7]
    self.assertEqual(made.shape, (2, 16, 16, 2))
    self.assertAllClose(added[3:7], [[-1, -1], [-0.5, -5.5 / 6], [1.5, -3.5 / 6], [2, -0.5]])
    self.assertAllClose((made - rest)[1, 0], added)  # The edge of a slice has no other side.

  def test_each_style_acts_on_its_layer(self):
    """Coarse ones on all pixels; the last on the last addition to the slice alone."""
    network = _small(noise=False)
    maps = tf.keras.Model(
      network.input, [x.output for x in network.layers if 'conv' in x.name and 'bias' in x.name]
    )
    base = maps(_styles(1))
    self.assertLen(base, 5)
    for i in range(6):
      styles = _styles(1).numpy()
      styles[:, i] += 1
      moved = [bool(np.any(a != b)) for a, b in zip(base, maps(styles))]
      self.assertEqual(moved, [j >= i for j in range(5)])

  def test_labels_join_the_last_convolution_of_each_size(self):
    """Their channels, averaged over 4x4, 2x2 and single pixels, times the root of their number."""
    network, without = _small(noise=False, n_labels=4), _small(noise=False)
    more = {'conv_4_same': 8, 'conv_8_same': 8, 'conv_16_same': 4}  # Filters.
    # Kernels of 3x3 from 4 more channels, and scales for these from styles of 5.
    added = {name: 9 * 4 * filters + (5 + 1) * 4 for name, filters in more.items()}
    expected = {name: n + added.get(name, 0) for name, n in by_layer(without).items()}
    self.assertEqual(by_layer(network), expected)
    self.assertEqual([tuple(x.shape[1:]) for x in network.inputs], [(6, 5), (16, 16, 4)])
    labels = np.zeros([2, 16, 16, 4], np.float32)
    labels[:, 5, 9, 3] = 1
    joined = [network.get_layer(f'join_{size}').input[1] for size in (4, 8, 16)]
    shares = tf.keras.Model(network.inputs[1], joined)(labels)
    for share, place, weight in zip(shares, ((1, 2), (2, 4), (5, 9)), (1 / 16, 1 / 4, 1)):
      self.assertAllClose(share[0, place[0], place[1]], [0, 0, 0, 2 * weight])
      self.assertAllClose(tf.reduce_sum(share[0]), 2 * weight)

  def test_folded_maps_are_joined_by_the_labels_of_all_pixels(self):
    network = _small(noise=False, folded=True, n_labels=4)
    self.assertEqual(network.get_layer('join_8').output.shape[1:], (8, 8, 8 + 4 * 4))
    self.assertEqual(network.get_layer('join_4').output.shape[1:], (4, 4, 8 + 4))

  def test_noise_starts_without_effect(self):
    network = _small()
    noise = tf.random.stateless_normal([2, 16 + 2 * 64 + 2 * 256], seed=[0, 1])
    self.assertAllEqual(network([_styles(), noise]), network([_styles(), 0 * noise]))
    for layer in network.layers:
      if layer.name.endswith('_noise'):
        layer.strength.assign([[0.1]])
    self.assertNotAllClose(network([_styles(), noise]), network([_styles(), 0 * noise]))

  def test_phases_of_the_folded_start_alike(self):
    network = _small(noise=False, folded=True)
    kernel = network.get_layer('to_folded').kernel.numpy().reshape(3, 3, -1, 4, 5)
    for phase in range(4):
      self.assertAllEqual(kernel[:, :, :, phase], kernel[:, :, :, 0])
    self.assertEqual(network(_styles()[:, :4]).shape, [2, 16, 16, 5])

  def test_refused(self):
    for size in ((12, 12), (16, 32), (4, 4)):
      with self.assertRaisesRegex(ValueError, 'equal powers of two'):
        style_generator(size)
    with self.assertRaisesRegex(ValueError, 'expected 1 or more in all'):
      style_generator((16, 16), 0, 0)
    with self.assertRaisesRegex(ValueError, 'expected 3 numbers above 0'):
      _small(class_shares=(0.5, 0.5))
    with self.assertRaisesRegex(ValueError, r'\[2, 1, 2\] numbers, expected 2 for each of 3 classes'):
      _small(class_tones=((0, 0), (0,), (0, 0)))


if __name__ == '__main__':
  tf.test.main()
