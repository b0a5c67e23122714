"""Reads a SavedModel's files as bytes and refuses whatever a network has no use for.

TensorFlow runs parts of some SavedModels while it loads them, and any operation of the others when it
is called. So nothing is loaded before this has looked at sizes, form and operations.
"""

import math
from collections.abc import Iterable, Iterator
from pathlib import Path

import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow.core.framework import (
  function_pb2,
  graph_pb2,
  node_def_pb2,
  tensor_pb2,
  tensor_shape_pb2,
)
from tensorflow.core.protobuf import meta_graph_pb2, saved_model_pb2, saved_object_graph_pb2

from keras_itm.graph_operations import CHECKPOINT, COMPUTE, OUTER

_GRAPH_FILE = 'saved_model.pb'
_WEIGHTS = 'variables.data-'
# TensorFlow would read these in place of the graph that was looked at, or beside it.
_OTHER_GRAPHS = frozenset(['saved_model.pbtxt', 'saved_model.cpb', 'debug'])
_MAX_GRAPH_BYTES = 2**28
_MAX_WEIGHTS_BYTES = 2**34
_MAX_OTHER_BYTES = 2**26
_MAX_FILES = 1000
_MAX_CONSTANT_BYTES = 2**28
# Counted as often as they are reached: a few functions that call one another can stand for very many.
_MAX_NODES = 2**20
_MAX_DEPTH = 64
_INIT = '__saved_model_init_op'
_INIT_COLLECTION = 'saved_model_main_op'
_OBJECTS = frozenset(
  ['bare_concrete_function', 'captured_tensor', 'constant', 'function', 'user_object', 'variable']
)
_REGISTERED = frozenset(['', 'tf.TrackableConstant'])
_CHECKPOINT_FUNCTIONS = ('__inference__traced_save_', '__inference__traced_restore_')
_VALUES = frozenset(
  [
    *(tf.bool, tf.int8, tf.int16, tf.int32, tf.int64, tf.uint8, tf.uint16, tf.uint32, tf.uint64),
    *(tf.bfloat16, tf.float16, tf.float32, tf.float64, tf.complex64, tf.complex128, tf.string),
  ]
)


def check_saved_model(path: Path) -> None:
  """Checks that a folder holds a SavedModel that `tf.saved_model.load` may be given.

  Raises:
    ValueError: A file is missing, no regular file or too large; the graph is in another format or holds
      what computes no image. One line, which names the file where one is at fault.
  """
  n_weight_bytes = _check_files(path)
  file = path / _GRAPH_FILE
  saved_model = saved_model_pb2.SavedModel()
  try:
    saved_model.ParseFromString(file.read_bytes())
  except DecodeError as error:
    raise ValueError(f'{_GRAPH_FILE}: not a SavedModel ({str(error).splitlines()[0]})') from error
  check_graph(saved_model)
  declared = sum(_variable_bytes(node) for node in saved_model.meta_graphs[0].object_graph_def.nodes)
  if declared > n_weight_bytes:
    raise ValueError(
      f'its graph has variables of {declared} bytes, expected no more than the {n_weight_bytes} '
      f'of its weights'
    )


def check_graph(saved_model: saved_model_pb2.SavedModel) -> None:
  """Checks all that can be known of a graph before it is loaded.

  Raises:
    ValueError: It is of another form than TensorFlow 2 writes, or could do other things than compute.
  """
  if len(saved_model.meta_graphs) != 1:
    raise ValueError(f'its graph file holds {len(saved_model.meta_graphs)} graphs, expected one')
  graph = saved_model.meta_graphs[0]
  _check_form(graph)
  _check_objects(graph)
  functions = _functions(graph.graph_def.library)
  _check_calls(graph.graph_def, functions)
  refused = _refused_operations(graph, functions)
  if refused:
    raise ValueError(f'its graph holds {refused}, which no generator needs; refused')
  _check_constants(graph.graph_def)


