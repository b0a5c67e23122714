"""What tests of gin configurations share."""

import gin
import tensorflow as tf


class GinTestCase(tf.test.TestCase):
  """Each test begins, and leaves gin, with nothing configured."""

  def setUp(self):
    super().setUp()
    gin.clear_config()

  def tearDown(self):
    gin.clear_config()
    super().tearDown()
