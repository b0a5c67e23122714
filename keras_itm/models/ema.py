"""A copy of a network whose weights are the moving average of the trained ones."""

import tensorflow as tf

from keras_itm import stack


@tf.keras.utils.register_keras_serializable('keras_itm')
class AveragedNetwork(tf.keras.layers.Layer):
  """Exponential moving average of a functional network; call it as the network itself.

  Keras optimizers can keep averages too, but write them over the trained weights at the end of
  `fit`, which spoils a GAN that goes on. This copy is separate and is restored by checkpoints.

  Attributes:
    network: The copy, never trained by gradients.
    n_updates: Updates so far, int64 scalar.
  """

  def __init__(self, network: tf.keras.Model, decay: float, **kwargs):
    """Copies `network` with its weights.

    Args:
      network: A functional or sequential model.
      decay: Share of the old average kept at each update, in [0, 1). The first updates keep
        less, (1 + t) / (10 + t), so that the random start is soon forgotten.

    Raises:
      ValueError: A decay outside [0, 1).
    """
    if not 0 <= decay < 1:
      raise ValueError(f'ema decay is {decay}, expected a number in [0, 1)')
    super().__init__(**{**kwargs, 'trainable': False})
    self.decay = decay
    self.network = tf.keras.models.clone_model(network)
    self.network.trainable = False
    self.network.set_weights(network.get_weights())
    options = {'dtype': 'int64', 'initializer': 'zeros', 'trainable': False, **stack.SHARED_WEIGHT}
    self.n_updates = self.add_weight(name='n_updates', shape=(), **options)
    self.built = True

  def call(self, inputs: tf.Tensor | list[tf.Tensor], training: bool | None = None) -> tf.Tensor:
    return self.network(inputs, training=training)

  def update(self, source: tf.keras.Model, keep: tf.Tensor | None = None) -> None:
    """Moves the average towards the weights of `source`; call in replica context, once a step.

    Args:
      source: The trained network.
      keep: Share of the old average that is kept, a scalar; by `decay`, when None.
    """
    if keep is None:
      n = tf.cast(self.n_updates, tf.float32)
      keep = tf.minimum(tf.constant(self.decay, tf.float32), (1 + n) / (10 + n))
    pairs = [tuple(map(stack.plain, network.weights)) for network in (self.network, source)]
    # Replicas hold the same weights, so the average is moved once, outside of them.
    tf.distribute.get_replica_context().merge_call(_move_all, args=(*pairs, keep))
    stack.plain(self.n_updates).assign_add(1)

  def get_config(self):
    network = tf.keras.utils.serialize_keras_object(self.network)
    return {**super().get_config(), 'network': network, 'decay': self.decay}

  @classmethod
  def from_config(cls, config):
    network = tf.keras.utils.deserialize_keras_object(config['network'])
    return cls(**{**config, 'network': network})


def _move_all(strategy, averages, sources, keep) -> None:
  for average, source in zip(averages, sources):
    strategy.extended.update(average, _move, args=(source, keep))


def _move(average: tf.Variable, source: tf.Variable, keep: tf.Tensor) -> None:
  if average.dtype.is_floating:
    # A step down the distance to the source: one operation less that goes through all weights.
    tf.raw_ops.ResourceApplyGradientDescent(
      var=average.handle, alpha=tf.cast(1 - keep, average.dtype), delta=average - source
    )
  else:
    average.assign(source)
