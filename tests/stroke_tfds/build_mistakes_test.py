import errno
import json

import tensorflow as tf
import tensorflow_datasets as tfds

import stroke_tfds  # noqa: F401
from stroke_tfds import build_mistakes
from stroke_tfds.errors import InputError


class InOneLineTest(tf.test.TestCase):
  def told(self, call, *args, **kwargs) -> str:
    try:
      call(*args, **kwargs)
    except Exception as error:
      return build_mistakes.in_one_line(error)
    self.fail('nothing was raised')

  def test_mistakes_at_the_command_line(self):
    data_dir = self.get_temp_dir()
    self.assertRegex(self.told(json.loads, '{"name": '), '^--config: .*expected a JSON object')
    self.assertIn('brackets', self.told(json.loads, '[' * 100000))
    unknown = self.told(tfds.builder, 'phantom_strok/mini', data_dir=data_dir)
    self.assertRegex(unknown, '^Dataset phantom_strok not found[^\n]*$')
    self.assertLess(len(unknown), 200)
    config = self.told(tfds.builder, 'phantom_stroke/mni', data_dir=data_dir)
    self.assertRegex(config, '^[^\n]*BuilderConfig mni not found[^\n]*$')
    self.assertEqual(build_mistakes.in_one_line(InputError('as it is')), 'as it is')
    self.assertRegex(build_mistakes.in_one_line(OSError(errno.ENOSPC, '', 'x')), '^disk full: x')

  def test_a_defect_keeps_its_traceback(self):
    self.assertEqual(build_mistakes.in_one_line(ValueError('odd')), '')
    self.assertEqual(build_mistakes.in_one_line(KeyError('odd')), '')


if __name__ == '__main__':
  tf.test.main()
