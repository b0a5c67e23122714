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
        (8, -2, 5.5, 6.5),
        (10, -9, 6, 9.5),
        (11.5, -16, 6.5, 10.5),
        (14.5, -25, 6, 10.0),
        (17.5, -31, 4, 7.5),
      ),
      (0.92, 1.0, 1.05),
    ),
  ),
  'pallidum': (
    Tube(((17.5, 4, -2.5, 4.5), (19.5, 0, -2, 5.8), (22, -5, -2, 5.5), (26, -12, -2, 3.5))),
  ),
  'putamen': (
    Tube(
      (
        (22, 16, -3, 5.5),
        (24, 11, -2, 8.3),
        (26, 5, -0.5, 9.0),
        (28.3, 0, 0, 8.8),
        (30.3, -8, 0, 8.0),
        (31, -15, 0, 6.3),
        (30.5, -20, 2, 3.8),
      ),
      (0.6, 1.0, 1.15),
    ),
    Tube(((11, 14, -8, 5.0), (12, 7, -8, 5.0), (20, 8, -6, 4.0))),  # The accumbens, under the caudate.
  ),
  'caudate': (
    Tube(
      (
        (16.5, 24, -2, 4.5),
        (13.5, 18, 1, 7.5),
        (12.5, 12, 5, 8.0),
        (12.5, 6, 11, 7.0),
        (14, 0, 17, 5.0),
        (16, -7, 21, 3.5),
        (19, -20, 23, 2.5),
      ),
      (0.8, 1.0, 1.15),
    ),
  ),
  'amygdala': (Tube(((24, -8, -16, 5.0), (24.5, -4, -20.5, 7.5), (24, 0, -23, 4.5))),),
  'hippocampus': (
    Tube(
      (
        (22, -40, 0, 4.2),
        (25, -35, -5, 4.8),
        (28.5, -28, -11.5, 5.2),
        (29, -21, -16, 6.3),
        (26.5, -16, -19, 7.0),
        (24, -12, -21, 7.0),
        (22, -7, -23.5, 6.2),
      ),
      (1.25, 1.0, 0.85),
    ),
  ),
  'ventral diencephalon': (
    ellipsoid(10, -17, -10.5, (11.5, 11.0, 8.5)),
    Tube(((5, 0, -9, 3.5), (9, -8, -10, 6.0))),
    Tube(((14, -22, -8, 6.0), (21, -28, -5, 4.0))),
  ),
}
# Solids that white matter bounds sharply in the template: only their grey matter counts.
GREY_ALONE = ('caudate', 'hippocampus', 'amygdala')
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
THIRD_VENTRICLE = (Tube(((0, 0, -10, 5), (0, -8, -5, 8), (0, -20, 1, 8), (0, -27, 4, 3)), (0.5, 1, 1)),)
FOURTH_VENTRICLE = (
  Tube(((0, -33, -18, 2.5), (0, -38, -25, 4), (0, -44.5, -32, 10), (0, -45, -40, 8), (0, -45, -50, 3))),
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
