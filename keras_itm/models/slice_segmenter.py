"""Training of a segmenter on axial slices, which segments whole volumes slice by slice."""

import tensorflow as tf

from keras_itm.models.segmenter import Segmenter


@tf.keras.utils.register_keras_serializable('keras_itm')
class SliceSegmenter(Segmenter):
  """A segmenter that learns from slices: `(image, classes)`, float32 [n, X, Y, C] and uint8 [n, X, Y].

  Called, it takes slices or volumes [n, X, Y, Z, C]. Its bundle is a segmenter like any other.
  """

  def __init__(self, network: tf.keras.Model, name: str = 'slice_segmenter'):
    """Takes over a network: slices -> softmax [n, X, Y, K], class 0 none, or one probability (K = 1).

    Raises:
      ValueError: A network of volumes.
    """
    super().__init__(network, name=name)

  def check_network(self, network: tf.keras.Model) -> None:
    if len(network.output_shape) != 4:
      raise ValueError(f'network gives {network.output_shape}, expected classes of slices [n, X, Y, K]')

  def probability(self, image: tf.Tensor, training: bool) -> tf.Tensor:
    """Of each class, [n, X, Y, K] of slices or [n, X, Y, Z, K] of volumes."""
    if image.shape.rank == 4:
      return self.network(image, training=training)
    # One slice after the other: a whole volume's activations need not fit.
    slices = tf.transpose(image, [3, 0, 1, 2, 4])
    found = tf.map_fn(
      lambda one: self.network(one, training=training),
      slices,
      fn_output_signature=tf.float32,
      parallel_iterations=1,
    )
    return tf.transpose(found, [1, 2, 3, 0, 4])
