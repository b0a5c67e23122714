"""Rules on position and tissue that turn the MNI152 template into structures.

Coordinates are MNI millimetres, with the distance from the midline in place of x: the template is
symmetric, one rule serves both sides.
"""

import numpy as np

from stroke_tfds.phantom.shapes import Axes, Tube, ellipsoid

# Deep structures as solids; those named in the order in which they claim a voxel.
SOLIDS = {
  'thalamus': (
    Tube(
      (
        (8, -3, 6, 5.5),
        (10, -9, 6, 8.5),
        (11.5, -17, 6.5, 9.5),
        (15, -25, 6, 8.5),
        (17.5, -31, 4, 6),
      ),
      (0.9, 1.0, 1.08),
    ),
  ),
  'pallidum': (
    Tube(((17.5, 4, -2.5, 4.5), (19.5, 0, -2, 5.8), (22, -5, -2, 5.5), (26, -12, -2, 3.5))),
  ),
  'putamen': (
    Tube(((20, 14, -4, 6.5), (24, 8, -1, 8.0), (28, 0, 1, 7.5), (30, -10, 0, 6.0), (31, -18, 1, 4))),
    Tube(((9, 12, -8, 4.0), (14, 12, -8, 4.5))),  # The accumbens, between caudate and putamen.
  ),
  'caudate': (
    Tube(
      (
        (16, 23, -1, 4.0),
        (13, 18, 3, 7.5),
        (12.5, 11, 8, 7.0),
        (13.5, 2, 16, 5.0),
        (16, -8, 22, 3.2),
        (19, -22, 23, 2.2),
      ),
    ),
    ellipsoid(11.5, 13, -3, (5.5, 7.0, 6.0)),
  ),
  'amygdala': (Tube(((24, -8, -16, 5.0), (24.5, -4, -20.5, 8.0), (24, 0, -23, 4.5))),),
  'hippocampus': (
    Tube(
      (
        (20, -40, 2, 3.5),
        (24.5, -36, -4, 5.0),
        (29, -28, -11.5, 5.2),
        (29, -20, -17, 6.2),
        (25, -13, -20.5, 6.8),
        (22, -8, -24, 5.0),
      ),
    ),
  ),
  'ventral diencephalon': (
    ellipsoid(10, -17, -10.5, (11.5, 11.0, 8.5)),
    Tube(((5, 0, -9, 3.5), (9, -8, -10, 6.0))),
    Tube(((14, -22, -8, 6.0), (21, -28, -5, 4.0))),
  ),
}
BRAIN_STEM = Tube(
  (
    (0, -48, -73, 5.0),
    (0, -44, -64, 5.8),
    (0, -40, -54, 7.8),
    (0, -37, -48, 9.0),
    (0, -31, -41, 12.5),
    (0, -28, -34, 13.8),
    (0, -26, -26, 13.0),
    (0, -28, -18, 10.5),
    (0, -29, -11, 9.5),
    (0, -29, -4, 7.5),
  ),
  (1.0, 0.95, 1.0),
)
LATERAL_VENTRICLE_ENVELOPE = (
  Tube(((11, 32, -2, 7), (9, 22, 5, 11), (8, 12, 11, 13), (9, -5, 18, 13), (12, -22, 20, 12))),
  Tube(((12, -22, 20, 12), (24, -38, 12, 13), (30, -52, 7, 8), (29, -68, 5, 6))),
  Tube(((25, -38, 8, 11), (36, -26, -10, 6), (35, -10, -22, 6))),
)
THIRD_VENTRICLE = (Tube(((0, 0, -8, 4), (0, -8, -4, 6), (0, -20, 0, 7), (0, -27, 4, 3)), (0.6, 1, 1)),)
FOURTH_VENTRICLE = (
  Tube(((0, -33, -18, 2.5), (0, -38, -25, 4), (0, -44.5, -32, 8), (0, -45, -40, 6), (0, -45, -50, 2.5))),
)

# Height of the tentorium at the midline, and its fall per millimetre to the side, by y.
_TENTORIUM_Y_MM = (-95, -88, -76, -64, -58, -46, -34, -28)
_TENTORIUM_HEIGHT_MM = (-20, -19, -12, -6, -4.5, -6.5, -9, -10)
_TENTORIUM_SLOPE = (0.12, 0.15, 0.22, 0.38, 0.45, 0.5, 0.66, 0.9)
_CEREBELLUM_FRONT_MM = -27


def below_tentorium(axes: Axes) -> np.ndarray:
  """Where cerebellum lies rather than cerebrum, bool (X, Y, Z)."""
  x, y, z = (axis[shape] for axis, shape in zip(axes, np.ix_(*(range(len(a)) for a in axes))))
  height = np.interp(y, _TENTORIUM_Y_MM, _TENTORIUM_HEIGHT_MM)
  slope = np.interp(y, _TENTORIUM_Y_MM, _TENTORIUM_SLOPE)
  return (z < height - slope * x) & (y < _CEREBELLUM_FRONT_MM)


def inside(tubes: tuple[Tube, ...], axes: Axes) -> np.ndarray:
  """Whether points lie in any of the tubes, bool (X, Y, Z)."""
  return np.logical_or.reduce([tube.contains(axes) for tube in tubes])
