"""The error for input that a user can mend, and how programs show it."""

import sys

from absl import app


class InputError(ValueError):
  """Names the file or value at fault, what was found and what was expected, in one line."""


class OneLineErrors(app.ExceptionHandler):
  """Shows chosen errors as one line where they end an absl program; the exit status is 1.

  `tfds build` and the launchers are absl programs; anything else keeps its traceback.
  """

  def __init__(self, *error_types: type[Exception]):
    self._error_types = error_types

  def wants(self, exc: BaseException) -> bool:
    return isinstance(exc, self._error_types)

  def handle(self, exc: BaseException) -> None:
    # absl raises the error again after this call; Python then shows it by its hook.
    line = f'error: {" ".join(str(exc).split())}'
    sys.excepthook = lambda *_: print(line, file=sys.stderr, flush=True)


app.install_exception_handler(OneLineErrors(InputError))
