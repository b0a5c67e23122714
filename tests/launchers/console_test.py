import contextlib
import io
import subprocess

import tensorflow as tf

from launchers import console


class ConsoleTest(tf.test.TestCase):
  def test_clock(self):
    self.assertEqual(console.clock(59.6), '1 min 00 s')
    self.assertEqual(console.clock(7), '7 s')
    self.assertEqual(console.clock(3723), '1 h 02 min 03 s')

  def test_a_shell_reads_back_what_was_meant(self):
    words = ["x = ['a b']", 'plain', 'two words', '', "'", '"', 'it\'s $HOME `ls` \\ !1 "x"', "a'b!"]
    printed = subprocess.run(
      ['bash', '-c', f'printf "%s\\0" {console.shell_line(words)}'], capture_output=True, check=True
    )
    self.assertEqual(printed.stdout.decode().split('\0')[:-1], words)

  def test_gin_values_stay_readable(self):
    line = console.shell_line(['python', "--gin_bindings=f.x = ['a']", '--dry_run'])
    self.assertEqual(line, """python "--gin_bindings=f.x = ['a']" --dry_run""")

  def test_a_message_does_nothing_to_the_terminal(self):
    with contextlib.redirect_stderr(io.StringIO()) as shown:
      console.say('sub-\x1b]0;x\x07\ud800\nsecond line')
    self.assertRegex(shown.getvalue(), r'^[\d:]+ sub-\\x1b\]0;x\\x07\\ud800\nsecond line\n$')


if __name__ == '__main__':
  tf.test.main()
