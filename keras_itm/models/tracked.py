"""A model whose steps report means of per-example values."""

import tensorflow as tf


class TrackedModel(tf.keras.Model):
  """Keeps a running mean for each name and returns them all as an epoch's logs."""

  def __init__(self, names: tuple[str, ...], name: str):
    super().__init__(name=name)
    self._trackers = {name: tf.keras.metrics.Mean(name=name) for name in names}

  @property
  def metrics(self) -> list[tf.keras.metrics.Metric]:
    return list(self._trackers.values())

  def track(self, values: dict[str, tf.Tensor]) -> None:
    """Adds per-example values [n] by name."""
    for name, value in values.items():
      self._trackers[name].update_state(value)

  def results(self) -> dict[str, tf.Tensor]:
    return {name: tracker.result() for name, tracker in self._trackers.items()}
