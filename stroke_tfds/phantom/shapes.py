"""Simple solids in millimetres from which anatomical structures are carved."""

import dataclasses
import itertools
from collections.abc import Sequence

import numpy as np

Axes = tuple[np.ndarray, np.ndarray, np.ndarray]


@dataclasses.dataclass(frozen=True)
class Tube:
  """A bent tube of varying width: balls along a polyline and the cones between them.

  Attributes:
    balls: (x, y, z, radius) of each ball, in order.
    stretch: Factors that multiply the widths along (x, y, z), about the polyline.
  """

  balls: tuple[tuple[float, float, float, float], ...]
  stretch: tuple[float, float, float] = (1.0, 1.0, 1.0)

  def contains(self, axes: Axes) -> np.ndarray:
    """Whether the points of the regular grid `axes` (three vectors) lie inside, bool (X, Y, Z)."""
    inside = np.zeros([len(axis) for axis in axes], bool)
    ends = self.balls if len(self.balls) > 1 else self.balls * 2
    for start, end in itertools.pairwise(ends):
      window = self._window(axes, start, end)
      points = [axis[part] for axis, part in zip(axes, window)]
      inside[window] |= self._cone_contains(np.meshgrid(*points, indexing='ij'), start, end)
    return inside

  def _window(self, axes: Axes, start, end) -> tuple[slice, slice, slice]:
    """The part of the grid that the cone between two balls can reach."""
    reach = np.multiply(self.stretch, max(start[3], end[3]))
    low, high = np.minimum(start[:3], end[:3]) - reach, np.maximum(start[:3], end[:3]) + reach
    x, y, z = (
      slice(int(np.searchsorted(axis, a)), int(np.searchsorted(axis, b, 'right')))
      for axis, a, b in zip(axes, low, high)
    )
    return x, y, z

  def _cone_contains(self, points: Sequence[np.ndarray], start, end) -> np.ndarray:
    scaled = [np.float32(1 / s) * p.astype(np.float32) for s, p in zip(self.stretch, points)]
    first, last = np.divide(start[:3], self.stretch), np.divide(end[:3], self.stretch)
    way = last - first
    offsets = [p - np.float32(c) for p, c in zip(scaled, first)]
    along = sum(o * np.float32(w) for o, w in zip(offsets, way)) / max(float(way @ way), 1e-6)
    along = np.clip(along, 0, 1)
    squared = sum((o - along * np.float32(w)) ** 2 for o, w in zip(offsets, way))
    return squared < (start[3] + along * (end[3] - start[3])) ** 2


def ellipsoid(x: float, y: float, z: float, semi_axes: tuple[float, float, float]) -> Tube:
  """An upright ellipsoid: a single ball of radius 1, stretched."""
  return Tube(((x, y, z, 1.0),), semi_axes)
