"""The kinds of input that are fuzzed: each makes its inputs and reads them as the product does."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

KINDS: dict[str, type['Kind']] = {}


class Kind:
  """Inputs of one form. A subclass registers itself under its name.

  Args:
    work: A folder of its own.

  Attributes:
    SHARE: How many inputs of 100 it gets, about.
  """

  SHARE = 1.0

  def __init__(self, work: Path):
    self.work = work
    self.set_up()

  def __init_subclass__(cls, **kwargs: Any):
    super().__init_subclass__(**kwargs)
    KINDS[cls.__name__] = cls

  def set_up(self) -> None:
    """Makes sound inputs to begin from."""

  def make(self, index: int, rng: random.Random) -> Callable[[], None]:
    """An input, as the call that reads it; the same for the same index and state of `rng`."""
    raise NotImplementedError
