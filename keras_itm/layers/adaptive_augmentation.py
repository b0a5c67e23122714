"""Adaptive augmentation of what a discriminator sees, images and classes (Karras et al. 2020, ADA).

A discriminator that knows few real slices by heart is right about nearly all of them. It then sees real
and generated slices after random changes of the same kinds, the more often the more sure it is. As the
changes come with a probability below 1, the generator does not learn to make them.
"""

import math
from typing import Any

import gin
import tensorflow as tf

from keras_itm import stack

# Of one slice: for mirroring whether and a coin, for moving whether and two shifts, for turning,
# zooming, brightness and contrast whether and how far.
N_NUMBERS = 13


@gin.register
@tf.keras.utils.register_keras_serializable('keras_itm')
class AdaptiveAugmentation(tf.keras.layers.Layer):
  """Mirrors, moves, turns and zooms slices, changes brightness and contrast, each with probability p.

  (slices [n, X, Y, C + K], numbers [n, N_NUMBERS] from U(0, 1)) -> slices, the same shape, float32.

  One warp takes all channels along, so that classes go on to add up to 1; beyond the edges of a slice
  its outermost pixels go on. Brightness and contrast are those of the first C channels alone, which are
  in [-1, 1]. Where p is 0 nothing changes. It has derivatives of both orders by the slices.

  Attributes:
    probability: p, a scalar variable.
  """

  def __init__(
    self,
    n_contrasts: int = 1,
    shift: float = 0.125,
    rotation_degrees: float = 15.0,
    zoom: float = 0.2,
    brightness: float = 0.2,
    contrast: float = 0.5,
    target: float = 0.6,
    ramp: float = 500_000.0,
    every: int = 4,
    initial: float = 0.0,
    **kwargs: Any,
  ):
    """Prepares the layer. Changes are drawn uniformly from minus to plus a limit.

    Args:
      n_contrasts: C, the first channels.
      shift: By whole pixels, as a share of the size.
      rotation_degrees: About the slice's centre.
      zoom: Binary logarithm of how much is enlarged.
      brightness: What is added.
      contrast: Binary logarithm of what is multiplied by.
      target: p rises while the mean sign of the scores of real slices is above it, else it falls.
      ramp: Real slices within which p goes from 0 to 1.
      every: Steps between two changes of p.
      initial: p at first.
      **kwargs: Of every Keras layer.

    Raises:
      ValueError: A number out of its range.
    """
    if min(n_contrasts, rotation_degrees, zoom, brightness, contrast) < 0 or not 0 <= shift <= 1:
      raise ValueError(
        f'n_contrasts {n_contrasts}, rotation_degrees {rotation_degrees}, zoom {zoom}, brightness '
        f'{brightness}, contrast {contrast}: expected at least 0; shift {shift}: expected 0 to 1'
      )
    if not (-1 <= target <= 1 and ramp > 0 and every >= 1 and 0 <= initial <= 1):
      raise ValueError(
        f'target {target}: expected -1 to 1; ramp {ramp}: more than 0; every {every}: at least 1; '
        f'initial {initial}: 0 to 1'
      )
    super().__init__(**{**kwargs, 'trainable': False, 'dtype': 'float32'})
    self.n_contrasts = n_contrasts
    self.shift, self.rotation_degrees, self.zoom = shift, rotation_degrees, zoom
    self.brightness, self.contrast = brightness, contrast
    self.target, self.ramp, self.every, self.initial = target, ramp, every, initial
    options = {'trainable': False, **stack.SHARED_WEIGHT}
    start = tf.keras.initializers.Constant(initial)
    self.probability = self.add_weight(name='probability', shape=(), initializer=start, **options)
    # Sum of signs, real slices and steps since p was changed.
    self.seen = self.add_weight(name='seen', shape=(3,), initializer='zeros', **options)
    self.built = True

  def call(self, inputs: tuple[tf.Tensor, tf.Tensor]) -> tf.Tensor:
    slices, numbers = inputs
    p = tf.convert_to_tensor(self.probability)
    return tf.cond(p > 0, lambda: self._change(slices, numbers, p), lambda: tf.identity(slices))

  def adapt(self, real_scores: tf.Tensor) -> None:
    """Takes scores of real slices, [n], in; call it in replica context, once a step."""
    signs = tf.sign(tf.cast(real_scores, tf.float32))
    batch = tf.stack([tf.reduce_sum(signs), tf.cast(tf.size(signs), tf.float32)])
    batch = tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, batch)
    seen, probability = stack.plain(self.seen), stack.plain(self.probability)
    total, n, steps = tf.unstack(seen + tf.concat([batch, [1.0]], axis=0))
    is_due = steps >= self.every
    change = tf.where(is_due, tf.sign(total / n - self.target) * n / self.ramp, 0.0)
    probability.assign(tf.clip_by_value(probability + change, 0.0, 1.0))
    seen.assign(tf.where(is_due, tf.zeros([3]), tf.stack([total, n, steps])))

  def get_config(self):
    limits = ('shift', 'rotation_degrees', 'zoom', 'brightness', 'contrast')
    names = ('n_contrasts', *limits, 'target', 'ramp', 'every', 'initial')
    return {**super().get_config(), **{name: getattr(self, name) for name in names}}

  def _change(self, slices: tf.Tensor, numbers: tf.Tensor, p: tf.Tensor) -> tf.Tensor:
    flip, coin, move, x, y, turn, angle, enlarge, zoom, *rest = tf.unstack(numbers, axis=1)
    # Where a change does not come it is by 0.
    drawn = lambda gate, u, limit: tf.where(gate < p, (2 * u - 1) * limit, 0.0)
    size = [float(n) for n in slices.shape[1:3]]
    shift = tf.round(tf.stack([drawn(move, u, self.shift * n) for u, n in zip((x, y), size)], axis=1))
    angle = drawn(turn, angle, math.radians(self.rotation_degrees))
    shrink = tf.pow(2.0, -drawn(enlarge, zoom, self.zoom))
    cos, sin = shrink * tf.cos(angle), shrink * tf.sin(angle)
    sign = tf.where((flip < p) & (coin < 0.5), -1.0, 1.0)
    matrix = tf.reshape(tf.stack([sign * cos, -sign * sin, sin, cos], axis=1), [-1, 2, 2])
    gate, brightness, other_gate, contrast = rest
    add = drawn(gate, brightness, self.brightness)
    times = tf.pow(2.0, drawn(other_gate, contrast, self.contrast))
    moved = warp(slices, matrix, shift)
    images, classes = moved[..., : self.n_contrasts], moved[..., self.n_contrasts :]
    of_slice = lambda value: value[:, tf.newaxis, tf.newaxis, tf.newaxis]
    return tf.concat([images * of_slice(times) + of_slice(add), classes], axis=-1)


