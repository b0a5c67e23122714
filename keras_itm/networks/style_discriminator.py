"""The residual discriminator of StyleGAN2 (Karras et al. 2020, figure 7c, that of config F)."""

import math
from collections.abc import Sequence
from typing import Any

import gin
import tensorflow as tf

from keras_itm.layers.equalised import EqualisedConv2D, EqualisedDense
from keras_itm.layers.minibatch_deviation import MinibatchDeviation
from keras_itm.layers.space_to_depth import SpaceToDepth2D
from keras_itm.networks.style_generator import COARSEST, check_slice_size

_layers = tf.keras.layers


@gin.register
def style_discriminator(
  image_size: Sequence[int] = (256, 256),
  n_contrasts: int = 4,
  n_classes: int = 4,
  base: int = 32768,
  max_filters: int = 512,
  group: int = 4,
  folded: bool = False,
  class_gains: Sequence[float] = (),
  n_conditions: int = 0,
) -> tf.keras.Model:
  """Builds the discriminator: slices [n, X, Y, n_contrasts + n_classes] -> scores [n].

  A 1x1 convolution, then residual blocks that halve the maps, down to 4x4; there the deviation of the
  batch is added, and a convolution and two dense layers make the score.

  Args:
    image_size: Slice size (X, Y), equal powers of two, of at least 8.
    n_contrasts: Contrasts of a slice.
    n_classes: Classes, whose probabilities follow.
    base: Filters of a map of size 1 to which no limit applies; those of size r have base / r.
    max_filters: The limit.
    group: Examples whose deviation is measured.
    folded: Whether each 2x2 block of pixels first becomes one with 4 times the channels, so that
      nothing is convolved at the slice's size: about half the time.
    class_gains: How much the probability of each class is amplified; not at all, when empty. A rare
      class that is drawn out of few pixels otherwise goes unnoticed for long.
    n_conditions: Numbers that were asked for; the model then takes [slice, condition [n, n_conditions]]
      and judges whether they go together (Miyato and Koyama 2018).

  Returns:
    A model to unbounded scores [n], float32; higher is more real.

  Raises:
    ValueError: A size that is none of these, no channel, or gains that are not one for each class.
  """
  n_channels = n_contrasts + n_classes
  check_slice_size(image_size)
  _check_channels(n_channels, n_classes, class_gains)
  inputs = seen = _layers.Input((*image_size, n_channels), name='slice')
  if class_gains:
    seen = _layers.Rescaling([1.0] * n_contrasts + list(class_gains), name='gains')(seen)
  if folded:
    seen = SpaceToDepth2D(name='fold')(seen)
  filters = lambda size: min(base // size, max_filters)
  size = seen.shape[1]
  x = EqualisedConv2D(filters(size), 1, name=f'from_slice_{size}')(seen)
  while size > COARSEST:
    x = _block(x, filters(size), filters(size // 2), size)
    size //= 2
  x = MinibatchDeviation(group, name='deviation')(x)
  x = EqualisedConv2D(filters(size), 3, name='conv_4')(x)
  x = EqualisedDense(filters(size), activated=True, name='hidden')(_layers.Flatten(name='flat')(x))
  score, inputs = _score(x, inputs, n_conditions)
  return tf.keras.Model(inputs, score, name='style_discriminator')


def _block(x: Any, filters: int, next_filters: int, size: int) -> Any:
  """Two convolutions, the second of which halves the maps, beside a linear way; over sqrt(2)."""
  y = EqualisedConv2D(filters, 3, name=f'conv_{size}')(x)
  y = EqualisedConv2D(next_filters, 3, halved=True, name=f'conv_{size}_down')(y)
  shortcut = EqualisedConv2D(next_filters, 1, activated=False, halved=True, name=f'skip_{size}')(x)
  return _layers.Rescaling(math.sqrt(0.5), name=f'scale_{size}')(
    _layers.Add(name=f'add_{size}')([y, shortcut])
  )


def _score(x: Any, inputs: Any, n_conditions: int) -> tuple[Any, Any]:
  """The score of hidden values [n, c], and the inputs that it depends on."""
  if not n_conditions:
    x = EqualisedDense(1, name='dense', dtype='float32')(x)
  else:
    condition = _layers.Input((n_conditions,), name='condition')
    inputs, units = [inputs, condition], x.shape[-1]
    asked = EqualisedDense(units, activated=True, name='condition_dense')(condition)
    asked = EqualisedDense(units, name='condition_out')(asked)
    x = EqualisedDense(units, name='dense')(x)
    product = _layers.Dot(axes=1, name='product', dtype='float32')([x, asked])
    x = _layers.Rescaling(1 / math.sqrt(units), name='product_scale', dtype='float32')(product)
  return _layers.Reshape((), dtype='float32', name='score')(x), inputs


def _check_channels(n_channels: int, n_classes: int, gains: Sequence[float]) -> None:
  if n_channels < 1:
    raise ValueError('n_contrasts and n_classes are 0, expected something to see')
  if gains and len(gains) != n_classes:
    raise ValueError(f'class_gains {tuple(gains)}: expected one for each of {n_classes} classes')
