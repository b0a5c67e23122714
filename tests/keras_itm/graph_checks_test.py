"""Hostile SavedModels, each a sound one with one change, are refused before TensorFlow loads them."""

import os
import pathlib
import shutil
import tempfile
from unittest import mock

import tensorflow as tf
from absl.testing import parameterized
from tensorflow.core.framework import node_def_pb2
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow.python.framework import op_def_registry

from keras_itm import bundle as bundles
from keras_itm import graph_checks, graph_operations
from keras_itm.bundle import BundleError

_SPEC = tf.TensorSpec([None, 2], tf.float32)
# What files, the network, Python, the process and other programs are reached by.
_OUTSIDE = (
  *('DumpTensor', 'Skipgram', 'RecordInput', 'DecodeProtoV2', 'FileSystemSetConfiguration', 'Abort'),
  *(
    'Print',
    'PrintV2',
    'WriteFile',
    'ReadFile',
    'MatchingFiles',
    'PyFunc',
    'EagerPyFunc',
    'ImmutableConst',
  ),
  *('CreateSummaryDbWriter', 'CreateSummaryFileWriter', 'LookupTableImportV2', 'TensorDataset', 'Send'),
  *('SaveV2', 'RestoreV2', 'MergeV2Checkpoints', 'ShardedFilename', 'RemoteCall', 'SymbolicGradient'),
  *('VarHandleOp', 'Placeholder', 'LoadDataset', 'DebugIdentityV2', 'OneThatNobodyKnows'),
)


def _save(folder, call=lambda x: x, weight=1.0):
  """A sound SavedModel of our form, with a constant and a function within."""
  module, inner = tf.Module(), tf.function(lambda x: tf.nn.relu(x) + tf.constant([3.0, 4.0]))
  module.weight = tf.Variable(weight)
  serve = tf.function(lambda x: {'y': inner(call(x)) * module.weight})
  module.serve = serve.get_concrete_function(x=_SPEC)
  tf.saved_model.save(module, str(folder), signatures=module.serve)


class GraphChecksTestCase(parameterized.TestCase, tf.test.TestCase):
  def setUp(self):
    super().setUp()
    self.folder = pathlib.Path(tempfile.mkdtemp(dir=self.get_temp_dir()))
    _save(self.folder)

  def change(self, edit):
    """Edits the one graph in the file."""
    file, saved_model = self.folder / 'saved_model.pb', saved_model_pb2.SavedModel()
    saved_model.ParseFromString(file.read_bytes())
    edit(saved_model.meta_graphs[0])
    file.write_bytes(saved_model.SerializeToString())

  def assert_refused(self, pattern):
    """In one line, and TensorFlow does not see it."""
    with mock.patch.object(tf.saved_model, 'load') as load:
      with self.assertRaisesRegex(BundleError, pattern) as caught:
        bundles.fingerprint(self.folder)
    load.assert_not_called()
    self.assertStartsWith(str(caught.exception), f'{self.folder}: ')
    self.assertNotIn('\n', str(caught.exception))


def _served(graph):
  """The function behind the signature."""
  names = {f.signature.name: f for f in graph.graph_def.library.function}
  return next(
    names[name] for name in graph.object_graph_def.concrete_functions if 'signature' not in name
  )


def _saver(graph):
  return next(f for f in graph.graph_def.library.function if 'traced_restore' in f.signature.name)


def _call_of(function, name='call'):
  node = node_def_pb2.NodeDef(name=name, op='StatefulPartitionedCall')
  node.attr['f'].func.name = function
  return node


def _constant(graph):
  """One that holds something, in a function that runs: those of checkpoints are left aside."""
  return next(
    n
    for f in graph.graph_def.library.function
    for n in f.node_def
    if n.op == 'Const'
    and not f.signature.name.startswith(graph_checks._CHECKPOINT_FUNCTIONS)
    and all(dim.size for dim in n.attr['value'].tensor.tensor_shape.dim)
  )


