"""Affine augmentation of volumes: rotation, translation, shear and flip (paper, section 2.4).

Of all modules besides layers/normalization.py, only this one knows tensorflow_addons.
"""

import dataclasses
import math

import gin
import tensorflow as tf
import tensorflow_addons as tfa


@gin.register
@dataclasses.dataclass(frozen=True)
class AffineRanges:
  """How far a volume is moved, each value drawn uniformly from -limit to +limit, in the axial plane.

  Attributes:
    rotation_degrees: About the axis inferior-superior.
    translation: Along X and Y, as a share of the plane's size.
    shear_degrees: Of X against Y.
    flip_probability: Of exchanging left and right.

  Raises:
    ValueError: A limit out of its range.
  """

  rotation_degrees: float = 10.0
  translation: float = 0.05
  shear_degrees: float = 5.0
  flip_probability: float = 0.5

  def __post_init__(self):
    most = {'rotation_degrees': 180, 'translation': 1, 'shear_degrees': 89, 'flip_probability': 1}
    for name, limit in most.items():
      if not 0 <= getattr(self, name) <= limit:
        raise ValueError(f'{name} is {getattr(self, name)}, expected a number from 0 to {limit}')


def draw_affine(ranges: AffineRanges, seed: tf.Tensor) -> tf.Tensor:
  """Draws a 2x2 matrix and a shift that take output to input positions.

  Args:
    ranges: Limits of the draw.
    seed: Two integers; the same seed gives the same draw.

  Returns:
    [2, 3]: the matrix, and the shift as a share of the plane's size.
  """
  u = tf.random.stateless_uniform([5], seed, -1.0, 1.0)
  angle = u[0] * (ranges.rotation_degrees * math.pi / 180)
  shear = tf.tan(u[1] * (ranges.shear_degrees * math.pi / 180))
  flip = tf.where(u[2] < 2 * ranges.flip_probability - 1, -1.0, 1.0)
  cos, sin = tf.cos(angle), tf.sin(angle)
  rotate = tf.stack([tf.stack([cos, -sin]), tf.stack([sin, cos])])
  skew = tf.stack([tf.stack([flip, shear]), tf.constant([0.0, 1.0])])
  return tf.concat([rotate @ skew, ranges.translation * u[3:, tf.newaxis]], axis=1)


def affine_volume(volume: tf.Tensor, affine: tf.Tensor) -> tf.Tensor:
  """Moves every axial slice of a volume alike, about the plane's centre, by bilinear interpolation.

  Args:
    volume: float32 [X, Y, ...]; what lies outside comes in as 0.
    affine: [2, 3] from `draw_affine`, on (X, Y).
  """
  shape = tf.shape(volume)
  plane = tf.reshape(volume, [shape[0], shape[1], -1])
  size = tf.cast(shape[:2], tf.float32)
  centre = (size - 1) / 2
  matrix = affine[:, :2]
  shift = centre - tf.linalg.matvec(matrix, centre) + affine[:, 2] * size
  # tfa counts (column, row), which is (Y, X) here.
  projective = [
    matrix[1, 1],
    matrix[1, 0],
    shift[1],
    matrix[0, 1],
    matrix[0, 0],
    shift[0],
    0.0,
    0.0,
  ]
  moved = tfa.image.transform(plane, tf.stack(projective), interpolation='bilinear')
  return tf.reshape(moved, shape)


def augment(
  image: tf.Tensor, lesion: tf.Tensor, ranges: AffineRanges, seed: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
  """Moves an image and its lesion mask alike.

  Args:
    image: float32 [X, Y, Z, C].
    lesion: float32 [X, Y, Z], 0 or 1.
    ranges: Limits of the draw.
    seed: Two integers.

  Returns:
    The same shapes; the mask is 0 or 1 again.
  """
  affine = draw_affine(ranges, seed)
  moved = affine_volume(lesion, affine)
  return affine_volume(image, affine), tf.cast(moved >= 0.5, tf.float32)
