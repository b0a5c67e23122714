"""What a graph computes, as a fingerprint that names do not enter, and what it could touch."""

import graphlib
import hashlib
import re
from collections.abc import Iterable, Iterator

import numpy as np
import tensorflow as tf
from tensorflow.core.framework import attr_value_pb2, function_pb2, node_def_pb2
from tensorflow.core.protobuf import saved_model_pb2

# Operations by which a graph reads, writes, sends or runs what is not its own; by families, because
# TensorFlow has many of each.
_OUTSIDE = re.compile(
  r'ReadFile|WriteFile|MatchingFiles|.*Reader(V2)?|Reader.*|ImmutableConst|.*PyFunc.*|.*Rpc.*|'
  r'.*LookupTableImport.*|.*LookupTableExport.*|InitializeTableFromTextFile.*|.*Dataset.*|.*Iterator.*|'
  r'Debug.*|PrintV2|Write.*Summary|.*SummaryWriter|.*SummaryFileWriter|SummaryWriter|_?Send|_?Recv|'
  r'_Host(Send|Recv)|Remote.*|Collective.*|GenerateVocabRemapping|LoadAndRemapMatrix|'
  r'FixedUnigramCandidateSampler|Gcs.*'
)
# A SavedModel saves and restores its weights by these; nothing else in it has a use for them.
_CHECKPOINT = re.compile(r'(Save|Restore)(V2|Slices|Slice)?|MergeV2Checkpoints')
# What an operation is called and where it runs, not what it computes.
_NAMES = frozenset(['config_proto', 'container', 'debug_name', 'executor_type', 'shared_name'])

# Operations have these since TensorFlow 2.15; where they are off they say what their absence says, so
# that a graph has one fingerprint in all versions.
_SINCE_2_15 = frozenset(['bad_indices_policy', 'grad_a', 'grad_b', 'grad_x', 'grad_y'])


def outside_operations(saved_model: saved_model_pb2.SavedModel) -> list[str]:
  """Names of the operations by which a SavedModel could touch files, the network or Python.

  Those that save and restore weights count where a function that can be called reaches them.
  """
  found = set()
  for meta_graph in saved_model.meta_graphs:
    functions = {f.signature.name: f for f in meta_graph.graph_def.library.function}
    bodies = [meta_graph.graph_def.node, *(f.node_def for f in functions.values())]
    found |= {node.op for body in bodies for node in body if _OUTSIDE.fullmatch(node.op)}
    callable_ = _reached(functions, meta_graph.object_graph_def.concrete_functions)
    ops = {node.op for name in callable_ for node in functions[name].node_def}
    found |= {op for op in ops if _CHECKPOINT.fullmatch(op)}
  return sorted(found)


def _reached(functions: dict[str, function_pb2.FunctionDef], names: Iterable[str]) -> set[str]:
  reached, ahead = set(), [name for name in names if name in functions]
  while ahead:
    name = ahead.pop()
    if name not in reached:
      reached.add(name)
      ahead += [callee for node in functions[name].node_def for callee in _callees(node, functions)]
  return reached


def _callees(node: node_def_pb2.NodeDef, functions: dict) -> Iterator[str]:
  named = [f.name for value in node.attr.values() for f in [value.func, *value.list.func]]
  yield from (name for name in [node.op, *named] if name in functions)


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
