import numpy as np
import tensorflow as tf

from keras_itm.networks.style_mapping import style_mapping
from tests.keras_itm.networks.network_testing import n_parameters


class StyleMappingTest(tf.test.TestCase):
  def test_layers_of_the_reference(self):
    self.assertEqual(n_parameters(style_mapping()), 8 * (512 * 512 + 512))

  def test_by_hand(self):
    """(3, 4) has root mean square sqrt(12.5); all kernel weights count 0.01 / sqrt(2) of 100."""
    network = style_mapping(2, 1, 1)
    dense = network.get_layer('dense_0')
    dense.kernel.assign([[100.0], [0.0]])
    expected = 3 / np.sqrt(12.5) / np.sqrt(2) * np.sqrt(2)
    self.assertAllClose(network(tf.constant([[3.0, 4.0]])), [[expected]], rtol=1e-4)
    self.assertAllClose(network(tf.constant([[30.0, 40.0]])), [[expected]], rtol=1e-4)

  def test_conditions_change_the_style(self):
    network = style_mapping(4, 3, 2, n_conditions=2)
    z = tf.ones([2, 4])
    styles = network([z, tf.constant([[0.0, 1.0], [1.0, 1.0]])])
    self.assertNotAllClose(styles[0], styles[1])

  def test_refused(self):
    with self.assertRaisesRegex(ValueError, 'n_layers 0'):
      style_mapping(n_layers=0)


if __name__ == '__main__':
  tf.test.main()
