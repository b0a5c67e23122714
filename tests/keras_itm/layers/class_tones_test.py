import numpy as np
import tensorflow as tf

from keras_itm.layers.class_tones import ClassTones

_TONES = ((-1.0, 0.0), (0.5, 0.25), (0.0, 1.0))


def _layer(kernel):
  layer = ClassTones(_TONES)
  layer.build([(None, 1, 2, 5), (None, 4)])
  layer.kernel.assign(kernel)
  return layer


class ClassTonesTest(tf.test.TestCase):
  def test_by_hand(self):
    """The first pixel is of class 1, the second half of 0 and half of 2."""
    x = tf.constant([[[[0.1, 0.2, 0, 1, 0], [0.3, 0.4, 0.5, 0, 0.5]]]])
    made = _layer(np.zeros([4, 6]))((x, tf.ones([1, 4])))
    image = [[[[0.1 + 0.5, 0.2 + 0.25], [0.3 - 0.5, 0.4 + 0.5]]]]
    self.assertAllClose(made[..., :2], image)
    self.assertAllEqual(made[..., 2:], x[..., 2:])

  def test_image_alone(self):
    x = tf.constant([[[[0.1, 0.2, 0, 1, 0], [0.3, 0.4, 0.5, 0, 0.5]]]])
    layer = ClassTones(_TONES, image_alone=True)
    layer.build([(None, 1, 2, 5), (None, 4)])
    style = tf.zeros([1, 4])
    self.assertAllEqual(layer((x, style)), _layer(np.zeros([4, 6]))((x, style))[..., :2])

  def test_the_style_moves_tones(self):
    """Class 1 in the second contrast by 0.5 * 3 / sqrt(4), its kernel at the equalised rate."""
    kernel = np.zeros([4, 6])
    kernel[2, 2 * 1 + 1] = 0.5
    x = tf.constant([[[[0.0, 0, 0, 1, 0], [0.0, 0, 1, 0, 0]]]])
    made = _layer(kernel)((x, tf.constant([[0.0, 0, 3, 0]])))
    self.assertAllClose(made[0, 0, :, :2], [[0.5, 0.25 + 0.75], [-1, 0]])

  def test_the_image_moves_the_classes(self):
    """Slope of the first contrast by the probability of a class is its tone."""
    x = tf.constant([[[[0.0, 0, 0.2, 0.3, 0.5]]]])
    layer = _layer(np.zeros([4, 6]))
    with tf.GradientTape() as tape:
      tape.watch(x)
      seen = layer((x, tf.ones([1, 4])))[..., 0]
    self.assertAllClose(tape.gradient(seen, x)[0, 0, 0], [1, 0, -1, 0.5, 0])

  def test_has_a_second_derivative(self):
    """Of seen^3 by the probability of class 1: 6 * seen * tone^2, seen = 0.5 * 0.5."""
    x, layer = tf.constant([[[[0.0, 0, 0, 0.5, 0]]]]), _layer(np.zeros([4, 6]))
    with tf.GradientTape() as outer:
      outer.watch(x)
      with tf.GradientTape() as inner:
        inner.watch(x)
        y = tf.reduce_sum(layer((x, tf.ones([1, 4])))[..., 0] ** 3)
      slope = inner.gradient(y, x)[..., 3]
    self.assertAllClose(outer.gradient(slope, x)[0, 0, 0, 3], 6 * 0.25 * 0.25)

  def test_refused(self):
    for tones in ((), ((),), ((1.0,), (1.0, 2.0))):
      with self.assertRaisesRegex(ValueError, 'as many numbers for each class'):
        ClassTones(tones)


if __name__ == '__main__':
  tf.test.main()
