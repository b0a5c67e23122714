"""From a trained model to the bundle that synthesis uses."""

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import tensorflow as tf

from keras_itm.appearance import Appearances
from keras_itm.bundle import save_bundle
from keras_itm.bundle_spec import TRANSLATOR, BundleSpec
from keras_itm.intensity_scaling import PERCENTILE


class _HasJson(Protocol):
  def to_json(self) -> dict[str, Any]: ...


class ExportsBundle:
  """A model that calls a network by name of what its bundle takes; inherit it before the model.

  Attributes:
    bundle_kind: `translator`, `lesion_generator`, `segmenter` or `joint_generator`.
    intensity_range: Least and greatest value of images, at the network's side.
    latent_size: Length of the latent vector, 0 for none.
    n_appearances: How many numbers steer it beside labels, see `keras_itm.appearance`.
  """

  bundle_kind: str
  intensity_range: tuple[float, float]
  latent_size: int = 0
  n_appearances: int = 0

  @property
  def exported_network(self) -> tf.keras.Model:
    """What holds the weights."""
    raise NotImplementedError

  @property
  def exported_size(self) -> tuple[int, ...]:
    """Voxels of what the network makes: (X, Y) of slices or (X, Y, Z) of volumes."""
    return self.exported_network.output_shape[1:-1]

  def exported_call(self, classes: Sequence[str]) -> Callable[..., Any]:
    """What a bundle with these classes serves."""
    del classes
    return self  # type: ignore[return-value]

  def export(
    self,
    path: str | os.PathLike[str],
    *,
    grid: Mapping[str, Any] | _HasJson,
    label_scheme: Mapping[str, Any] | _HasJson,
    trained_on: Sequence[str] = (),
    licences: Sequence[str] = (),
    training_set: str = '',
    operative_config: str = '',
    intensity_scaling: str = PERCENTILE,
    classes: Sequence[str] = (),
    conditions: Sequence[str] = (),
    contrasts: Sequence[str] = (),
    slice_shares: Sequence[float] = (),
    lesion_shares: Sequence[float] = (),
    appearances: Appearances | None = None,
  ) -> str:
    """Writes a bundle: the inference graph, its weights and the facts to use it safely.

    Args:
      path: A new folder, or one that holds the same bundle.
      grid: Of the training data, as `info.metadata['grid']` of a data set has it, or a `Grid`.
      label_scheme: The same for the labels: `name`, `names`, `lesion_id` and `parenchyma_ids`.
      trained_on: Data sets by name, `name/config:split`, so that test cases can be kept apart.
      licences: Of that data, such as `CC BY-SA 4.0`.
      training_set: Fingerprint of that data.
      operative_config: The gin values that the model was made with, where there are any.
      intensity_scaling: Of the images of that data, `info.metadata['intensity_scaling']`; lesion
        generators do without.
      classes: Names of the classes that a joint generator or a segmenter makes, or that a translator
        takes in the place of labels, background first.
      conditions: Names of the numbers that it takes as conditions.
      contrasts: Names of the contrasts that it makes or, a segmenter, takes.
      slice_shares: For each axial slice, the share of its patients with brain there.
      lesion_shares: Likewise, the share of these slices with a lesion.
      appearances: What a translator takes beside the labels, as its training cases had it.

    Returns:
      The bundle's fingerprint.

    Raises:
      BundleError: The folder holds something else.
      ValueError: A grid that is not the network's, an unknown scaling, or appearances of other numbers
        than it takes.
    """
    facts = [_json(value) for value in (grid, label_scheme)]
    spec = BundleSpec(
      kind=self.bundle_kind,
      grid=facts[0],
      label_scheme=facts[1],
      latent_size=self.latent_size,
      intensity_range=self.intensity_range,
      training_set=training_set,
      trained_on=tuple(trained_on),
      licences=tuple(licences),
      whole_volumes=self.bundle_kind == TRANSLATOR and len(self.exported_size) == 3,
      intensity_scaling=intensity_scaling,
      classes=tuple(classes),
      conditions=tuple(conditions),
      contrasts=tuple(contrasts),
      slice_shares=tuple(slice_shares),
      lesion_shares=tuple(lesion_shares),
      appearances=appearances,
    )
    size = tuple(spec.grid['shape'])[: len(self.exported_size)]
    if size != self.exported_size:
      raise ValueError(
        f'grid {spec.grid.get("name")} has {size} voxels, expected {self.exported_size}, '
        f'those of the network {self.exported_network.name}'
      )
    n_told, n_appearances = len(appearances.names) if appearances else 0, self.n_appearances
    if n_told != n_appearances:
      raise ValueError(
        f'appearances of {n_told} numbers, expected those of the {n_appearances} that the network takes'
      )
    serve = self.exported_call(spec.classes)
    call = lambda **inputs: serve(**inputs)
    return save_bundle(path, spec, call, self.exported_network, operative_config)


class ExportsTranslator(ExportsBundle):
  """For models with the moving average of a generator of images in [-1, 1].

  Attributes:
    n_labels: Labels of the maps, lesion included.
    learns_appearance: Whether it can learn with numbers beside the labels, see `keras_itm.appearance`.
  """

  bundle_kind = TRANSLATOR
  intensity_range = (-1.0, 1.0)
  learns_appearance = False
  n_labels: int

  def condition(self, segmentation: tf.Tensor, appearance: tf.Tensor | None = None) -> tf.Tensor:
    """What steers the networks: labels one-hot and, behind them, each number of a case everywhere.

    Args:
      segmentation: uint8 [n, X, Y] or [n, X, Y, Z].
      appearance: Normal scores, [n, k]; 0, those of the median case, when None.
    """
    labels = tf.one_hot(segmentation, self.n_labels)
    if not self.n_appearances:
      return labels
    if appearance is None:
      appearance = tf.zeros([tf.shape(segmentation)[0], self.n_appearances])
    shape = [-1, *(1 for _ in segmentation.shape[1:]), self.n_appearances]
    everywhere = tf.ones_like(labels[..., :1]) * tf.reshape(appearance, shape)
    return tf.concat([labels, everywhere], axis=-1)

  @property
  def exported_network(self) -> tf.keras.Model:
    return self.average.network  # type: ignore[attr-defined]


def _json(value: Mapping[str, Any] | _HasJson) -> dict[str, Any]:
  return dict(value) if isinstance(value, Mapping) else value.to_json()