class OperationsTest(GraphChecksTestCase):
  def test_a_sound_one(self):
    graph_checks.check_saved_model(self.folder)
    self.assertRegex(bundles.fingerprint(self.folder), '^[0-9a-f]{16}$')

  @parameterized.parameters(*_OUTSIDE)
  def test_in_any_function(self, op):
    for i in range(4):
      with self.subTest(i):
        before = (self.folder / 'saved_model.pb').read_bytes()
        self.change(lambda g, i=i: g.graph_def.library.function[i].node_def.add(name='planted', op=op))
        where = (
          saved_model_pb2.SavedModel.FromString(before).meta_graphs[0].graph_def.library.function[i]
        )
        if op in graph_operations.CHECKPOINT and 'traced_' in where.signature.name:
          graph_checks.check_saved_model(self.folder)
        else:
          self.assert_refused(rf"its graph holds \['{op}'\]")
        (self.folder / 'saved_model.pb').write_bytes(before)

  @parameterized.parameters('WriteFile', 'SaveV2', 'DumpTensor')
  def test_around_the_functions(self, op):
    self.change(lambda g: g.graph_def.node.add(name='planted', op=op))
    self.assert_refused(rf"its graph holds \['{op}'\]")

  def test_saving_that_is_called(self):
    """The function by which the weights are restored, reached in each way that there is."""
    called = lambda g: _served(g).node_def.append(_call_of(_saver(g).signature.name))
    gradient = lambda g: g.graph_def.library.gradient.add(
      function_name='x', gradient_func=_saver(g).signature.name
    )
    concrete = lambda g: g.object_graph_def.concrete_functions[_saver(g).signature.name].SetInParent()
    for edit in (called, gradient, concrete):
      before = (self.folder / 'saved_model.pb').read_bytes()
      self.change(edit)
      self.assert_refused(r"its graph holds \['RestoreV2'\]")
      (self.folder / 'saved_model.pb').write_bytes(before)

  def test_a_function_named_as_a_harmless_operation(self):
    def edit(graph):
      planted = graph.graph_def.library.function.add()
      planted.signature.name = 'Relu'
      planted.node_def.add(name='w', op='WriteFile')

    self.change(edit)
    self.assert_refused(r"\['WriteFile'\]")

  def test_written_by_tensorflow(self):
    read = lambda x: x + tf.strings.to_number(tf.io.read_file('there'))
    python = lambda x: tf.ensure_shape(tf.numpy_function(lambda y: y, [x], tf.float32), [None, 2])
    inner = tf.function(read)
    branch = lambda x: tf.cond(tf.reduce_sum(x) > 0, lambda: inner(x), lambda: x)
    for call, op in ((read, 'ReadFile'), (python, 'PyFunc'), (branch, 'ReadFile')):
      shutil.rmtree(self.folder)
      _save(self.folder, call)
      self.assert_refused(op)

  def test_mathematics_of_others(self):
    """Loops, branches, random numbers, linear algebra, resizing: a user's own generator."""

    def call(x):
      x = tf.while_loop(lambda i, _: i < 3, lambda i, y: (i + 1, y * 2), [0, x])[1]
      x = tf.cond(tf.reduce_sum(x) > 0, lambda: x + 1, lambda: tf.nn.silu(x))
      x += tf.random.normal([2]) + tf.random.stateless_uniform([2], (1, 2))
      x += tf.linalg.solve(tf.eye(2), tf.ones([2, 2]))[0] + tf.math.top_k(x, 2).values
      image = tf.image.resize(x[:, None, :, None], [4, 4])
      return tf.map_fn(lambda row: row * 2, tf.reduce_mean(image, [1, 3])[:, :2])

    shutil.rmtree(self.folder)
    _save(self.folder, call)
    self.assertRegex(bundles.fingerprint(self.folder), '^[0-9a-f]{16}$')


