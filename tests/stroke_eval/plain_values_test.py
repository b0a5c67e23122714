import json
import math

import numpy as np
import tensorflow as tf

from stroke_eval.plain_values import plain


class PlainTest(tf.test.TestCase):
  def test_nothing_but_what_json_has(self):
    value = {
      1: np.array([[0.12345678, np.nan], [np.inf, 2]]),
      'n': np.int64(3),
      'is': np.bool_(True),
      'half': np.float16(0.5),
      'pair': (1, None),
      'text': 'a',
      'nan': math.nan,
    }
    expected = {
      '1': [[0.123457, None], [None, 2.0]],
      'n': 3,
      'is': True,
      'half': 0.5,
      'pair': [1, None],
      'text': 'a',
      'nan': None,
    }
    self.assertEqual(json.loads(json.dumps(plain(value), allow_nan=False)), expected)

  def test_digits(self):
    self.assertEqual(plain([1 / 3], digits=4), [0.3333])
    self.assertEqual(plain(1 / 3, digits=None), 1 / 3)
    self.assertIsNone(plain(-math.inf, digits=None))


if __name__ == '__main__':
  tf.test.main()
