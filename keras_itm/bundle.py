"""What training hands to synthesis: a folder with a SavedModel and the facts to use it safely.

A bundle is read through its SavedModel signature and never through a class, so that a user's own
generator serves as well. Reading refuses graphs that touch files, the network or Python.
"""

import dataclasses
import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

TRANSLATOR = 'translator'
LESION_GENERATOR = 'lesion_generator'
SEGMENTER = 'segmenter'
_INPUTS = {
  TRANSLATOR: {'segmentation', 'latent'},
  LESION_GENERATOR: {'latent'},
  SEGMENTER: {'image'},
}
_OUTPUT = {TRANSLATOR: 'image', LESION_GENERATOR: 'probability', SEGMENTER: 'probability'}
_MAX_GRAPH_BYTES = 2**30
# Operations that a generator has no use for and that could read, write or run what is not its own.
# Save and Restore stay: every SavedModel reads its own weights by them.
_FORBIDDEN_OPS = frozenset(
  [
    'ReadFile',
    'WriteFile',
    'MatchingFiles',
    'WholeFileReaderV2',
    'TextLineReaderV2',
    'ImmutableConst',
    'PyFunc',
    'PyFuncStateless',
    'EagerPyFunc',
    'RpcCall',
    'LookupTableImportV2',
    'DebugIdentityV2',
  ]
)


class BundleError(ValueError):
  """A bundle that is missing, broken or does not fit; the message names the folder and the reason."""


@dataclasses.dataclass(frozen=True)
class BundleSpec:
  """The facts of a bundle, stored as `bundle.json`.

  Attributes:
    kind: `translator`, `lesion_generator` or `segmenter`.
    grid: JSON fields of the grid that the network was trained on.
    label_scheme: JSON fields of the label scheme (`name`, `names`, `lesion_id`, `parenchyma_ids`).
    latent_size: Length of the latent vector, 0 for a deterministic network.
    intensity_range: Least and greatest value of images, at the network's side.
    training_set: Fingerprint of the data that it was trained on.
    weights: Fingerprint of weights and graph, see `fingerprint`; filled in on saving.
  """

  kind: str
  grid: dict[str, Any]
  label_scheme: dict[str, Any]
  latent_size: int
  intensity_range: tuple[float, float]
  training_set: str
  weights: str = ''


@dataclasses.dataclass(frozen=True)
class Bundle:
  """A loaded bundle.

  Attributes:
    path: The folder.
    spec: Its facts.
    call: The signature: tensors by name in, one tensor out. See DESIGN of the signatures in
      `save_bundle`.
    fingerprint: Short name of exactly these weights, this graph and these facts.
  """

  path: Path
  spec: BundleSpec
  call: Callable[..., tf.Tensor]
  fingerprint: str


def save_bundle(
  path: str | os.PathLike[str],
  spec: BundleSpec,
  call: Callable[..., tf.Tensor],
  network: tf.keras.Model,
  operative_config: str,
) -> str:
  """Writes a bundle in one move: a reader sees all of it or nothing.

  The signatures, in batches of any size n:
    translator: (segmentation uint8 [n, X, Y], latent float32 [n, L]) -> image float32 [n, X, Y, C].
    lesion generator: (latent float32 [n, L]) -> probability float32 [n, X, Y, Z].
    segmenter: (image float32 [n, X, Y, Z, C]) -> probability float32 [n, X, Y, Z].

  Args:
    path: The folder; must not exist.
    spec: Facts, `weights` left empty.
    call: The function to serve, its arguments named as above; may close over `network`.
    network: What holds the weights.
    operative_config: The gin values that it was made with.

  Returns:
    The bundle's fingerprint.
  """
  path = Path(path)
  partial = path.with_name(f'{path.name}.partial-{os.getpid()}')
  module = tf.Module()
  module.network = network
  module.serve = tf.function(
    lambda **inputs: {_OUTPUT[spec.kind]: call(**inputs)}, input_signature=None
  ).get_concrete_function(**_input_specs(spec))
  tf.saved_model.save(module, str(partial), signatures=module.serve)
  spec = dataclasses.replace(spec, weights=fingerprint(partial))
  (partial / 'operative_config.gin').write_text(operative_config)
  (partial / 'bundle.json').write_text(json.dumps(dataclasses.asdict(spec), indent=2) + '\n')
  os.replace(partial, path)
  return _spec_fingerprint(spec)


def _input_specs(spec: BundleSpec) -> dict[str, tf.TensorSpec]:
  x, y, z = spec.grid['shape']
  specs = {
    'segmentation': tf.TensorSpec([None, x, y], tf.uint8),
    'latent': tf.TensorSpec([None, spec.latent_size], tf.float32),
    'image': tf.TensorSpec([None, x, y, z, 1], tf.float32),
  }
  return {
    name: tf.TensorSpec(specs[name].shape, specs[name].dtype, name)
    for name in sorted(_INPUTS[spec.kind])
  }


