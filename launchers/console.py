"""What a launcher says while it runs, apart from what its libraries say."""

import shlex
import sys
import time
from collections.abc import Sequence

import tqdm

from stroke_tfds.errors import printable

_LINE_FEED = '\n'
_INTERRUPTED = 130  # As a shell calls it.


def say(message: str) -> None:
  """Prints a message with the time of day, above a progress bar where there is one.

  Control characters in it are shown by their codes, save for ends of lines.
  """
  tqdm.tqdm.write(f'{time.strftime("%H:%M:%S")} {printable(message, keep=_LINE_FEED)}', file=sys.stderr)


def say_interrupted() -> int:
  """Says what an interruption leaves; returns the exit status."""
  say('interrupted: what is done is kept; start the same command again')
  return _INTERRUPTED


def clock(seconds: float) -> str:
  """Seconds as `1 h 02 min 03 s`, leading zeros left out."""
  minutes, rest = divmod(round(seconds), 60)
  hours, minutes = divmod(minutes, 60)
  if hours:
    return f'{hours} h {minutes:02d} min {rest:02d} s'
  return f'{minutes} min {rest:02d} s' if minutes else f'{rest} s'


def shell_line(command: Sequence[str]) -> str:
  """A command as a user would type it; gin values in it keep their single quotes."""
  return ' '.join(_quoted(argument) for argument in command)


def _quoted(argument: str) -> str:
  # Inside double quotes the shell still looks at these.
  if "'" in argument and not set(argument) & set('"\\$`!'):
    return f'"{argument}"'
  return shlex.quote(argument)