def _check_files(path: Path) -> int:
  """Sizes and kinds of all files; the bytes of weights."""
  n_weight_bytes = 0
  for n, file in enumerate(path.rglob('*')):
    name = file.relative_to(path).as_posix()
    if n >= _MAX_FILES:
      raise ValueError(f'holds more than {_MAX_FILES} files, expected a SavedModel and its facts')
    if file.name in _OTHER_GRAPHS:
      raise ValueError(f'{name}: a graph in another format, expected {_GRAPH_FILE} alone')
    if file.is_dir() and not file.is_symlink():
      continue
    if not file.is_file():
      raise ValueError(f'{name}: no regular file, expected files and folders only')
    limit = {_GRAPH_FILE: _MAX_GRAPH_BYTES}.get(name, _MAX_OTHER_BYTES)
    if file.name.startswith(_WEIGHTS):
      limit = _MAX_WEIGHTS_BYTES
      n_weight_bytes += file.stat().st_size
    if max(file.stat().st_size, n_weight_bytes * (limit == _MAX_WEIGHTS_BYTES)) > limit:
      raise ValueError(f'{name}: {file.stat().st_size} bytes, expected at most {limit}')
  if not (path / _GRAPH_FILE).is_file():
    raise ValueError(f'{_GRAPH_FILE}: not there, expected a SavedModel')
  return n_weight_bytes


def _check_form(graph: meta_graph_pb2.MetaGraphDef) -> None:
  tags = sorted(graph.meta_info_def.tags)
  if tags != ['serve']:
    raise ValueError(f'its graph has the tags {tags}, expected serve alone')
  if not graph.HasField('object_graph_def') or not graph.object_graph_def.nodes:
    raise ValueError('its graph is of TensorFlow 1, expected one that tf.saved_model.save wrote')
  if graph.asset_file_def:
    raise ValueError('its graph names files of its own (assets), expected none')
  collections = sorted(set(graph.collection_def) - {_INIT_COLLECTION})
  if collections:
    raise ValueError(f'its graph has the collections {collections}, expected none')
  reserved = sorted(n for n in graph.signature_def if n.startswith('__') and n != _INIT)
  if reserved:
    raise ValueError(f'its graph has the signatures {reserved}, expected none with such names')
  _check_nothing_at_the_start(graph)


def _check_nothing_at_the_start(graph: meta_graph_pb2.MetaGraphDef) -> None:
  started = [*graph.collection_def[_INIT_COLLECTION].node_list.value] if graph.collection_def else []
  if _INIT in graph.signature_def:
    started += [output.name for output in graph.signature_def[_INIT].outputs.values()]
  idle = {node.name for node in graph.graph_def.node if node.op == 'NoOp' and not node.input}
  running = sorted({name for name in started if name.split(':')[0] not in idle})
  if running:
    raise ValueError(f'its graph runs {running} when it is loaded, expected nothing')


def _check_objects(graph: meta_graph_pb2.MetaGraphDef) -> None:
  for node in graph.object_graph_def.nodes:
    kind = node.WhichOneof('kind')
    if kind not in _OBJECTS:
      raise ValueError(f'its graph holds an object of kind {kind}, expected one of {sorted(_OBJECTS)}')
    if node.saveable_objects or node.registered_saver:
      raise ValueError('its graph restores an object by a function of its own, expected none')
    if node.registered_name not in _REGISTERED:
      raise ValueError(
        f'its graph holds an object of the class {node.registered_name!r}, expected none'
      )


def _functions(library: function_pb2.FunctionDefLibrary) -> dict[str, function_pb2.FunctionDef]:
  functions = {f.signature.name: f for f in library.function}
  if len(functions) < len(library.function):
    raise ValueError('its graph has two functions of one name')
  # TensorFlow may call one of these in the place of another.
  if any(key.startswith('api_') for f in functions.values() for key in f.attr):
    raise ValueError('its graph has functions that stand for one another, expected none')
  return functions


def _check_calls(graph: graph_pb2.GraphDef, functions: dict[str, function_pb2.FunctionDef]) -> None:
  """Every function called is there, none calls itself, and all calls together stay few."""
  counts: dict[str, tuple[int, int]] = {}
  for name in _callees_first(functions):
    callees = list(_callees(functions[name].node_def, functions))
    counts[name] = _count(len(functions[name].node_def), [counts[callee] for callee in callees])
  total = _count(len(graph.node), [counts[callee] for callee in _callees(graph.node, functions)])
  for n_nodes, depth in [total, *counts.values()]:
    if n_nodes > _MAX_NODES or depth > _MAX_DEPTH:
      raise ValueError(
        f'its graph comes to {n_nodes} operations, {depth} calls deep, '
        f'expected at most {_MAX_NODES} and {_MAX_DEPTH}'
      )


def _count(n_own: int, callees: list[tuple[int, int]]) -> tuple[int, int]:
  """Number of operations and depth of calls."""
  return n_own + sum(n for n, _ in callees), 1 + max([depth for _, depth in callees], default=0)


