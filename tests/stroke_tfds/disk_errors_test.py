import errno

import tensorflow as tf

from stroke_tfds.disk_errors import disk_error, disk_errors_named, is_full
from stroke_tfds.errors import InputError


class DiskErrorTest(tf.test.TestCase):
  def test_the_disk_s_errors_are_one_line(self):
    full = tf.errors.ResourceExhaustedError(None, None, 'a/b.index;\nNo space left on device')
    for error, told in (
      (OSError(errno.ENOSPC, 'No space', 'a'), 'disk full: a: No space left on device'),
      (OSError(errno.ENOSPC, 'No space'), 'disk full: No space left on device'),
      (OSError(errno.EROFS, '', 'a'), 'a: Read-only file system'),
      (FileNotFoundError(errno.ENOENT, '', '/proc/x'), '/proc/x: No such file or directory'),
      (OSError(errno.ENAMETOOLONG, '', 'a' * 1000), 'a' * 300 + ': File name too long'),
      (full, 'disk full: a/b.index; No space left on device'),
      (tf.errors.PermissionDeniedError(None, None, 'a; Permission denied'), 'a; Permission denied'),
    ):
      with self.assertRaisesRegex(InputError, f'^{told}[^\n]*$'), disk_errors_named():
        raise error
      self.assertEqual(is_full(error), told.startswith('disk full'))

  def test_what_tensorflow_adds_is_left_out(self):
    text = '{{function_node __wrapped__It}} x.tfrecord; No such file or directory [Op:It] name: '
    error = tf.errors.NotFoundError(None, None, text)
    self.assertStartsWith(disk_error(error), 'x.tfrecord; No such file or directory; expected')

  def test_what_gin_puts_in_an_error_s_place_is_seen_through(self):
    class ExceptionProxy(OSError):
      pass

    try:
      try:
        raise OSError(errno.ENOSPC, 'No space', 'a')
      except OSError:
        raise ExceptionProxy from None
    except ExceptionProxy as error:
      self.assertIn('disk full: a', disk_error(error))

  def test_what_tfds_puts_in_its_place_is_seen_through(self):
    with self.assertRaisesRegex(InputError, '^disk full: a'), disk_errors_named():
      raise RuntimeError('a split') from OSError(errno.ENOSPC, 'No space', 'a')

  def test_others_pass(self):
    for error in (OSError('odd'), tf.errors.NotFoundError(None, None, 'a tensor'), KeyError('x')):
      self.assertEqual(disk_error(error), '')
      with self.assertRaises(type(error)), disk_errors_named():
        raise error


if __name__ == '__main__':
  tf.test.main()
