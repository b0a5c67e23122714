"""What a graph computes, as a fingerprint that names do not enter."""

import graphlib
import hashlib
from collections.abc import Iterator

import numpy as np
import tensorflow as tf
from tensorflow.core.framework import attr_value_pb2, function_pb2, node_def_pb2

# What an operation is called and where it runs, not what it computes.
_NAMES = frozenset(['config_proto', 'container', 'debug_name', 'executor_type', 'shared_name'])

# Operations have these since TensorFlow 2.15; where they are off they say what their absence says, so
# that a graph has one fingerprint in all versions.
_SINCE_2_15 = frozenset(['bad_indices_policy', 'grad_a', 'grad_b', 'grad_x', 'grad_y'])


def function_fingerprint(function: tf.types.experimental.ConcreteFunction) -> str:
  """Fingerprints what a function computes: its operations, how they are joined, and its weights.

  Two traces or saves of one network have the same fingerprint, in this process or in another, under
  whatever names its layers, variables and functions go.

  Raises:
    ValueError: It holds something whose value cannot be read, such as a lookup table.
  """
  library = {f.signature.name: f for f in function.graph.as_graph_def().library.function}
  body = _Hasher(library).body(function.function_def)
  return _digest(body, *_captured_values(function)).hex()[:16]


def _captured_values(function: tf.types.experimental.ConcreteFunction) -> Iterator[bytes]:
  variables = {id(variable.handle): variable for variable in function.variables}
  for tensor in function.captured_inputs:
    if id(tensor) in variables:
      yield _array(variables[id(tensor)].numpy())
    elif tensor.dtype in (tf.resource, tf.variant):
      raise ValueError('it holds a resource that is no variable, expected weights and constants only')
    else:
      yield _array(tensor.numpy())


class _Hasher:
  """Digests of functions; each operation's digest covers those of all that flows into it."""

  def __init__(self, library: dict[str, function_pb2.FunctionDef]):
    self._library = library
    self._known: dict[str, bytes] = {}

  def body(self, function: function_pb2.FunctionDef) -> bytes:
    args = function.signature.input_arg
    digests = {arg.name: _digest(b'arg', i, arg.type) for i, arg in enumerate(args)}
    nodes = {node.name: node for node in function.node_def}
    sources = {
      name: {_source(ref) for ref in node.input} - digests.keys() for name, node in nodes.items()
    }
    for name in graphlib.TopologicalSorter(sources).static_order():
      digests[name] = self._node(nodes[name], digests)
    outputs = [function.ret[arg.name] for arg in function.signature.output_arg]
    # Sorted: the order in which operations are listed has no meaning.
    everything = sorted(digests[name] for name in nodes)
    return _digest(*everything, b'outputs', *(_flow(ref, digests) for ref in outputs))

  def _node(self, node: node_def_pb2.NodeDef, digests: dict[str, bytes]) -> bytes:
    data = [_flow(ref, digests) for ref in node.input if not ref.startswith('^')]
    control = sorted(digests[_source(ref)] for ref in node.input if ref.startswith('^'))
    op = self._called(node.op) if node.op in self._library else node.op
    attributes = [
      part
      for name in sorted(node.attr)
      if not name.startswith('_')
      and name not in _NAMES
      and not _is_young_and_off(name, node.attr[name])
      for part in (name, self._attribute(node.attr[name]))
    ]
    return _digest(op, *data, b'after', *control, b'with', *attributes)

  def _attribute(self, value: attr_value_pb2.AttrValue) -> bytes:
    if value.HasField('tensor'):
      return _array(tf.make_ndarray(value.tensor))
    callees = [value.func] if value.HasField('func') else value.list.func
    if callees:
      return _digest(*(self._called(callee.name) for callee in callees))
    return value.SerializeToString(deterministic=True)

  def _called(self, name: str) -> bytes:
    if name not in self._known:
      self._known[name] = self.body(self._library[name])
    return self._known[name]


def _is_young_and_off(name: str, value: attr_value_pb2.AttrValue) -> bool:
  return name in _SINCE_2_15 and not value.b and not value.s


def _source(ref: str) -> str:
  return ref.lstrip('^').split(':')[0]


def _flow(ref: str, digests: dict[str, bytes]) -> bytes:
  source, _, output = ref.partition(':')
  return _digest(digests[source], output)


def _array(value: np.ndarray) -> bytes:
  value = np.asarray(value)
  # Texts are objects in NumPy, whose bytes are addresses.
  content = repr(value.tolist()).encode() if value.dtype == object else value.tobytes()
  return _digest(str(value.dtype), str(value.shape), content)


def _digest(*parts: bytes | str | int) -> bytes:
  digest = hashlib.sha256()
  for part in parts:
    part = part if isinstance(part, bytes) else str(part).encode()
    # With its length: ('ab', 'c') and ('a', 'bc') differ.
    digest.update(len(part).to_bytes(8, 'little') + part)
  return digest.digest()
