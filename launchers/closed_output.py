"""How a program ends when nobody reads on, as in `keras-itm configs | head`: quietly."""

import contextlib
import os
import select
import sys
from collections.abc import Iterator

# As a shell calls the end by a broken pipe.
BROKEN_PIPE = 141


@contextlib.contextmanager
def ends_quietly() -> Iterator[None]:
  """Ends the program without a word, with status 141, where the reader of its output has gone.

  Other broken pipes, such as those to processes that a program has started, stay errors.
  """
  try:
    try:
      yield
    finally:
      sys.stdout.flush()
  except BrokenPipeError:
    gone = [stream for stream in (sys.stdout, sys.stderr) if _has_no_reader(stream.fileno())]
    if not gone:
      raise
    # Python flushes both once more at its end.
    for stream in gone:
      os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    sys.exit(BROKEN_PIPE)


def _has_no_reader(file: int) -> bool:
  poll = select.poll()
  poll.register(file, 0)
  return any(event & select.POLLERR for _, event in poll.poll(0))
