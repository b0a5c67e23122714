"""State beside the weights, in the files that Keras saves."""

from collections.abc import Mapping, MutableMapping

import numpy as np
import tensorflow as tf


class SavesRandomState:
  """Adds the generators of random numbers that a layer or model owns to its `.keras` file.

  TensorFlow's checkpoints hold them anyway. Inherit it before the Keras class.
  """

  def extra_variables(self) -> dict[str, tf.Variable]:
    """Variables by name that Keras would leave out."""
    generators = {k: v for k, v in vars(self).items() if isinstance(v, tf.random.Generator)}
    return {name: generator.state for name, generator in generators.items()}

  def save_own_variables(self, store: MutableMapping[str, np.ndarray]) -> None:
    super().save_own_variables(store)  # type: ignore[misc]
    for name, variable in self.extra_variables().items():
      store[name] = variable.numpy()

  def load_own_variables(self, store: Mapping[str, np.ndarray]) -> None:
    extra = self.extra_variables()
    for name, variable in extra.items():
      variable.assign(store[name])
    super().load_own_variables({k: store[k] for k in store.keys() - extra.keys()})  # type: ignore[misc]
