"""Colours of the structures of a label map."""

import colorsys
from collections.abc import Sequence

_HUES = (0.08, 0.9)  # From orange to magenta: red is that of lesions.
_STEP = (3 - 5**0.5) / 2  # Share of the hues from one structure to the next: the golden angle.
_LIGHTNESS = (0.35, 0.72, 0.5)  # In turn.
_SATURATION = 0.7


def structure_colours(names: Sequence[str]) -> list[str]:
  """A colour for each label, as `#rrggbb`.

  Args:
    names: Of the labels, in the order of their ids.

  Returns:
    The same for `left` and `right` of a structure; far apart for structures that follow each other.
  """
  plain = [name.removeprefix('left ').removeprefix('right ') for name in names]
  places = {name: i for i, name in enumerate(dict.fromkeys(plain))}
  return [_colour(places[name]) for name in plain]


def _colour(place: int) -> str:
  low, high = _HUES
  hue = low + (high - low) * (place * _STEP % 1)
  shares = colorsys.hls_to_rgb(hue, _LIGHTNESS[place % len(_LIGHTNESS)], _SATURATION)
  return '#' + ''.join(f'{round(255 * share):02x}' for share in shares)
