"""What is seen of an import: all but TensorFlow's notes."""

import importlib
import os
import tempfile
from unittest import mock

from absl.testing import absltest, parameterized

from launchers import quiet_start

_NOTES = (
  'WARNING: All log messages before absl::InitializeLog() is called are written to STDERR\n'
  'I0000 00:00:1796105329.372202    7602 port.cc:153] oneDNN custom operations are on.\n'
)


class QuietStartTest(parameterized.TestCase):
  def seen(self, text: str, level: str, error: type[Exception] | None = None) -> str:
    """What reaches the error stream where an import writes a text past Python."""

    def import_module(name):
      os.write(2, text.encode())
      if error:
        raise error('no such module')

    with tempfile.TemporaryFile() as stream:
      kept = os.dup(2)
      os.dup2(stream.fileno(), 2)
      try:
        with (
          mock.patch.object(importlib, 'import_module', import_module),
          mock.patch.dict(os.environ, {'TF_CPP_MIN_LOG_LEVEL': level}),
        ):
          quiet_start.import_models()
      finally:
        os.dup2(kept, 2)
        os.close(kept)
        stream.seek(0)
        self.text = stream.read().decode()
    return self.text

  def test_notes_are_kept_back_and_nothing_else(self):
    self.assertEqual(self.seen(f'{_NOTES}no disk\n{_NOTES}', '3'), 'no disk\n')

  def test_who_asks_for_notes_sees_them(self):
    self.assertEqual(self.seen(_NOTES, '0'), _NOTES)

  def test_of_an_import_that_fails(self):
    with self.assertRaisesRegex(ImportError, 'no such module'):
      self.seen(f'{_NOTES}libcudart is missing\n', '3', ImportError)
    self.assertEqual(self.text, 'libcudart is missing\n')

  def test_where_no_file_can_be_made(self):
    with mock.patch.object(tempfile, 'TemporaryFile', side_effect=[tempfile.TemporaryFile(), OSError]):
      self.assertEqual(self.seen(_NOTES, '3'), _NOTES)


if __name__ == '__main__':
  absltest.main()
