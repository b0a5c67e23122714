import itertools

import numpy as np
import tensorflow as tf

from keras_itm.networks.style_discriminator import style_discriminator
from tests.keras_itm.networks.network_testing import by_layer, n_parameters

_FILTERS = {256: 128, 128: 256, 64: 512, 32: 512, 16: 512, 8: 512, 4: 512}


class PublishedShapeTest(tf.test.TestCase):
  def test_layer_by_layer_at_256_pixels(self):
    expected = {'from_slice_256': 3 * 128 + 128}
    sizes = list(_FILTERS)
    for size, half in itertools.pairwise(sizes):
      filters, after = _FILTERS[size], _FILTERS[half]
      expected[f'conv_{size}'] = 9 * filters * filters + filters
      expected[f'conv_{size}_down'] = 9 * filters * after + after
      expected[f'skip_{size}'] = filters * after
    expected['conv_4'] = 9 * 513 * 512 + 512
    expected |= {'hidden': 16 * 512 * 512 + 512, 'dense': 512 + 1}
    network = style_discriminator((256, 256), 3, 0)
    self.assertEqual(by_layer(network), expected)
    self.assertEqual(n_parameters(network), 28_864_129)  # What the reference implementation prints.

  def test_folded_at_64_pixels(self):
    network = style_discriminator((64, 64), 3, 5, 768, 128, folded=True)
    self.assertEqual(n_parameters(network), 701_713)


def _small(**options):
  tf.keras.utils.set_random_seed(0)
  return style_discriminator((16, 16), 2, 3, **{'base': 64, 'max_filters': 8, 'group': 2, **options})


class StyleDiscriminatorTest(tf.test.TestCase):
  def test_gains_amplify_classes(self):
    gained, plain = _small(class_gains=(1.0, 2.0, 4.0)), _small()
    gained.set_weights(plain.get_weights())
    x = tf.random.stateless_normal([2, 16, 16, 5], seed=[0, 0])
    self.assertAllClose(gained(x), plain(x * [1.0, 1.0, 1.0, 2.0, 4.0]), atol=1e-5)

  def test_sees_whether_a_batch_is_all_alike(self):
    network = _small()
    x = tf.random.stateless_normal([2, 16, 16, 5], seed=[0, 0])
    self.assertNotAllClose(network(x)[0], network(tf.stack([x[0], x[0]]))[0])
    self.assertAllClose(network(tf.stack([x[0], x[0]]))[0], network(x[:1])[0], atol=1e-5)

  def test_condition_is_multiplied_in(self):
    network = _small(n_conditions=2)
    x = tf.random.stateless_normal([2, 16, 16, 5], seed=[0, 0])
    scores = [network([x, tf.constant([[a, 1.0]] * 2)]) for a in (0.0, 1.0)]
    self.assertEqual(scores[0].shape, [2])
    self.assertNotAllClose(*scores)

  def test_folded_sees_every_pixel(self):
    network = _small(folded=True)
    x = tf.Variable(tf.random.stateless_normal([1, 16, 16, 5], seed=[0, 0]))
    with tf.GradientTape() as tape:
      score = network(x)
    self.assertTrue(np.all(tape.gradient(score, x).numpy() != 0))

  def test_refused(self):
    with self.assertRaisesRegex(ValueError, 'equal powers of two'):
      style_discriminator((16, 8))
    with self.assertRaisesRegex(ValueError, 'something to see'):
      style_discriminator((16, 16), 0, 0)
    with self.assertRaisesRegex(ValueError, 'one for each of 3 classes'):
      _small(class_gains=(1.0,))


if __name__ == '__main__':
  tf.test.main()