class FormTest(GraphChecksTestCase):
  @parameterized.named_parameters(
    ('tensorflow_1', lambda g: g.ClearField('object_graph_def'), 'of TensorFlow 1'),
    ('no_objects', lambda g: g.object_graph_def.ClearField('nodes'), 'of TensorFlow 1'),
    ('another_tag', lambda g: g.meta_info_def.tags.append('train'), 'tags'),
    ('no_tag', lambda g: g.meta_info_def.ClearField('tags'), 'tags'),
    ('assets', lambda g: g.asset_file_def.add(filename='x'), 'assets'),
    ('legacy_init_op', lambda g: g.collection_def['legacy_init_op'].SetInParent(), 'legacy_init_op'),
    ('train_op', lambda g: g.signature_def['__saved_model_train_op'].SetInParent(), 'train_op'),
    ('asset_object', lambda g: g.object_graph_def.nodes.add().asset.SetInParent(), 'kind asset'),
    ('resource', lambda g: g.object_graph_def.nodes.add().resource.SetInParent(), 'kind resource'),
    ('no_kind', lambda g: g.object_graph_def.nodes.add(), 'kind None'),
    ('saveable', lambda g: g.object_graph_def.nodes[0].saveable_objects['x'].SetInParent(), 'restores'),
    ('saver', lambda g: setattr(g.object_graph_def.nodes[0], 'registered_saver', 'x'), 'restores'),
    ('a_class', lambda g: setattr(g.object_graph_def.nodes[0], 'registered_name', 'a.B'), 'a.B'),
    (
      'stands_for',
      lambda g: g.graph_def.library.function[0].attr['api_implements'].SetInParent(),
      'stand for',
    ),
    ('two_names', lambda g: g.graph_def.library.function.append(_served(g)), 'two functions'),
  )
  def test_refused(self, edit, pattern):
    self.change(edit)
    self.assert_refused(pattern)

  @parameterized.parameters('collection', 'signature')
  def test_something_to_do_at_the_start(self, where):
    def edit(graph):
      if where == 'collection':
        graph.collection_def['saved_model_main_op'].node_list.value[:] = ['StatefulPartitionedCall']
      else:
        outputs = graph.signature_def['__saved_model_init_op'].outputs
        outputs['__saved_model_init_op'].name = 'StatefulPartitionedCall'

    self.change(edit)
    self.assert_refused(r"runs \['StatefulPartitionedCall'\] when it is loaded")

  def test_something_to_do_before_nothing(self):
    nothing = lambda g: next(node for node in g.graph_def.node if node.name == 'NoOp')
    self.change(lambda g: nothing(g).input.append('^StatefulPartitionedCall'))
    self.assert_refused(r"runs \['NoOp'\]")

  def test_several_graphs_or_none(self):
    file, saved_model = self.folder / 'saved_model.pb', saved_model_pb2.SavedModel()
    file.write_bytes(b'')
    self.assert_refused('holds 0 graphs')
    for _ in range(2):
      saved_model.meta_graphs.add()
    file.write_bytes(saved_model.SerializeToString())
    self.assert_refused('holds 2 graphs')

  def test_main_op_of_tensorflow_1_is_not_run(self):
    written = self.folder.with_name(f'{self.folder.name}_written')
    shutil.rmtree(self.folder)
    with tf.Graph().as_default() as graph, tf.compat.v1.Session(graph=graph) as session:
      x = tf.compat.v1.placeholder(tf.float32, [None, 2])
      write = tf.raw_ops.WriteFile(filename=str(written), contents='owned')
      signature = tf.compat.v1.saved_model.predict_signature_def({'x': x}, {'y': x * 2})
      builder = tf.compat.v1.saved_model.Builder(str(self.folder))
      builder.add_meta_graph_and_variables(
        session, ['serve'], {'serving_default': signature}, main_op=write
      )
      builder.save()
    self.assert_refused('TensorFlow 1')
    self.assertFalse(written.exists())

  def test_one_that_tensorflow_runs(self):
    """What the checks are for: without them, the same call writes the file."""
    written = self.folder.with_name(f'{self.folder.name}_written')
    shutil.rmtree(self.folder)

    def call(x):
      with tf.control_dependencies([tf.io.write_file(str(written), 'owned')]):
        return tf.identity(x)

    _save(self.folder, call)
    self.assert_refused('WriteFile')
    tf.saved_model.load(str(self.folder)).signatures['serving_default'](tf.ones([1, 2]))
    self.assertTrue(written.exists())


