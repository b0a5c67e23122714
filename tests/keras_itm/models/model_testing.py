"""What tests of several models share: small batches, and what moved."""

from collections.abc import Callable, Iterable

import numpy as np
import tensorflow as tf

from keras_itm.layers.spectral_convolution import SpectralConv2D

N_LABELS = 3


def pairs(n: int = 4, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
  """Label slices uint8 [n, 8, 8] and images float32 [n, 8, 8, 1], brighter by label."""
  rng = np.random.default_rng(seed)
  labels = rng.integers(0, N_LABELS, (n, 8, 8), np.uint8)
  image = (labels - 1.0)[..., None] * 0.7 + rng.normal(0, 0.05, (n, 8, 8, 1))
  return labels, image.astype(np.float32)


def batches(n: int, size: int = 4, seed: int = 0) -> tf.data.Dataset:
  """Batches of `size` of n pairs."""
  return tf.data.Dataset.from_tensor_slices(pairs(n, seed)).batch(size, drop_remainder=True)


def adam(rate: float = 1e-3) -> Callable[[], tf.keras.optimizers.Optimizer]:
  return lambda: tf.keras.optimizers.Adam(rate, beta_1=0.5)


def sgd(rate: float) -> Callable[[], tf.keras.optimizers.Optimizer]:
  return lambda: tf.keras.optimizers.SGD(rate)


def train(model: tf.keras.Model, seed: int) -> dict[str, float]:
  """Two steps, eagerly: quicker than to compile them."""
  for batch in batches(8, seed=seed):
    results = model.train_step(batch)
  return {name: float(value) for name, value in results.items()}


def values(variables: Iterable[tf.Variable]) -> list[np.ndarray]:
  return [v.numpy() for v in variables]


def moved(before: list[np.ndarray], variables: Iterable[tf.Variable]) -> list[bool]:
  """For each variable, whether it is no longer what it was."""
  return [bool(np.any(a != b.numpy())) for a, b in zip(before, variables, strict=True)]


def two_replicas() -> tf.distribute.Strategy:
  """Two logical CPUs that train together."""
  strategy = tf.distribute.MirroredStrategy(
    [device.name for device in tf.config.list_logical_devices('CPU')[:2]],
    tf.distribute.ReductionToOneDevice(),
  )
  assert strategy.num_replicas_in_sync == 2
  return strategy


def split_cpu() -> None:
  """Makes the two logical CPUs; before TensorFlow is used, where a test file runs on its own."""
  cpu = tf.config.list_physical_devices('CPU')[0]
  tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)


def settle_spectral_norms(network: tf.keras.Model) -> None:
  """Lets the power iterations converge: more calls then change no singular value."""
  for layer in network.layers:
    if isinstance(layer, SpectralConv2D):
      matrix = layer.kernel.numpy().reshape(-1, layer.filters)
      layer.u.assign(np.linalg.svd(matrix)[2][0])
