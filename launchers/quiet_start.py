"""TensorFlow without the notes that it writes while it is imported, which it lets nobody turn off."""

import contextlib
import importlib
import os
import re
import sys
import tempfile
from collections.abc import Iterator

_NOTE = re.compile(rb'WARNING: All log messages before absl::InitializeLog|[IWE]\d{4} \d')


def import_models() -> None:
  """Imports `keras_itm`, and TensorFlow with it.

  TensorFlow 2.21 writes its first notes past Python and past its own level of logging. What else is
  written meanwhile is shown when it is done. Somebody who has set that level sees all.

  Raises:
    ImportError: Something is missing, or versions do not go together.
  """
  is_quiet = (
    os.environ.get('TF_CPP_MIN_LOG_LEVEL') == '3'
  )  # As this package sets it, if nobody else has.
  with _notes_kept_back() if is_quiet else contextlib.nullcontext():
    importlib.import_module('keras_itm')


@contextlib.contextmanager
def _notes_kept_back() -> Iterator[None]:
  """What is written to the error stream meanwhile, by whatever part of the process, comes after it."""
  with contextlib.ExitStack() as stack:
    try:
      shown = os.dup(2)
      stack.callback(os.close, shown)
      written = stack.enter_context(tempfile.TemporaryFile())
    except OSError:  # No such stream, or no place for a file: then the notes are seen.
      yield
      return
    sys.stderr.flush()
    os.dup2(written.fileno(), 2)
    try:
      yield
    finally:
      sys.stderr.flush()
      os.dup2(shown, 2)
      written.seek(0)
      for line in written:
        if not _NOTE.match(line):
          os.write(2, line)
