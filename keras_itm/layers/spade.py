"""Spatially adaptive normalisation (SPADE): label maps steer the features of a generator."""

import tensorflow as tf

from keras_itm.layers.normalization import InstanceNormalization

_EPSILON = 1e-5


@tf.keras.utils.register_keras_serializable('keras_itm')
class SpatiallyAdaptiveNormalization(tf.keras.layers.Layer):
  """Normalises maps and then scales and shifts each pixel by its labels (Park et al. 2019, eq. 1).

  [x, labels] -> x normalised * (1 + gamma) + beta, for maps x [n, X, Y, c] and one-hot labels
  [n, kX, kY, L] of any whole k. Gamma and beta [n, X, Y, c] come from the labels by a 3x3 convolution
  with ReLU and another without. The statistics are those of each instance, in float32, so that they
  need no running averages and no word between replicas.

  A reduced label map has the first pixel of each k x k block, as nearest-neighbour resizing has in
  the references: what a coarse level misses, finer ones see.
  """

  def __init__(self, hidden_filters: int = 128, **kwargs):
    """Prepares the layer.

    Args:
      hidden_filters: Filters of the convolution between the labels and gamma and beta.
      **kwargs: Of every Keras layer.

    Raises:
      ValueError: No hidden filter.
    """
    super().__init__(**kwargs)
    if hidden_filters < 1:
      raise ValueError(f'hidden_filters is {hidden_filters}, expected at least 1')
    self.hidden_filters = hidden_filters

  def build(self, input_shape):
    """Creates the convolutions.

    Raises:
      ValueError: Maps of a single pixel, whose normalised value is always 0, or labels whose size is
        no whole multiple of theirs.
    """
    (*_, channels), size, label_size = input_shape[0], input_shape[0][1:3], input_shape[1][1:3]
    self._step = label_size[0] // size[0]
    if tuple(size) == (1, 1):
      raise ValueError('maps of a single pixel, expected at least two: normalised, one is always 0')
    if tuple(label_size) != tuple(self._step * n for n in size):
      raise ValueError(
        f'labels of size {tuple(label_size)}, expected a whole multiple of {tuple(size)}'
      )
    options = {'kernel_size': 3, 'padding': 'same', 'dtype': self.dtype_policy}
    self.normalise = InstanceNormalization(center=False, scale=False, epsilon=_EPSILON)
    self.hidden = tf.keras.layers.Conv2D(self.hidden_filters, activation='relu', **options)
    # One convolution for both is faster than one each.
    self.gamma_beta = tf.keras.layers.Conv2D(2 * channels, **options)
    super().build(input_shape)

  def call(self, inputs: list[tf.Tensor]) -> tf.Tensor:
    x, labels = inputs
    labels = labels[:, :: self._step, :: self._step]
    gamma, beta = tf.split(tf.cast(self.gamma_beta(self.hidden(labels)), tf.float32), 2, axis=-1)
    return tf.cast(self.normalise(x) * (1 + gamma) + beta, self.compute_dtype)

  def get_config(self):
    return {**super().get_config(), 'hidden_filters': self.hidden_filters}
