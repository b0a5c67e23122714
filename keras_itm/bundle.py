"""What training hands to synthesis: a folder with a SavedModel and the facts to use it safely.

A bundle is read through its SavedModel signature and never through a class, so that a user's own
generator serves as well. A graph that could do more than compute is refused before it is loaded.
"""

import dataclasses
import json
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError

from keras_itm import graph_checks, packaged_bundles, saved_graph
from keras_itm.bundle_spec import (
  JOINT_GENERATOR,
  KINDS,
  LESION_GENERATOR,
  SEGMENTER,
  TRANSLATOR,
  BundleSpec,
)

_INPUTS = {
  TRANSLATOR: {'segmentation', 'latent'},
  LESION_GENERATOR: {'latent'},
  SEGMENTER: {'image'},
  JOINT_GENERATOR: {'latent', 'condition', 'truncation'},
}
_OUTPUTS = {
  TRANSLATOR: ('image',),
  LESION_GENERATOR: ('probability',),
  SEGMENTER: ('probability',),
  JOINT_GENERATOR: ('image', 'probability'),
}
_MAX_FACTS_BYTES = 2**20
# TensorFlow has no common class of errors for broken files.
_LOAD_ERRORS = (
  tf.errors.OpError,
  OSError,
  ValueError,
  TypeError,
  AttributeError,
  AssertionError,
  RuntimeError,
  LookupError,
  MemoryError,
  DecodeError,
)


class BundleError(ValueError):
  """A bundle that is missing, broken or does not fit; the message names the folder and the reason."""


@dataclasses.dataclass(frozen=True)
class Bundle:
  """A loaded bundle.

  Attributes:
    path: The folder.
    spec: Its facts.
    call: The signature: tensors by name in, one tensor out, or several by name where it makes more.
      See the signatures in `save_bundle`. Arrays of NumPy are converted.
      ValueError for one of another name, type or shape.
    fingerprint: Short name of exactly these weights, this graph and these facts.
    n_contrasts: Channels of the image that it takes or makes; None where there is no image, or any
      number.
  """

  path: Path
  spec: BundleSpec
  call: Callable[..., Any]
  fingerprint: str
  n_contrasts: int | None = None


def save_bundle(
  path: str | os.PathLike[str],
  spec: BundleSpec,
  call: Callable[..., Any],
  network: tf.keras.Model,
  operative_config: str,
) -> str:
  """Writes a bundle in one move: a reader sees all of it or nothing.

  The signatures, in batches of any size n:
    translator: (segmentation uint8 [n, X, Y], latent float32 [n, L]) -> image float32 [n, X, Y, C];
      of whole volumes: uint8 [n, X, Y, Z] -> float32 [n, X, Y, Z, C]. Its segmentation holds labels,
      or ids of `classes` where there are any. With appearances, also (appearance float32 [n, k]),
      their normal scores.
    lesion generator: (latent float32 [n, L]) -> probability float32 [n, X, Y, Z].
    segmenter: (image float32 [n, X, Y, Z, C]) -> probability float32 [n, X, Y, Z] of a lesion, or with
      classes [n, X, Y, Z, K] of each.
    joint generator: (latent float32 [n, L], condition float32 [n, k], truncation float32 [n]) ->
      image float32 [n, X, Y, C] and probability float32 [n, X, Y, K], C or K possibly 0. `call` gives
      a dictionary of both.

  Args:
    path: The folder, new or with the same bundle in it.
    spec: Facts, `weights` left empty.
    call: The function to serve, its arguments named as above; may close over `network`.
    network: What holds the weights.
    operative_config: The gin values that it was made with.

  Returns:
    The bundle's fingerprint.

  Raises:
    BundleError: The folder holds something else.
  """
  path = Path(path)
  present = read_spec(path, spec.kind).fingerprint if path.exists() else None
  n_contrasts = network.input_shape[-1] if spec.kind == SEGMENTER else None
  module = tf.Module()
  module.serve = tf.function(
    lambda **inputs: _by_name(spec.kind, call(**inputs))
  ).get_concrete_function(**_input_specs(spec, n_contrasts))
  # The weights alone: Keras would add the network's class and its training to the graph.
  module.weights = list(module.serve.variables)
  partial = path.with_name(f'{path.name}.partial-{os.getpid()}')
  try:
    tf.saved_model.save(module, str(partial), signatures=module.serve)
    spec = dataclasses.replace(spec, weights=fingerprint(partial))
    (partial / 'operative_config.gin').write_text(operative_config)
    (partial / 'bundle.json').write_text(json.dumps(dataclasses.asdict(spec), indent=2) + '\n')
    made = spec.fingerprint
    if present is None:
      os.replace(partial, path)
    elif present != made:
      raise BundleError(f'{path}: holds the bundle {present}, expected a new folder for {made}')
  finally:
    shutil.rmtree(partial, ignore_errors=True)
  return made


