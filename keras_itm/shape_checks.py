"""What a network asks of the size of its input."""

from collections.abc import Sequence


def check_halvings(
  shape: Sequence[int], filters: Sequence[int], name: str = 'shape', least: int = 0
) -> None:
  """Checks that sizes can be halved once per entry of `filters`.

  Example:

      check_halvings((64, 64, 16), filters=(16, 32, 64, 128))

  Args:
    shape: Sizes along each axis.
    filters: Filters of the blocks that each halve their input.
    name: What the caller calls the shape.
    least: How many filters there are at least.

  Raises:
    ValueError: They cannot, or there are fewer filters.
  """
  factor = 2 ** len(filters)
  if len(filters) < least or any(size % factor for size in shape):
    raise ValueError(
      f'{name} {tuple(shape)} with {len(filters)} filters {tuple(filters)}: '
      f'expected {least} filters or more and sizes divisible by {factor}'
    )
