"""What a launcher says while it runs, apart from what its libraries say."""

import sys
import time

import tqdm


def say(message: str) -> None:
  """Prints a line with the time of day, above a progress bar where there is one."""
  tqdm.tqdm.write(f'{time.strftime("%H:%M:%S")} {message}', file=sys.stderr)
