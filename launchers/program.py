"""How every program starts and ends: its errors as one line, `--help` as a success."""

import sys
from collections.abc import Callable
from typing import Any

from absl import app

from stroke_tfds.errors import show_in_one_line

_HELP = {'help', 'h', '?', 'helpshort', 'helpfull', 'helpxml'}


def run(main: Callable[[list[str]], Any]) -> None:
  """Runs a program under absl: `InputError` ends it with one line and status 1, `--help` with 0."""
  show_in_one_line()
  try:
    app.run(main)
  except SystemExit as end:
    asked = {argument.lstrip('-') for argument in sys.argv[1:] if argument.startswith('-')}
    if end.code == 1 and asked & _HELP:
      sys.exit(0)
    raise
