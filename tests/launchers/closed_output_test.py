"""Programs whose output nobody reads to its end."""

import os
import subprocess
import sys

from absl.testing import absltest

from launchers.closed_output import BROKEN_PIPE, ends_quietly

_COMMAND = 'import sys; sys.argv[0] = "keras-itm"; from launchers.command import main; main()'
_PROGRAM = """
from launchers import program
program.run(lambda argv: print('x' * 2**20))
"""


class ClosedOutputTest(absltest.TestCase):
  def end_of(self, *command: str, both: bool = False) -> tuple[int, str]:
    """Status and errors of a program whose output has no reader from its start."""
    reading, writing = os.pipe()
    os.close(reading)
    errors = writing if both else subprocess.PIPE
    done = subprocess.run([sys.executable, *command], stdout=writing, stderr=errors, check=False)
    os.close(writing)
    return done.returncode, (done.stderr or b'').decode()

  def test_lists_end_quietly(self):
    for arguments in (['configs'], ['--help']):
      self.assertEqual(self.end_of('-c', _COMMAND, *arguments), (BROKEN_PIPE, ''))
      self.assertEqual(self.end_of('-c', _COMMAND, *arguments, both=True), (BROKEN_PIPE, ''))

  def test_programs_end_quietly(self):
    status, errors = self.end_of('-c', _PROGRAM)
    self.assertEqual(status, BROKEN_PIPE)
    # What TensorFlow tells of its start is not of this.
    self.assertNotRegex(errors, 'Error|Exception|Traceback')

  def test_other_broken_pipes_stay_errors(self):
    with self.assertRaises(BrokenPipeError), ends_quietly():
      raise BrokenPipeError


if __name__ == '__main__':
  absltest.main()
