"""Normalisation layers."""

import tensorflow as tf

from keras_itm import stack


@tf.keras.utils.register_keras_serializable('keras_itm')
class InstanceNormalization(stack.InstanceNormalization):
  """Instance normalisation of channels-last maps, [n, ..., c] -> [n, ..., c], computed in float32.

  Weights, arguments and configuration are those of tensorflow_addons, whose statistics are wrong in
  bfloat16 and overflow in float16. Under a mixed policy the input is cast up on entry; the next layer
  casts down again.
  """

  def __init__(self, **kwargs):
    super().__init__(**{**kwargs, 'dtype': 'float32'})

  def get_config(self):
    # The number of groups is no choice here, and giving it back would raise a warning.
    return {name: value for name, value in super().get_config().items() if name != 'groups'}


@tf.keras.utils.register_keras_serializable('keras_itm')
class SynchronizedBatchNormalization(tf.keras.layers.BatchNormalization):
  """Batch normalisation with the statistics of the whole batch, also where devices share it.

  Keras' own layer forgets this when it is saved or copied.
  """

  def __init__(self, **kwargs):
    super().__init__(**{**kwargs, 'synchronized': True})
