"""What tests of several networks share."""

import math

import tensorflow as tf


def n_parameters(network: tf.keras.Model) -> int:
  """Trainable numbers of a network."""
  return sum(math.prod(weight.shape) for weight in network.trainable_weights)


def by_layer(network: tf.keras.Model) -> dict[str, int]:
  """Trainable numbers of each layer that has some."""
  counts = {
    layer.name: sum(math.prod(weight.shape) for weight in layer.trainable_weights)
    for layer in network.layers
  }
  return {name: count for name, count in counts.items() if count}
