"""What a user can mend is said in one line."""

import tensorflow as tf
from absl.testing import parameterized

from stroke_tfds.errors import InputError


class Case(parameterized.TestCase, tf.test.TestCase):
  def refuses(self, message, call, *arguments, **options):
    with self.assertRaisesRegex(InputError, message) as caught:
      call(*arguments, **options)
    self.assertNotIn('\n', str(caught.exception))
