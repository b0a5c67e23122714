"""The error for input that a user can mend, and how programs show it."""

import sys

from absl import app


class InputError(ValueError):
  """Names the file or value at fault, what was found and what was expected, in one line."""


class OneLineErrors(app.ExceptionHandler):
  """Shows chosen errors as one line and ends an absl program with exit status 2.

  `tfds build` and the launchers are absl programs; anything else keeps its traceback.
  """

  def __init__(self, *error_types: type[Exception]):
    self._error_types = error_types

  def wants(self, exc: BaseException) -> bool:
    return isinstance(exc, self._error_types)

  def handle(self, exc: BaseException) -> None:
    print(f'error: {" ".join(str(exc).split())}', file=sys.stderr, flush=True)
    sys.exit(2)


app.install_exception_handler(OneLineErrors(InputError))
