"""How every program starts and ends: its errors as one line, `--help` as a success."""

import re
import sys
from collections.abc import Callable, Sequence
from typing import Any

from absl import app, flags

from launchers.closed_output import ends_quietly
from stroke_tfds.errors import InputError, input_error_text, printable, show_in_one_line

_TRACEBACK = flags.DEFINE_bool(
  'traceback', False, 'Shows where in the code an error arose, not its line alone.'
)
# As absl says it of a flag that must be given.
_MISSING = re.compile(r'flag --\w+=None: Flag --(\w+) must have a value other than None\.')
_HELP = {'help', 'h', '?', 'helpshort', 'helpfull', 'helpxml'}


def run(main: Callable[[list[str]], Any]) -> None:
  """Runs a program under absl: `InputError` ends it with one line and status 1, `--help` with 0."""
  show_in_one_line(_in_one_line)
  list_in_help(_TRACEBACK)
  try:
    with ends_quietly():
      app.run(main, flags_parser=_parse)
  except SystemExit as end:
    if end.code == 1 and is_help_asked():
      sys.exit(0)
    raise


def _in_one_line(error: BaseException) -> str:
  return '' if _TRACEBACK.present and _TRACEBACK.value else input_error_text(error)


def _parse(argv: Sequence[str]) -> list[str]:
  try:
    return flags.FLAGS(argv)
  except flags.Error as error:
    told = _MISSING.sub(r'--\1 is missing', ' '.join(str(error).split()))
    sys.exit(printable(f'error: {told} (--help lists the flags)'))


def list_in_help(*shared: flags.FlagHolder) -> None:
  """Makes `--help`, which lists the flags of the program's own module, list these as well."""
  for flag in shared:
    flags.FLAGS.register_key_flag_for_module(sys.argv[0], flags.FLAGS[flag.name])


def is_help_asked() -> bool:
  """Whether the command line asks for help alone."""
  asked = {argument.lstrip('-') for argument in sys.argv[1:] if argument.startswith('-')}
  return bool(asked & _HELP)


def print_or_tell(make: Callable[[], str]) -> None:
  """Prints a text as a program without absl's flags does; an `InputError` ends it as in `run`."""
  try:
    print(make())
  except InputError as error:
    sys.exit(printable(f'error: {error}'))