def _by_name(kind: str, made: Any) -> dict[str, tf.Tensor]:
  """What a call makes, as the outputs of a signature."""
  names = _OUTPUTS[kind]
  return {name: made[name] for name in names} if len(names) > 1 else {names[0]: made}


def _input_specs(spec: BundleSpec, n_contrasts: int | None = None) -> dict[str, tf.TensorSpec]:
  x, y, z = spec.grid['shape']
  specs = {
    'segmentation': ([None, x, y, z] if spec.whole_volumes else [None, x, y], tf.uint8),
    'latent': ([None, spec.latent_size], tf.float32),
    'image': ([None, x, y, z, n_contrasts], tf.float32),
    'condition': ([None, len(spec.conditions)], tf.float32),
    'truncation': ([None], tf.float32),
  }
  names = set(_INPUTS[spec.kind])
  if spec.appearances:
    specs['appearance'] = ([None, len(spec.appearances.names)], tf.float32)
    names.add('appearance')
  return {name: tf.TensorSpec(*specs[name], name) for name in sorted(names)}


def load_bundle(path: str | os.PathLike[str], kind: str | None = None) -> Bundle:
  """Opens a bundle and checks that it is whole, safe and of the kind expected.

      translator = keras_itm.load_bundle('phantom-mini/translator')

  Args:
    path: Its folder, or one of `packaged_bundles.NAMES`: those come with keras-itm-bundles.
    kind: The kind expected; any when None.

  Raises:
    BundleError: No bundle there, another kind, altered or unsafe files, a signature that differs.
  """
  path = _folder(path)
  spec = read_spec(path, kind)
  signature = _load_signature(path)
  _check_signature(signature, spec, path)
  found = _fingerprint(signature, path)
  if found != spec.weights:
    raise BundleError(
      f'{path}: weights have the fingerprint {found}, bundle.json says {spec.weights!r}: '
      'the folder was altered, expected it as training left it'
    )
  return Bundle(
    path,
    spec,
    lambda **inputs: _made(spec.kind, signature(**_checked(inputs, signature, path))),
    spec.fingerprint,
    _n_contrasts(signature, spec.kind),
  )


def check_takes_labels(translator: Bundle) -> None:
  """Refuses a translator of few classes where label maps are translated.

  Raises:
    BundleError: It is one.
  """
  if translator.spec.classes:
    raise BundleError(
      f'{translator.path}: takes the classes {list(translator.spec.classes)}, expected a translator of '
      f'the labels {translator.spec.label_scheme["name"]}'
    )


def _checked(inputs: Mapping[str, Any], signature: Any, path: Path) -> dict[str, tf.Tensor]:
  """What is given to a bundle, as tensors; TensorFlow's own words for a wrong one are many."""
  takes = signature.structured_input_signature[1]
  if inputs.keys() != takes.keys():
    raise ValueError(f'{path}: takes {sorted(takes)} by name, was given {sorted(inputs)}')
  given = {name: _as_tensor(value, takes[name].dtype) for name, value in inputs.items()}
  for name, tensor in given.items():
    if tensor.dtype != takes[name].dtype or not tensor.shape.is_compatible_with(takes[name].shape):
      raise ValueError(
        f'{path}: {name} is {tensor.dtype.name} {tensor.shape}, '
        f'expected {takes[name].dtype.name} {takes[name].shape}'
      )
  return given


def _as_tensor(value: Any, dtype: tf.DType) -> tf.Tensor:
  """Numbers of NumPy or Python in the type asked for, where it holds them; a tensor has its own."""
  if tf.is_tensor(value):
    return value
  array = np.asarray(value)
  if dtype.is_integer and not np.array_equal(array, array.astype(dtype.as_numpy_dtype)):
    return tf.convert_to_tensor(array)
  return tf.convert_to_tensor(array.astype(dtype.as_numpy_dtype))


def _made(kind: str, outputs: dict[str, tf.Tensor]) -> Any:
  """The other way round: the one tensor of a kind that makes one, else all by name."""
  names = _OUTPUTS[kind]
  return dict(outputs) if len(names) > 1 else outputs[names[0]]


def _n_contrasts(signature: Any, kind: str) -> int | None:
  makes = 'image' in _OUTPUTS[kind]
  tensors = signature.structured_outputs if makes else signature.structured_input_signature[1]
  image = tensors.get('image')
  return None if image is None else image.shape[-1]


