"""The error for input that a user can mend, and how programs show it."""

import difflib
import sys
import unicodedata
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from absl import app

_Result = TypeVar('_Result')
# Control characters, marks that turn the direction of a text, halves of characters, breaks of lines.
_NOT_SHOWN = frozenset(['Cc', 'Cf', 'Cs', 'Zl', 'Zp'])
_LONG = 200  # Characters of a fact that an error still shows whole.


class InputError(ValueError):
  """Names the file or value at fault, what was found and what was expected, in one line."""


def naming(name: str, call: Callable[..., _Result], *args: Any, **kwargs: Any) -> _Result:
  """Calls, and puts a name before what is refused: the role of a file, or its path."""
  try:
    return call(*args, **kwargs)
  except InputError as error:
    raise InputError(f'{name}: {error}') from error


def first_line(error: BaseException) -> str:
  """What an error says first, or its type; gin adds below which functions were being called."""
  return (str(error) or type(error).__name__).splitlines()[0]


def printable(text: str, keep: str = '') -> str:
  """A text that only shows on a terminal: what would do something else is shown by its code.

  Args:
    text: From a file, its name or anywhere else.
    keep: Characters that stay whatever they do, such as a line feed.
  """
  return ''.join(
    character.encode('unicode_escape').decode()
    if unicodedata.category(character) in _NOT_SHOWN and character not in keep
    else character
    for character in text
  )


def nearest(name: str, known: Iterable[str]) -> str:
  """The known names that are most like a mistyped one, as the end of a message; '' if none is."""
  found = difflib.get_close_matches(name, sorted(set(known)), n=2)
  # A second one only where it is about as near.
  nearness = [difflib.SequenceMatcher(None, other, name).ratio() for other in found]
  found = [other for other, near in zip(found, nearness) if near > nearness[0] - 0.15]
  return f'; did you mean {" or ".join(found)}?' if found else ''


class _OneLineErrors(app.ExceptionHandler):
  def __init__(self, tell: Callable[[BaseException], str]):
    self._tell = tell

  def wants(self, exc: BaseException) -> bool:
    return bool(self._tell(exc))

  def handle(self, exc: BaseException) -> None:
    # absl raises the error again after this call; Python then shows it by its hook.
    line = printable(f'error: {" ".join(self._tell(exc).split())}')
    sys.excepthook = lambda *_: print(line, file=sys.stderr, flush=True)


def input_error_text(error: BaseException) -> str:
  """The message of an InputError; '' of another error."""
  return str(error) if isinstance(error, InputError) else ''


def show_in_one_line(tell: Callable[[BaseException], str] = input_error_text) -> None:
  """Makes an absl program that ends by certain errors show each as one line, with exit status 1.

  For a program's own start: it is no business of a library what its host shows. Other errors keep
  their traceback.

  Args:
    tell: Error -> what to show; '' for an error that keeps its traceback.
  """
  app.install_exception_handler(_OneLineErrors(tell))


def apart(found: Any, needed: Any) -> tuple[str, str]:
  """Two facts that differ, as an error shows them: long ones by name, or by the fields that differ."""
  texts = str(found), str(needed)
  if max(map(len, texts)) <= _LONG or not (isinstance(found, dict) and isinstance(needed, dict)):
    return texts
  if found.get('name') != needed.get('name'):
    return str(found.get('name')), str(needed.get('name'))
  keys = [key for key in {**found, **needed} if found.get(key) != needed.get(key)]
  part = lambda fields: str({key: fields.get(key) for key in keys})
  return part(found)[:_LONG], part(needed)[:_LONG]
