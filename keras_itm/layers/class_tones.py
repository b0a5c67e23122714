"""What the classes of a slice look like in its contrasts, by the style."""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from keras_itm.layers.equalised import add_normal_weight, scaled_kernel

_SPREAD = 0.1  # Of tones between styles of mean square 1, at first.


@tf.keras.utils.register_keras_serializable('keras_itm')
class ClassTones(tf.keras.layers.Layer):
  """Adds to an image what its classes look like: (slice, style) -> slice.

  A slice [n, X, Y, C + K] is an image and, last, the probabilities of K classes; a style is [n, w].
  Each pixel of the image gains the sum over classes of probability times tone. The tones [n, K, C] are
  an affine function of the style that starts near given ones. So a lesion that the classes have is seen
  in all contrasts from the first step on, and what a discriminator misses in an image moves classes.
  """

  def __init__(self, tones: Sequence[Sequence[float]], image_alone: bool = False, **kwargs: Any):
    """Prepares the layer.

    Args:
      tones: What each of K classes starts from in each of C contrasts, [K, C].
      image_alone: Whether the output is the image without the classes, [n, X, Y, C].
      **kwargs: Of every Keras layer.

    Raises:
      ValueError: Tones that are not K times C numbers.
    """
    super().__init__(**kwargs)
    self.tones = tuple(tuple(float(tone) for tone in one) for one in tones)
    self.image_alone = image_alone
    if not self.tones or not self.tones[0] or len({len(one) for one in self.tones}) > 1:
      raise ValueError(f'tones are {self.tones}, expected as many numbers for each class, 1 or more')

  def build(self, input_shape):
    n_classes, n_contrasts = len(self.tones), len(self.tones[0])
    n_tones = n_classes * n_contrasts
    self.kernel = add_normal_weight(self, (input_shape[1][-1], n_tones), _SPREAD)
    start = tf.keras.initializers.Constant([tone for one in self.tones for tone in one])
    self.bias = self.add_weight(name='bias', shape=(n_tones,), initializer=start)
    super().build(input_shape)

  def call(self, inputs: tuple[tf.Tensor, tf.Tensor]) -> tf.Tensor:
    x, style = inputs
    n_classes, n_contrasts = len(self.tones), len(self.tones[0])
    tones = tf.matmul(style, scaled_kernel(self.kernel, style.dtype))
    tones = tf.reshape(tones + tf.cast(self.bias, style.dtype), [-1, n_classes, n_contrasts])
    image, probability = x[..., :n_contrasts], x[..., n_contrasts:]
    seen = tf.einsum('nxyk,nkc->nxyc', probability, tones)
    return image + seen if self.image_alone else tf.concat([image + seen, probability], axis=-1)

  def get_config(self):
    return {**super().get_config(), 'tones': self.tones, 'image_alone': self.image_alone}
