"""What a network asks of the size of its input."""

from collections.abc import Sequence


def check_halvings(shape: Sequence[int], filters: Sequence[int], name: str = 'shape') -> None:
  """Checks that sizes can be halved once per entry of `filters`.

  Example:

      check_halvings((64, 64, 16), filters=(16, 32, 64, 128))

  Args:
    shape: Sizes along each axis.
    filters: Filters of the blocks that each halve their input.
    name: What the caller calls the shape.

  Raises:
    ValueError: They cannot, or there is no filter.
  """
  factor = 2 ** len(filters)
  if not filters or any(size % factor for size in shape):
    raise ValueError(
      f'{name} {tuple(shape)} with {len(filters)} filters {tuple(filters)}: '
      f'expected at least one filter and sizes divisible by {factor}'
    )