def _callees_first(functions: dict[str, function_pb2.FunctionDef]) -> Iterator[str]:
  """Every function after those that it calls."""
  done: set[str] = set()
  for start in functions:
    way = [(start, iter(set(_callees(functions[start].node_def, functions))))] * (start not in done)
    while way:
      name, ahead = way[-1]
      callee = next((one for one in ahead if one not in done), None)
      if callee is None:
        done.add(name)
        way.pop()
        yield name
      elif any(callee == above for above, _ in way):
        raise ValueError(f'its graph has a function that calls itself: {callee}')
      else:
        way.append((callee, iter(set(_callees(functions[callee].node_def, functions)))))


def _callees(
  nodes: Iterable[node_def_pb2.NodeDef], functions: dict[str, function_pb2.FunctionDef]
) -> Iterator[str]:
  """The functions that nodes call, as often as they do."""
  for node in nodes:
    if node.op in functions:
      yield node.op
    for value in node.attr.values():
      for called in [value.func] * value.HasField('func') + list(value.list.func):
        if called.name not in functions:
          raise ValueError(f'its graph calls a function that it does not hold: {called.name!r}')
        yield called.name


def _refused_operations(
  graph: meta_graph_pb2.MetaGraphDef, functions: dict[str, function_pb2.FunctionDef]
) -> list[str]:
  """Names of the operations that are not allowed where they stand."""
  known = COMPUTE | functions.keys()
  outer = {node.op for node in graph.graph_def.node} - known - OUTER
  savers = _only_saving(graph, functions)
  inner = {
    node.op
    for name, function in functions.items()
    for node in function.node_def
    if node.op not in known and not (name in savers and node.op in CHECKPOINT)
  }
  return sorted(outer | inner)


def _only_saving(
  graph: meta_graph_pb2.MetaGraphDef, functions: dict[str, function_pb2.FunctionDef]
) -> set[str]:
  """The functions that save and restore the weights, where nothing else calls them."""
  named = {name for name in functions if name.startswith(_CHECKPOINT_FUNCTIONS)}
  callers = [f.node_def for f in functions.values()]
  called = {name for nodes in callers for name in _callees(nodes, functions)}
  library, objects = graph.graph_def.library, graph.object_graph_def
  called |= {gradient.gradient_func for gradient in library.gradient}
  called |= {gradient.gradient_func for gradient in library.registered_gradients}
  called |= set(objects.concrete_functions) | {n for o in objects.nodes for n in _held(o)}
  return named - called


def _held(node: saved_object_graph_pb2.SavedObject) -> list[str]:
  bare = node.bare_concrete_function.concrete_function_name
  return [bare, *node.function.concrete_functions]


def _check_constants(graph: graph_pb2.GraphDef) -> None:
  n_bytes = 0
  for nodes in [graph.node, *(f.node_def for f in graph.library.function)]:
    for node in nodes:
      for value in node.attr.values():
        for tensor in [value.tensor] * value.HasField('tensor') + list(value.list.tensor):
          n_bytes += _constant_bytes(tensor)
  if n_bytes > _MAX_CONSTANT_BYTES:
    raise ValueError(
      f'its graph has constants of {n_bytes} bytes, expected at most {_MAX_CONSTANT_BYTES}'
    )


def _constant_bytes(tensor: tensor_pb2.TensorProto) -> int:
  n_bytes, n_stored = _n_bytes(tensor.dtype, tensor.tensor_shape), len(tensor.tensor_content)
  if n_stored and tensor.dtype != tf.string.as_datatype_enum and n_stored != n_bytes:
    raise ValueError(f'its graph has a constant of {n_stored} bytes, its shape says {n_bytes}')
  return n_bytes


def _variable_bytes(node: saved_object_graph_pb2.SavedObject) -> int:
  return _n_bytes(node.variable.dtype, node.variable.shape) if node.HasField('variable') else 0


def _n_bytes(dtype: int, shape: tensor_shape_pb2.TensorShapeProto) -> int:
  sizes = [dim.size for dim in shape.dim]
  for known in _VALUES:
    if known.as_datatype_enum == dtype and not shape.unknown_rank and min(sizes, default=0) >= 0:
      return math.prod(sizes) * known.size
  raise ValueError(f'its graph holds a value of type {dtype} and shape {sizes}, expected numbers')
