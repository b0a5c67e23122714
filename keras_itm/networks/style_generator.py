"""The generator of StyleGAN2 with skips (Karras et al. 2020, figure 7b, the generator of config F)."""

import math
from collections.abc import Sequence
from typing import Any

import gin
import numpy as np
import tensorflow as tf

from keras_itm.layers.blurred_resampling import Blur
from keras_itm.layers.class_tones import ClassTones
from keras_itm.layers.equalised import ChannelBias
from keras_itm.layers.linear_doubling import LinearDoubling
from keras_itm.layers.modulated_convolution import ModulatedConv2D
from keras_itm.layers.space_to_depth import DepthToSpace2D, SpaceToDepth2D
from keras_itm.layers.split import Split
from keras_itm.layers.voxel_noise import VoxelNoise

COARSEST = 4
_layers = tf.keras.layers


@gin.register
def style_generator(
  image_size: Sequence[int] = (256, 256),
  n_contrasts: int = 4,
  n_classes: int = 4,
  style_size: int = 512,
  base: int = 32768,
  max_filters: int = 512,
  noise: bool = True,
  folded: bool = False,
  class_shares: Sequence[float] = (),
  class_tones: Sequence[Sequence[float]] = (),
  n_labels: int = 0,
) -> tf.keras.Model:
  """Builds the generator: styles [n, layers, style_size] -> slices [n, X, Y, n_contrasts + n_classes].

  Channels of a slice are contrasts, about in [-1, 1] (no activation holds them there), then the
  probabilities of classes. From a learnt 4x4 map on, each doubling has two modulated 3x3 convolutions,
  and at each size a modulated 1x1 convolution adds to the slice, which is doubled linearly.

  Args:
    image_size: Slice size (X, Y), equal powers of two, of at least 8.
    n_contrasts: Contrasts, may be 0.
    n_classes: Classes, may be 0; background first.
    style_size: Numbers of a style.
    base: Filters of a map of size 1 to which no limit applies; those of size r have base / r.
    max_filters: The limit.
    noise: Whether each convolution is followed by noise, which is a second input [n, m].
    folded: Whether convolutions stop at half the slice's size. The last doubling is then a sub-pixel
      convolution, 4 kernels that start alike, and a blur: about half the time.
    class_shares: Of the pixels of real slices, which the output then starts from; even, when empty.
    class_tones: Mean intensity of each class, or of each label where there are such, in each contrast
      of real slices, [n_classes or n_labels, n_contrasts]. Images then start from what these look like,
      labels softened at borders, by the last style (`ClassTones`), and the rest adds to that. Without
      (empty, as published), class and image have in common only the maps that both are read from.
    n_labels: Channels of one-hot label slices [n, X, Y, n_labels], the last input, which say what lies
      where; 0 for none. At each size they are averaged and join the maps of its last convolution.

  Returns:
    A model from styles, or a list of styles, noise and labels as there are, to slices, float32. The
    second axis of styles says how many layers have one of their own, 2 log2(r) - 2 for convolutions up
    to size r.

  Raises:
    ValueError: A size that is none of these, no channel, not one positive share of each class, tones
      of other classes or contrasts, or negative labels.
  """
  check_slice_size(image_size)
  _check_channels(n_contrasts, n_classes, class_shares)
  _check_tones(n_contrasts, n_labels or n_classes, class_tones)
  if n_labels < 0:
    raise ValueError(f'n_labels is {n_labels}, expected at least 0')
  finest = image_size[0] // (2 if folded else 1)
  sizes = [2**i for i in range(2, int(math.log2(finest)) + 1)]
  filters = {size: min(base // size, max_filters) for size in sizes}
  n_styles, n_channels = 2 * len(sizes), n_contrasts + n_classes
  styles = _layers.Input((n_styles, style_size), name='styles')
  parts = Split([style_size] * n_styles, name='split')(_layers.Reshape((-1,), name='flat')(styles))
  noises = _Noises(sizes) if noise else None
  labels = _Labels(image_size, n_labels, folded) if n_labels else None
  x = Constant((COARSEST, COARSEST, filters[COARSEST]), name='constant')(styles)
  convolve = lambda x, size, i, doubled: _convolution(
    x, parts[i], filters[size], f'conv_{size}_{"up" if doubled else "same"}', noises, doubled
  )
  image = None
  for i, size in enumerate(sizes):
    if i:
      x = convolve(x, size, 2 * i - 1, True)
    x = convolve(labels.join(x) if labels else x, size, 2 * i, False)
    # As in the reference, the style of the next convolution.
    image = _add(image, _to_image(x, parts[2 * i + 1], n_channels, 1, f'to_image_{size}'), size)
  if folded:
    image = _unfold(image, x, parts[-1], n_channels)
  if class_shares:
    image = ChannelBias([0.0] * n_contrasts + np.log(class_shares).tolist(), name='shares')(image)
  image = ClassSoftmax(n_classes, dtype='float32', name='slice')(image)
  if class_tones:
    image = _toned(image, labels, parts[-1], class_tones)
  inputs = [styles, *(part.input for part in (noises, labels) if part)]
  return tf.keras.Model(inputs if inputs[1:] else styles, image, name='style_generator')


class _Noises:
  """The input for noise, and its part for each convolution in their order."""

  def __init__(self, sizes: Sequence[int]):
    counts = [size**2 for size in sizes for _ in range(2)][1:]
    self.input = _layers.Input((sum(counts),), name='noise')
    self.parts = iter(Split(counts, name='noise_parts')(self.input))


class _Labels:
  """The input for labels; they join maps at their size, averaged, or in the finest of all by pixel."""

  def __init__(self, image_size: Sequence[int], n_labels: int, folded: bool):
    self.input = _layers.Input((*image_size, n_labels), name='segmentation')
    # Of mean square 1, as maps are.
    self._scaled = _layers.Rescaling(math.sqrt(n_labels), name='label_scale')(self.input)
    self._folded = folded

  def join(self, x: Any) -> Any:
    size, labels = x.shape[1], self._scaled
    factor = labels.shape[1] // size
    if self._folded and factor == 2:
      labels = SpaceToDepth2D(name='labels_folded')(labels)
    elif factor > 1:
      labels = _layers.AveragePooling2D(factor, name=f'labels_{size}')(labels)
    return _layers.Concatenate(name=f'join_{size}')([x, labels])


def _convolution(
  x: Any, style: Any, filters: int, name: str, noises: _Noises | None, doubled: bool
) -> Any:
  x = ModulatedConv2D(filters, 3, doubled=doubled, name=name)((x, style))
  if noises:
    x = VoxelNoise(shared=True, name=f'{name}_noise')((x, next(noises.parts)))
  return ChannelBias(activated=True, name=f'{name}_bias')(x)


def _to_image(x: Any, style: Any, n_channels: int, kernel_size: int, name: str) -> Any:
  x = ModulatedConv2D(n_channels, kernel_size, demodulated=False, name=name)((x, style))
  return ChannelBias(name=f'{name}_bias')(x)


def _add(image: Any, addition: Any, size: int) -> Any:
  """The slice so far, doubled, and what a size adds."""
  if image is None:
    return addition
  return _layers.Add(name=f'add_{size}')([LinearDoubling(name=f'double_{size}')(image), addition])


def _unfold(image: Any, x: Any, style: Any, n_channels: int) -> Any:
  """The last doubling: a sub-pixel convolution of maps x, added to the doubled slice, and the blur."""
  convolution = ModulatedConv2D(4 * n_channels, 3, demodulated=False, name='to_folded')
  y = ChannelBias(name='to_folded_bias')(convolution((x, style)))
  kernel = convolution.kernel.numpy()
  convolution.kernel.assign(np.tile(kernel[..., :n_channels], [1, 1, 1, 4]))
  image = _add(image, DepthToSpace2D(name='unfold')(y), 2 * x.shape[1])
  return Blur(name='blur')(image)


def _toned(image: Any, labels: _Labels | None, style: Any, tones: Sequence[Sequence[float]]) -> Any:
  """A slice that starts from the tones of its classes, or of its labels, which it does not hold."""
  if labels:
    # Half of a 3x3 average: pixels at a border show some of both sides.
    average = _layers.AveragePooling2D(3, 1, 'same', dtype='float32', name='label_averages')
    soft = _layers.Average(dtype='float32', name='soft_labels')([labels.input, average(labels.input)])
    image = _layers.Concatenate(dtype='float32', name='labelled')([image, soft])
  layer = ClassTones(tones, image_alone=labels is not None, dtype='float32', name='toned')
  return layer((image, style))


@tf.keras.utils.register_keras_serializable('keras_itm')
class Constant(tf.keras.layers.Layer):
  """A learnt map, the same for all examples: anything [n, ...] -> [n, *shape]."""

  def __init__(self, shape: Sequence[int], **kwargs: Any):
    """Prepares the layer.

    Args:
      shape: Of the map.
      **kwargs: Of every Keras layer.
    """
    super().__init__(**kwargs)
    self.shape = tuple(shape)

  def build(self, input_shape):
    initializer = tf.keras.initializers.RandomNormal(0.0, 1.0)
    self.map = self.add_weight(name='map', shape=self.shape, initializer=initializer)
    super().build(input_shape)

  def call(self, x: tf.Tensor) -> tf.Tensor:
    one = tf.cast(self.map, self.compute_dtype)[tf.newaxis]
    return tf.tile(one, [tf.shape(x)[0], *[1] * len(self.shape)])

  def get_config(self):
    return {**super().get_config(), 'shape': self.shape}


@tf.keras.utils.register_keras_serializable('keras_itm')
class ClassSoftmax(tf.keras.layers.Layer):
  """Softmax over the last channels, the classes; the others stay as they are: [..., c] -> [..., c]."""

  def __init__(self, n_classes: int, **kwargs: Any):
    """Prepares the layer.

    Args:
      n_classes: How many; none, when 0.
      **kwargs: Of every Keras layer.
    """
    super().__init__(**kwargs)
    self.n_classes = n_classes

  def call(self, x: tf.Tensor) -> tf.Tensor:
    first = x.shape[-1] - self.n_classes
    return tf.concat([x[..., :first], tf.nn.softmax(x[..., first:])], -1) if self.n_classes else x

  def get_config(self):
    return {**super().get_config(), 'n_classes': self.n_classes}


def check_slice_size(image_size: Sequence[int]) -> None:
  """Refuses slices that no doublings of the coarsest map give.

  Raises:
    ValueError: Other than equal powers of two of at least 8.
  """
  x, y = image_size
  if x != y or x < 2 * COARSEST or x & (x - 1):
    raise ValueError(f'image_size is {(x, y)}, expected equal powers of two of at least 8')


def _check_channels(n_contrasts: int, n_classes: int, shares: Sequence[float]) -> None:
  if min(n_contrasts, n_classes) < 0 or n_contrasts + n_classes < 1:
    raise ValueError(f'n_contrasts {n_contrasts}, n_classes {n_classes}: expected 1 or more in all')
  if shares and (len(shares) != n_classes or min(shares) <= 0):
    raise ValueError(f'class_shares {tuple(shares)}: expected {n_classes} numbers above 0')


def _check_tones(n_contrasts: int, n_classes: int, tones: Sequence[Sequence[float]]) -> None:
  if tones and (len(tones) != n_classes or {len(tone) for tone in tones} != {n_contrasts}):
    found = [len(tone) for tone in tones]
    raise ValueError(
      f'class_tones has {found} numbers, expected {n_contrasts} for each of {n_classes} classes'
    )