class CallsTest(GraphChecksTestCase):
  def test_a_function_that_calls_itself(self):
    self.change(lambda g: _served(g).node_def.append(_call_of(_served(g).signature.name)))
    self.assert_refused('calls itself')

  def test_functions_that_call_one_another(self):
    def edit(graph):
      for name, other in (('a', 'b'), ('b', 'a')):
        function = graph.graph_def.library.function.add()
        function.signature.name = name
        function.node_def.append(_call_of(other))

    self.change(edit)
    self.assert_refused('calls itself')

  def test_a_function_of_another_graph(self):
    self.change(lambda g: _served(g).node_def.append(_call_of('elsewhere')))
    self.assert_refused("does not hold: 'elsewhere'")

  @parameterized.parameters((25, 2, ' operations, 20 calls deep'), (70, 1, ' 65 calls deep'))
  def test_few_functions_that_stand_for_many(self, n_levels, n_calls, pattern):
    def edit(graph):
      for i in range(n_levels + 1):
        function = graph.graph_def.library.function.add()
        function.signature.name = f'level_{i}'
        for j in range(n_calls if i else 0):
          function.node_def.append(_call_of(f'level_{i - 1}', f'call_{j}'))
        function.node_def.add(name='x', op='NoOp')

    self.change(edit)
    self.assert_refused(pattern)


class ValuesTest(GraphChecksTestCase):
  @parameterized.named_parameters(
    ('resource', lambda t: setattr(t, 'dtype', tf.resource.as_datatype_enum), 'type 20'),
    ('unknown', lambda t: setattr(t, 'dtype', 9999), 'type 9999'),
    ('negative', lambda t: t.tensor_shape.dim.add(size=-1), 'shape'),
    ('huge', lambda t: t.tensor_shape.dim.add(size=2**40), 'bytes'),
  )
  def test_constant(self, edit, pattern):
    self.change(lambda g: edit(_constant(g).attr['value'].tensor))
    self.assert_refused(pattern)

  def test_splat_constant(self):
    """One number that stands for 16 GiB."""

    def edit(graph):
      tensor = _constant(graph).attr['value'].tensor
      tensor.CopyFrom(tf.make_tensor_proto(1.0))
      tensor.tensor_shape.dim.add(size=2**32)

    self.change(edit)
    self.assert_refused('constants of 17179869[0-9]* bytes, expected at most')

  def test_more_variables_than_weights(self):
    def edit(graph):
      variable = next(n.variable for n in graph.object_graph_def.nodes if n.HasField('variable'))
      variable.shape.dim.add(size=2**40)

    self.change(edit)
    self.assert_refused('variables of 4398046511104 bytes')


class FilesTest(GraphChecksTestCase):
  @parameterized.parameters('saved_model.pbtxt', 'saved_model.cpb', 'debug/x')
  def test_a_second_graph(self, name):
    (self.folder / name).parent.mkdir(exist_ok=True)
    (self.folder / name).write_text('x')
    self.assert_refused(name.split('/')[0])

  @parameterized.parameters('saved_model.pb', 'fingerprint.pb', 'variables/variables.index')
  def test_a_pipe(self, name):
    (self.folder / name).unlink()
    os.mkfifo(self.folder / name)
    self.assert_refused(f'{name}: no regular file')

  def test_links(self):
    """Files may be links, as in the caches of model hubs; folders may not."""
    elsewhere = self.folder.with_name(f'{self.folder.name}_elsewhere')
    (self.folder / 'saved_model.pb').rename(elsewhere)
    (self.folder / 'saved_model.pb').symlink_to(elsewhere)
    graph_checks.check_saved_model(self.folder)
    (self.folder / 'variables').rename(f'{elsewhere}_variables')
    (self.folder / 'variables').symlink_to(f'{elsewhere}_variables')
    self.assert_refused('variables: no regular file')
    (self.folder / 'variables').unlink()  # TensorFlow's tests cannot remove it.

  @parameterized.parameters(
    ('saved_model.pb', 2**28),
    ('fingerprint.pb', 2**26),
    ('keras_metadata.pb', 2**26),
    ('variables/variables.index', 2**26),
    ('variables/variables.data-00000-of-00001', 2**34),
  )
  def test_too_large(self, name, limit):
    with (self.folder / name).open('ab') as file:
      file.truncate(limit + 1)
    self.assert_refused(f'{name}: {limit + 1} bytes, expected at most {limit}')


