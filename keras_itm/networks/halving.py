"""What a network asks of its input that it halves again and again."""

from collections.abc import Sequence


def check_sizes(shape: Sequence[int], filters: Sequence[int]) -> None:
  """Checks that sizes can be halved once per entry of `filters`.

  Raises:
    ValueError: They cannot.
  """
  factor = 2 ** len(filters)
  if any(size % factor for size in shape):
    raise ValueError(
      f'shape {tuple(shape)} with {len(filters)} filters {tuple(filters)}: '
      f'expected sizes divisible by {factor}'
    )
