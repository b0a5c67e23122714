import tensorflow as tf
from absl.testing import parameterized

from keras_itm.shape_checks import check_halvings


class CheckHalvingsTest(parameterized.TestCase, tf.test.TestCase):
  @parameterized.parameters(((12, 8), (4, 4)), ((3, 5, 7), ()), ((8,), (1, 1, 1)))
  def test_taken(self, shape, filters):
    check_halvings(shape, filters)

  @parameterized.parameters(
    ((12, 8), (4, 4, 4), 0, r'size \(12, 8\) with 3 filters .*divisible by 8'),
    ((8, 8), (), 1, r'size \(8, 8\) with 0 filters .*expected 1'),
  )
  def test_refused(self, shape, filters, least, message):
    with self.assertRaisesRegex(ValueError, message):
      check_halvings(shape, filters, 'size', least)


if __name__ == '__main__':
  tf.test.main()
