"""Augmentation of volumes: moves and flips (Platscher et al. 2020, section 2.4), and intensity."""

import dataclasses
import math
from collections.abc import Mapping

import gin
import tensorflow as tf


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
    _check_limits(
      self, {'rotation_degrees': 180, 'translation': 1, 'shear_degrees': 89, 'flip_probability': 1}
    )


@gin.register
@dataclasses.dataclass(frozen=True)
class IntensityRanges:
  """How far intensities are changed, each contrast on its own; 0 leaves a change out.

  Attributes:
    gamma: The intensity is raised to a power whose natural logarithm is within -gamma and gamma.
    bias: Largest natural logarithm, up or down, of a smooth field that multiplies the intensity.
    scale: The intensity is multiplied by 1 - scale to 1 + scale.
    shift: -shift to shift is added.
    noise_sd: Normal noise of a standard deviation from 0 to noise_sd is added.

  Raises:
    ValueError: A limit out of its range.
  """

  gamma: float = 0.3
  bias: float = 0.2
  scale: float = 0.1
  shift: float = 0.05
  noise_sd: float = 0.03

  def __post_init__(self):
    _check_limits(self, {'gamma': 2, 'bias': 2, 'scale': 1, 'shift': 1, 'noise_sd': 1})


def _check_limits(ranges: AffineRanges | IntensityRanges, most: Mapping[str, float]) -> None:
  for name, limit in most.items():
    if not 0 <= getattr(ranges, name) <= limit:
      raise ValueError(f'{name} is {getattr(ranges, name)}, expected a number from 0 to {limit}')


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
  # The operation counts (column, row), which is (Y, X) here.
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
  moved = tf.raw_ops.ImageProjectiveTransformV3(
    images=plane[tf.newaxis],
    transforms=tf.stack(projective)[tf.newaxis],
    output_shape=shape[:2],
    fill_value=0.0,
    interpolation='BILINEAR',
    fill_mode='CONSTANT',
  )
  return tf.reshape(moved, shape)


def smooth_field(shape: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
  """A random polynomial of degree 3 along each axis, whose largest value, up or down, is 1.

  Args:
    shape: Four integers: X, Y, Z and C.
    seed: Two integers.

  Returns:
    float32 [X, Y, Z, C], in [-1, 1]; the C fields are independent of one another.
  """
  control = tf.random.stateless_normal(tf.concat([[4, 4, 4], shape[3:]], axis=0), seed)
  x, y, z = (_bernstein(shape[axis]) for axis in range(3))
  field = tf.einsum('xi,ijkc->xjkc', x, control)
  field = tf.einsum('yj,xjkc->xykc', y, field)
  field = tf.einsum('zk,xykc->xyzc', z, field)
  return field / tf.reduce_max(tf.abs(field), axis=[0, 1, 2])


def _bernstein(n: tf.Tensor) -> tf.Tensor:
  """The four Bernstein polynomials of degree 3 at n points from 0 to 1: [n, 4]."""
  t = tf.linspace(0.0, 1.0, n)
  return tf.stack([(1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3], axis=1)


def change_intensity(image: tf.Tensor, ranges: IntensityRanges, seed: tf.Tensor) -> tf.Tensor:
  """Changes contrast and brightness, adds a bias field and noise, and clips to [0, 1], in this order.

  Voxels of exactly 0, the outside of a brain without its skull, stay 0: no test case has noise there.

  Args:
    image: float32 [X, Y, Z, C] in [0, 1].
    ranges: Limits of the draw.
    seed: Two integers; the same seed gives the same change.

  Returns:
    float32 of the same shape, in [0, 1].
  """
  shape = tf.shape(image)
  # A split depends on the seed's type.
  seeds = tf.unstack(tf.random.split(tf.cast(seed, tf.int64), 3))
  u = tf.random.stateless_uniform([5, shape[3]], seeds[0], -1.0, 1.0)
  changed = image ** tf.exp(ranges.gamma * u[0])
  changed *= tf.exp(ranges.bias * u[1] * smooth_field(shape, seeds[1]))
  changed = changed * (1 + ranges.scale * u[2]) + ranges.shift * u[3]
  changed += ranges.noise_sd * tf.abs(u[4]) * tf.random.stateless_normal(shape, seeds[2])
  return tf.where(image > 0, tf.clip_by_value(changed, 0.0, 1.0), 0.0)


def augment(
  image: tf.Tensor,
  classes: tf.Tensor,
  n_classes: int,
  ranges: AffineRanges,
  seed: tf.Tensor,
  intensity: IntensityRanges | None = None,
) -> tuple[tf.Tensor, tf.Tensor]:
  """Moves an image and its lesions alike, then changes the image's intensity.

  Args:
    image: A volume, float32 [X, Y, Z, C], or an axial slice [X, Y, C].
    classes: uint8, without the axis of contrasts: 0 outside of lesions, their classes from 1 to
      n_classes - 1; what comes in from outside is 0.
    n_classes: How many there are, 0 among them.
    ranges: Limits of the move.
    seed: Two integers.
    intensity: Limits of the change of intensity; none when absent.

  Returns:
    The same shapes and types.
  """
  affine = draw_affine(ranges, seed)
  image = affine_volume(image, affine)
  if intensity is not None:
    volume = image if len(image.shape) == 4 else image[:, :, tf.newaxis]
    image = tf.reshape(change_intensity(volume, intensity, seed), tf.shape(image))
  return image, _moved_classes(classes, n_classes, affine)


def _moved_classes(classes: tf.Tensor, n_classes: int, affine: tf.Tensor) -> tf.Tensor:
  """The most probable class of each voxel, where a single one is there at a half or more."""
  if n_classes == 2:
    return tf.cast(affine_volume(tf.cast(classes, tf.float32), affine) >= 0.5, tf.uint8)
  lesions = affine_volume(tf.one_hot(classes, n_classes)[..., 1:], affine)
  none = 1 - tf.reduce_sum(lesions, axis=-1, keepdims=True)
  return tf.cast(tf.argmax(tf.concat([none, lesions], axis=-1), axis=-1), tf.uint8)
