"""Size of the image encoder, and that brightness and contrast of an image reach its latent."""

import numpy as np
import tensorflow as tf

from keras_itm.networks.image_encoder import image_encoder


class ImageEncoderTest(tf.test.TestCase):
  def test_weights_by_hand(self):
    """3x3 convolutions 2 -> 4 -> 6, and two dense layers over 2x4 pixels of 6."""
    network = image_encoder((8, 16), 2, 5, (4, 6))
    self.assertEqual(network.count_params(), (9 * 2 * 4 + 4) + (9 * 4 * 6 + 6) + 2 * (48 * 5 + 5))
    mean, log_variance = network(np.zeros((3, 8, 16, 2), np.float32))
    self.assertAllEqual(mean.shape, [3, 5])
    self.assertAllEqual(log_variance.shape, [3, 5])

  def test_brightness_and_contrast_are_told(self):
    network = image_encoder((8, 8), 1, 4, (3, 4))
    image = np.random.default_rng(0).normal(0, 0.3, (1, 8, 8, 1)).astype(np.float32)
    mean, *changed = (network(x)[0] for x in (image, image + 0.3, 1.5 * image))
    for other in changed:
      self.assertGreater(np.abs(other - mean).max(), 1e-3)

  def test_refuses_contradictions(self):
    for arguments in (((12, 12), 1, 4, (3, 3, 3)), ((8, 8), 1, 4, ()), ((8, 8), 1, 0, (3,))):
      with self.assertRaisesRegex(ValueError, 'expected'):
        image_encoder(*arguments)


if __name__ == '__main__':
  tf.test.main()