def load_bundle(path: str | os.PathLike[str], kind: str) -> Bundle:
  """Opens a bundle and checks that it is whole, safe and of the kind expected.

  Raises:
    BundleError: No bundle there, another kind, altered or unsafe files, a signature that differs.
  """
  path = Path(path)
  spec = read_spec(path, kind)
  graph = _read_graph(path)
  forbidden = sorted({node.op for node in _nodes(graph)} & _FORBIDDEN_OPS)
  if forbidden:
    raise BundleError(f'{path}: its graph holds {forbidden}, which no generator needs; refused')
  found = fingerprint(path)
  if found != spec.weights:
    raise BundleError(
      f'{path}: weights have the fingerprint {found}, bundle.json says {spec.weights}: '
      'the folder was altered, expected it as training left it'
    )
  signature = tf.saved_model.load(str(path)).signatures.get('serving_default')
  inputs = set(signature.structured_input_signature[1]) if signature else None
  if inputs != _INPUTS[kind]:
    raise BundleError(
      f'{path}: its signature takes {sorted(inputs or [])}, expected {sorted(_INPUTS[kind])}'
    )
  return Bundle(path, spec, lambda **x: signature(**x)[_OUTPUT[kind]], _spec_fingerprint(spec))


def read_spec(path: str | os.PathLike[str], kind: str) -> BundleSpec:
  """Reads `bundle.json` alone.

  Raises:
    BundleError: It is missing, not of this form, or of another kind.
  """
  file = Path(path) / 'bundle.json'
  if not file.is_file():
    raise BundleError(f'{path}: no bundle there, expected a folder with bundle.json')
  try:
    fields = json.loads(file.read_text())
    spec = BundleSpec(**fields)
  except (ValueError, TypeError) as error:
    raise BundleError(f'{file}: not the facts of a bundle ({error})') from error
  if spec.kind != kind:
    raise BundleError(f'{path}: a bundle of kind {spec.kind!r}, expected {kind!r}')
  return spec


def bundle_fingerprint(path: str | os.PathLike[str], kind: str) -> str:
  """The fingerprint of a bundle without loading its graph."""
  return _spec_fingerprint(read_spec(path, kind))


def fingerprint(path: str | os.PathLike[str]) -> str:
  """Fingerprints the values of all weights and the operations of the graph.

  File hashes would differ between two saves of the same network; names of functions, too.
  """
  path = Path(path)
  digest = hashlib.sha256()
  try:
    reader = tf.train.load_checkpoint(str(path / 'variables' / 'variables'))
  except (tf.errors.OpError, ValueError) as error:
    raise BundleError(f'{path}: weights cannot be read: {error}') from error
  for name in sorted(reader.get_variable_to_shape_map()):
    if name != '_CHECKPOINTABLE_OBJECT_GRAPH':
      value = reader.get_tensor(name)
      digest.update(f'{name} {value.dtype} {value.shape}'.encode())
      digest.update(value.tobytes())
  for operation in sorted(_describe(node) for node in _nodes(_read_graph(path))):
    digest.update(operation)
  return digest.hexdigest()[:16]


def _describe(node) -> bytes:
  """An operation and, for a constant, its value."""
  value = node.attr['value'].SerializeToString(deterministic=True) if node.op == 'Const' else b''
  # Functions are numbered anew on each save; what they hold is listed on its own.
  op = node.op if not node.op.startswith('__inference') else 'call'
  return op.encode() + value


def _read_graph(path: Path) -> saved_model_pb2.SavedModel:
  file = path / 'saved_model.pb'
  if not file.is_file() or file.stat().st_size > _MAX_GRAPH_BYTES:
    raise BundleError(f'{file}: expected a SavedModel of at most {_MAX_GRAPH_BYTES} bytes')
  graph = saved_model_pb2.SavedModel()
  try:
    graph.ParseFromString(file.read_bytes())
  except Exception as error:  # protobuf's DecodeError moved between its releases.
    raise BundleError(f'{file}: not a SavedModel ({error})') from error
  return graph


def _nodes(graph: saved_model_pb2.SavedModel):
  for meta_graph in graph.meta_graphs:
    yield from meta_graph.graph_def.node
    for function in meta_graph.graph_def.library.function:
      yield from function.node_def


def _spec_fingerprint(spec: BundleSpec) -> str:
  text = json.dumps(dataclasses.asdict(spec), sort_keys=True)
  return hashlib.sha256(text.encode()).hexdigest()[:12]