class FactsTest(tf.test.TestCase):
  def test_refused(self):
    folder = pathlib.Path(self.get_temp_dir()) / 'bundle'
    folder.mkdir(exist_ok=True)
    for text, pattern in (
      ('[' * 100_000, 'not the facts of a bundle'),
      ('{"kind": ' + '1' * 5000 + '}', 'not the facts of a bundle'),
      (' ' * (2**20 + 1), '1048577 bytes, expected at most 1048576$'),
      ('\ud800', 'not the facts of a bundle'),
    ):
      (folder / 'bundle.json').write_text(text, errors='surrogatepass')
      with self.assertRaisesRegex(BundleError, f'^{folder}/bundle.json: {pattern}') as caught:
        bundles.read_spec(folder, 'segmenter')
      self.assertNotIn('\n', str(caught.exception))

  def test_numbers(self):
    facts = {'kind': 'segmenter', 'label_scheme': {}, 'latent_size': 0, 'training_set': ''}
    for grid, high in (([8, 4, -1], 1.0), ('abc', 1.0), ([8, 4, 2.5], 1.0), ([8, 4, 2], float('inf'))):
      with self.assertRaisesRegex(ValueError, 'grid|intensity_range'):
        bundles.BundleSpec(grid={'shape': grid}, intensity_range=(0.0, high), **facts)
    with self.assertRaisesRegex(ValueError, 'label_scheme is .*, expected fields by name'):
      whole = {'grid': {'shape': [8, 4, 2]}, 'intensity_range': (0.0, 1.0)}
      bundles.BundleSpec(**{**facts, 'label_scheme': 'aseg28'}, **whole)


class AllowListTest(tf.test.TestCase):
  def test_state_that_is_allowed(self):
    """Calls, branches, variables, random numbers and assertions; no other operation keeps state."""
    known = [op_def_registry.get(op) for op in graph_operations.COMPUTE]
    stateful = {op.name for op in known if op.is_stateful}
    flow = {'Case', 'If', 'While', 'StatefulPartitionedCall'}
    variables = {'AssignAddVariableOp', 'AssignSubVariableOp', 'AssignVariableOp', 'DisableCopyOnRead'}
    variables |= {'ReadVariableOp', 'ResourceGather', 'ResourceGatherNd', 'VarIsInitializedOp'}
    random = {op for op in stateful if op.startswith(('Random', 'Rng', 'Stateful')) or 'Normal' in op}
    rest = stateful - flow - variables - random
    self.assertEqual(
      rest,
      {
        'Assert',
        'CheckNumerics',
        'CheckNumericsV2',
        'Multinomial',
        'StatelessRandomGetAlg',
        'VariableShape',
      },
    )

  def test_what_reaches_outside_is_not_allowed(self):
    allowed = graph_operations.COMPUTE | graph_operations.OUTER
    self.assertEmpty(allowed & set(_OUTSIDE) - {'VarHandleOp', 'Placeholder'})
    self.assertFalse([op for op in allowed if 'File' in op or 'Py' in op or 'Dataset' in op])


if __name__ == '__main__':
  tf.test.main()
