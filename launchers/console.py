"""What a launcher says while it runs, apart from what its libraries say."""

import sys
import time

import tqdm


def say(message: str) -> None:
  """Prints a line with the time of day, above a progress bar where there is one."""
  tqdm.tqdm.write(f'{time.strftime("%H:%M:%S")} {message}', file=sys.stderr)


def clock(seconds: float) -> str:
  """Seconds as `1 h 02 min 03 s`, leading zeros left out."""
  minutes, rest = divmod(round(seconds), 60)
  hours, minutes = divmod(minutes, 60)
  if hours:
    return f'{hours} h {minutes:02d} min {rest:02d} s'
  return f'{minutes} min {rest:02d} s' if minutes else f'{rest} s'