def _check_signature(signature: Any, spec: BundleSpec, path: Path) -> None:
  inputs, outputs = signature.structured_input_signature[1], signature.structured_outputs
  expected = _input_specs(spec)
  if inputs.keys() != expected.keys() or set(outputs) != set(_OUTPUTS[spec.kind]):
    raise BundleError(
      f'{path}: its signature maps {sorted(inputs)} to {sorted(outputs)}, '
      f'expected {sorted(expected)} to {list(_OUTPUTS[spec.kind])}'
    )
  for name, taken in inputs.items():
    wanted = expected[name]
    if taken.dtype != wanted.dtype or not taken.shape.is_compatible_with(wanted.shape):
      raise BundleError(
        f'{path}: its signature takes {name} as {taken.dtype.name} {taken.shape}, '
        f'expected {wanted.dtype.name} {wanted.shape} by its bundle.json'
      )
  if spec.kind == JOINT_GENERATOR or (spec.kind == SEGMENTER and spec.classes):
    made = outputs['probability'].shape
    if made[-1] != len(spec.classes):
      raise BundleError(
        f'{path}: its signature makes {made[-1]} probabilities, expected {len(spec.classes)}, one for '
        f'each of {list(spec.classes)} in its bundle.json'
      )
  n_contrasts = _n_contrasts(signature, spec.kind)
  if spec.contrasts and n_contrasts != len(spec.contrasts):
    verb = 'takes' if spec.kind == SEGMENTER else 'makes'
    raise BundleError(
      f'{path}: its signature {verb} {n_contrasts} contrasts, expected {list(spec.contrasts)} by its '
      'bundle.json'
    )


def read_spec(path: str | os.PathLike[str], kind: str | None = None) -> BundleSpec:
  """Reads `bundle.json` alone; path and kind as for `load_bundle`.

  Raises:
    BundleError: It is missing, not of this form, or of another kind.
  """
  if kind not in (None, *KINDS):
    raise BundleError(f'kind is {kind!r}, expected one of {", ".join(KINDS)}')
  file = _folder(path) / 'bundle.json'
  try:
    size = file.stat().st_size if file.is_file() else None
  except OSError:  # A name that no file system takes, for one.
    size = None
  if size is None:
    raise BundleError(
      f'{path}: no bundle there, expected a folder with bundle.json, or one of the names '
      f'{", ".join(packaged_bundles.NAMES)}'
    )
  if size > _MAX_FACTS_BYTES:
    raise BundleError(f'{file}: {size} bytes, expected at most {_MAX_FACTS_BYTES}')
  try:
    spec = BundleSpec(**json.loads(file.read_text()))
  except (ValueError, TypeError, KeyError, RecursionError) as error:
    raise BundleError(f'{file}: not the facts of a bundle ({_first_line(error)})') from error
  if kind not in (None, spec.kind):
    raise BundleError(f'{path}: a bundle of kind {spec.kind!r}, expected {kind!r}')
  return spec


def _folder(path: str | os.PathLike[str]) -> Path:
  try:
    return packaged_bundles.folder_of(path)
  except ValueError as error:
    raise BundleError(str(error)) from error


def fingerprint(path: str | os.PathLike[str]) -> str:
  """Fingerprints what the SavedModel in a folder computes, weights included.

  File hashes would differ between two saves of the same network, as do the names in its graph.

  Raises:
    BundleError: It cannot be read, or its graph is unsafe.
  """
  return _fingerprint(_load_signature(Path(path)), path)


def _fingerprint(signature: Callable[..., Any], path: str | os.PathLike[str]) -> str:
  try:
    return saved_graph.function_fingerprint(signature)
  except ValueError as error:
    raise BundleError(f'{path}: its graph cannot be fingerprinted: {_first_line(error)}') from error


def _load_signature(path: Path) -> Callable[..., Any]:
  """The function to call, after a look at all that the files hold."""
  try:
    graph_checks.check_saved_model(path)
  except ValueError as error:
    raise BundleError(f'{path}: {_first_line(error)}') from error
  try:
    loaded = tf.saved_model.load(str(path))
  except _LOAD_ERRORS as error:
    raise BundleError(f'{path}: cannot be loaded: {_first_line(error)}') from error
  signature = getattr(loaded, 'signatures', {}).get('serving_default')
  if signature is None:
    raise BundleError(f'{path}: has no signature serving_default, expected one')
  # Its weights live as long as what they were loaded with.
  signature.loaded = loaded
  return signature


def _first_line(error: Exception) -> str:
  return (str(error) or type(error).__name__).splitlines()[0]
