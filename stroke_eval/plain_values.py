"""Numbers for JSON, which has no NaN."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np


def plain(value: Any, digits: int | None = 6) -> Any:
  """Plain Python values, None for what is not finite.

  Args:
    value: A number, text, array, or mappings and sequences of such; keys become text.
    digits: Decimals to which floats are rounded; None keeps them all.
  """
  if isinstance(value, Mapping):
    return {str(key): plain(item, digits) for key, item in value.items()}
  if isinstance(value, np.ndarray):
    return plain(value.tolist(), digits)
  if isinstance(value, list | tuple):
    return [plain(item, digits) for item in value]
  if isinstance(value, np.generic):
    return plain(value.item(), digits)
  if isinstance(value, float):
    if not math.isfinite(value):
      return None
    return value if digits is None else round(value, digits)
  return value