def warp(slices: tf.Tensor, matrix: tf.Tensor, shift: tf.Tensor) -> tf.Tensor:
  """Moves slices about their centre, by bilinear interpolation; the outermost pixels go on outside.

  Where source positions are whole pixels the result is exact. TensorFlow's own operation has another
  gradient than its adjoint, and none of the second order.

  Args:
    slices: float32 [n, X, Y, c].
    matrix: [n, 2, 2], which takes output to input positions.
    shift: Of the output in pixels, [n, 2], before that.

  Returns:
    The same shape.
  """
  height, width, channels = slices.shape[1:]
  centre = tf.constant([(height - 1) / 2, (width - 1) / 2], tf.float32)
  axes = tf.meshgrid(*(tf.range(n, dtype=tf.float32) for n in (height, width)), indexing='ij')
  target = tf.reshape(tf.stack(axes, axis=-1), [1, height * width, 2]) - centre - shift[:, tf.newaxis]
  last = tf.constant([height - 1, width - 1], tf.float32)
  # Two products and their sum, which are exact for whole pixels.
  source = tf.reduce_sum(matrix[:, tf.newaxis] * target[:, :, tf.newaxis], axis=-1)
  source = tf.clip_by_value(source + centre, 0.0, last)
  first = tf.floor(source)
  corners = tf.cast(tf.concat([first, tf.minimum(first + 1, last)], axis=-1), tf.int32)
  x0, y0, x1, y1 = tf.unstack(corners, axis=-1)
  wx, wy = tf.split(source - first, 2, axis=-1)
  pixels = tf.reshape(slices, [-1, height * width, channels])
  at = lambda x, y: tf.gather(pixels, x * width + y, batch_dims=1)
  low = (1 - wy) * at(x0, y0) + wy * at(x0, y1)
  high = (1 - wy) * at(x1, y0) + wy * at(x1, y1)
  return tf.reshape((1 - wx) * low + wx * high, tf.shape(slices))
