"""How many products a network adds up to answer for one example."""

import contextlib
import math
from collections.abc import Iterator, Sequence

import tensorflow as tf

_CONVOLUTIONS = ('Conv2D', 'Conv3D', 'DepthwiseConv2dNative')
_TRANSPOSED = ('Conv2DBackpropInput', 'Conv3DBackpropInputV2')
_PRODUCTS = ('MatMul', 'BatchMatMul', 'BatchMatMulV2', 'BatchMatMulV3')


def count_multiply_adds(network: tf.keras.Model, size: Sequence[int] = ()) -> int:
  """Multiply-adds of convolutions and matrix products, inference, one example.

  Counted is what is executed: taps that fall on padding count, and a layer that saves products by
  another way to the same result counts what is left. Work on weights alone, such as spectral
  normalisation, belongs to no example and is left out; so is what works value by value.

  Args:
    network: Built.
    size: Voxels along X, Y, ... for a network that takes any number.

  Raises:
    ValueError: An operation whose products cannot be counted: a loop, a branch, an unknown size.
  """
  graph, inputs = _trace(network, size)
  reached = {tensor.ref() for tensor in inputs}
  total = 0
  # Operations are listed in the order in which they were made, so inputs come first.
  for operation in graph.get_operations():
    if any(tensor.ref() in reached for tensor in operation.inputs):
      reached.update(tensor.ref() for tensor in operation.outputs)
      total += _multiply_adds(operation)
  return total


def _trace(network: tf.keras.Model, size: Sequence[int]) -> tuple[tf.Graph, list[tf.Tensor]]:
  """The graph of one example, and where it comes in."""
  specs = [tf.TensorSpec(_fill(x.shape, size), x.dtype) for x in network.inputs]
  call = lambda *inputs: network(inputs[0] if len(inputs) == 1 else list(inputs), training=False)
  with _inlined_functions():
    function = tf.function(call).get_concrete_function(*specs)
  return function.graph, function.inputs[: len(specs)]


def _fill(shape: tf.TensorShape, size: Sequence[int]) -> list[int]:
  """One example of a shape, its open axes taken from `size`."""
  given = dict(enumerate(size))
  filled = [known or given.get(axis, 0) for axis, known in enumerate(shape[1:])]
  if 0 in filled:
    raise ValueError(f'a network takes {shape} and the size given is {tuple(size)}, expected all sizes')
  return [1, *filled]


@contextlib.contextmanager
def _inlined_functions() -> Iterator[None]:
  """Functions that layers call become part of the graph around them."""
  before = tf.config.functions_run_eagerly()
  tf.config.run_functions_eagerly(True)
  try:
    yield
  finally:
    tf.config.run_functions_eagerly(before)


def _multiply_adds(operation: tf.Operation) -> int:
  kind, out = operation.type, operation.outputs
  if kind in _CONVOLUTIONS:
    *taps, n_inputs, _ = operation.inputs[1].shape
    per_value = math.prod(taps) * (1 if kind == 'DepthwiseConv2dNative' else n_inputs)
    return _size(out[0]) * per_value
  if kind in _TRANSPOSED:
    # Each value of the small map is multiplied by all taps of all channels that it spreads to.
    _, kernel, small = operation.inputs
    return _size(small) * math.prod(kernel.shape[:-1])
  if kind in _PRODUCTS:
    turned = operation.get_attr('transpose_a' if kind == 'MatMul' else 'adj_x')
    return _size(out[0]) * operation.inputs[0].shape[-2 if turned else -1]
  if kind == 'Einsum':
    return _size(out[0]) * _summed(operation)
  if any(value.HasField('func') for value in operation.node_def.attr.values()):
    raise ValueError(f'{operation.name}: {kind} runs other functions; its products cannot be counted')
  return 0


def _summed(operation: tf.Operation) -> int:
  """Terms in each sum of an einsum: the sizes of the letters that its result lacks."""
  taken, given = operation.get_attr('equation').decode().split('->')
  sizes: dict[str, int] = {}
  for letters, tensor in zip(taken.split(','), operation.inputs):
    before, _, after = letters.partition('...')
    sizes |= dict(zip(before, tensor.shape))
    sizes |= dict(zip(reversed(after), reversed(tensor.shape)))
  return math.prod(size for letter, size in sizes.items() if letter not in given)


def _size(tensor: tf.Tensor) -> int:
  size = tensor.shape.num_elements()
  if size is None:
    raise ValueError(f'{tensor.name} has the shape {tensor.shape}, expected fixed sizes')
  return size
