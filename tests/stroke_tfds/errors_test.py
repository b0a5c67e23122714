"""Each test runs a program of its own: what is looked at is what a process shows when it ends."""

import subprocess
import sys

import tensorflow as tf

from stroke_tfds import errors

_TFDS = ['-m', 'tensorflow_datasets.scripts.cli.main']


def _run(*arguments: str) -> subprocess.CompletedProcess:
  return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False)


class ApartTest(tf.test.TestCase):
  def test_long_facts_are_named_or_shown_where_they_differ(self):
    names = [f'structure {i}' for i in range(40)]
    one, other = {'name': 'a', 'names': names}, {'name': 'b', 'names': names}
    self.assertEqual(errors.apart(one, other), ('a', 'b'))
    self.assertEqual(errors.apart({**one, 'n': 1}, {**one, 'n': 2}), ("{'n': 1}", "{'n': 2}"))
    self.assertEqual(errors.apart({'name': 'a', 'n': 1}, {'name': 'b'})[1], "{'name': 'b'}")
    self.assertLess(max(map(len, errors.apart(one, {**one, 'names': names[1:]}))), 300)


class OneLineTest(tf.test.TestCase):
  def test_tfds_build_shows_an_error_of_the_user_as_one_line(self):
    done = _run(*_TFDS, 'build', '--imports', 'stroke_tfds', 'phantom_stroke', '--config', '{"n": 1}')
    self.assertEqual(done.returncode, 1)
    self.assertNotIn('Traceback', done.stderr)
    self.assertRegex(done.stderr.splitlines()[-1], "^error: config field 'n' is unknown, expected")

  def test_another_program_is_left_as_it_is(self):
    code = (
      'import sys\n'
      'from absl import app\n'
      'hook = sys.excepthook\n'
      'import stroke_tfds\n'
      'assert sys.excepthook is hook\n'
      'def main(argv):\n'
      '  stroke_tfds.get_grid("nowhere")\n'
      'app.run(main)\n'
    )
    done = _run('-c', code)
    self.assertEqual(done.returncode, 1)
    self.assertIn('Traceback', done.stderr)
    self.assertIn("InputError: grid 'nowhere' is unknown", done.stderr)

  def test_a_message_does_nothing_to_the_terminal(self):
    code = (
      'from absl import app\n'
      'from stroke_tfds.errors import InputError, show_in_one_line\n'
      'show_in_one_line()\n'
      'def main(argv):\n'
      "  raise InputError('sub-\\x1b[2J\\x07 ' + chr(0xd800))\n"
      'app.run(main)\n'
    )
    done = _run('-c', code)
    self.assertEqual(done.returncode, 1)
    self.assertEqual(done.stderr.splitlines()[-1], r'error: sub-\x1b[2J\x07 \ud800')


if __name__ == '__main__':
  tf.test.main()
