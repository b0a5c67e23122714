"""Fingerprints that change with what a graph computes, and with nothing else."""

import tensorflow as tf

from keras_itm import saved_graph

_SPEC = tf.TensorSpec([None, 2], tf.float32)


def _fingerprint(call, *specs):
  concrete = tf.function(call).get_concrete_function(*(specs or [_SPEC]))
  return saved_graph.function_fingerprint(concrete)


def _dense(name='dense', kernel=1.0, bias=0.5, use_first=True):
  layers = [tf.keras.layers.Dense(2, name=f'{name}_{i}') for i in range(2)]
  for i, layer in enumerate(layers):
    layer.build((None, 2))
    layer.set_weights([tf.fill([2, 2], kernel + i), tf.fill([2], bias)])
  return lambda x: layers[0](layers[1](x)) if use_first else layers[1](layers[0](x))


class FunctionFingerprintTest(tf.test.TestCase):
  def test_names_do_not_enter(self):
    first = _fingerprint(_dense('a'))
    self.assertEqual(first, _fingerprint(_dense('a')))
    self.assertEqual(first, _fingerprint(_dense('something_else')))
    self.assertRegex(first, '^[0-9a-f]{16}$')

  def test_weights_enter(self):
    first = _fingerprint(_dense())
    self.assertNotEqual(first, _fingerprint(_dense(kernel=1.0000001)))
    self.assertNotEqual(first, _fingerprint(_dense(bias=0.25)))

  def test_weights_of_the_same_shape_exchanged(self):
    self.assertNotEqual(_fingerprint(_dense()), _fingerprint(_dense(use_first=False)))

  def test_what_is_computed_enters(self):
    calls = [
      lambda x: x + 1.0,
      lambda x: x + 2.0,
      lambda x: x - 1.0,
      lambda x: 1.0 - x,
      lambda x: tf.reduce_sum(x, axis=0, keepdims=True),
      lambda x: tf.reduce_sum(x, axis=0, keepdims=False),
      lambda x: tf.reduce_sum(x, axis=1, keepdims=False),
      lambda x: tf.nn.leaky_relu(x, 0.1),
      lambda x: tf.nn.leaky_relu(x, 0.2),
      lambda x: tf.split(x, 2, axis=1)[0],
      lambda x: tf.split(x, 2, axis=1)[1],
    ]
    self.assertLen({_fingerprint(call) for call in calls}, len(calls))

  def test_arguments_are_told_apart(self):
    two = (_SPEC, _SPEC)
    self.assertNotEqual(_fingerprint(lambda x, y: x - y, *two), _fingerprint(lambda x, y: y - x, *two))

  def test_inner_functions_enter(self):
    def outer(factor):
      inner = tf.function(lambda x: x * factor)
      return lambda x: inner(x) + inner(x)

    self.assertEqual(_fingerprint(outer(2.0)), _fingerprint(outer(2.0)))
    self.assertNotEqual(_fingerprint(outer(2.0)), _fingerprint(outer(3.0)))

  def test_loops_and_branches_enter(self):
    def loop(n):
      return lambda x: tf.while_loop(lambda i, _: i < n, lambda i, y: (i + 1, y * 2), [0, x])[1]

    def branch(value):
      return lambda x: tf.cond(tf.reduce_sum(x) > 0, lambda: x * value, lambda: x)

    self.assertEqual(_fingerprint(loop(3)), _fingerprint(loop(3)))
    self.assertNotEqual(_fingerprint(loop(3)), _fingerprint(loop(4)))
    self.assertNotEqual(_fingerprint(branch(3.0)), _fingerprint(branch(4.0)))

  def test_captured_constants_enter(self):
    def captured(value):
      constant = tf.constant([value, 0.0])
      return lambda x: x + constant

    self.assertEqual(_fingerprint(captured(1.0)), _fingerprint(captured(1.0)))
    self.assertNotEqual(_fingerprint(captured(1.0)), _fingerprint(captured(2.0)))

  def test_texts_enter_by_their_letters(self):
    text = lambda words: lambda x: tf.gather(tf.constant(words), tf.cast(x, tf.int32))
    self.assertEqual(_fingerprint(text(['one', 'two'])), _fingerprint(text(['one', 'two'])))
    self.assertNotEqual(_fingerprint(text(['one', 'two'])), _fingerprint(text(['one', 'ten'])))

  def test_order_and_environment_do_not_enter(self):
    inner = tf.function(lambda x: tf.nn.relu(x) * 2.0 - 1.0)
    concrete = tf.function(lambda x: inner(x) + inner(x + 1.0)).get_concrete_function(_SPEC)
    library = {f.signature.name: f for f in concrete.graph.as_graph_def().library.function}
    first = saved_graph._Hasher(library).body(concrete.function_def)
    changed = {name: type(f).FromString(f.SerializeToString()) for name, f in library.items()}
    body = type(concrete.function_def).FromString(concrete.function_def.SerializeToString())
    for function in (*changed.values(), body):
      nodes = list(function.node_def)[::-1]
      del function.node_def[:]
      function.node_def.extend(nodes)
      for node in function.node_def:
        node.device = '/device:CPU:1'
        node.attr['config_proto'].s = b'other devices'
        node.attr['_output_shapes'].s = b''
    self.assertEqual(saved_graph._Hasher(changed).body(body), first)
    constants = [n for f in changed.values() for n in f.node_def if n.op == 'Const']
    constants[0].attr['value'].tensor.float_val[:] = [3.0]
    constants[0].attr['value'].tensor.tensor_content = b''
    self.assertNotEqual(saved_graph._Hasher(changed).body(body), first)

  def test_unreadable_state_is_refused(self):
    values = tf.lookup.KeyValueTensorInitializer([1], [2.0])
    table = tf.lookup.StaticHashTable(values, 0.0)
    with self.assertRaisesRegex(ValueError, 'no variable, expected weights and constants'):
      _fingerprint(lambda x: table.lookup(tf.cast(x, tf.int32)))


if __name__ == '__main__':
  tf.test.main()
