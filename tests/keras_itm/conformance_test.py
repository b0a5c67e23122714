"""What every layer, network and model of the package does alike.

A new one gets an entry in `conformance_cases`; what it computes is tested beside it.
"""

import importlib
import inspect
import json
import pkgutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

import keras_itm
from keras_itm import optimizers, schedules, stack
from keras_itm.bundle_spec import JOINT_GENERATOR, LESION_GENERATOR
from keras_itm.models.adversarial import AdversarialModel
from keras_itm.models.paired_translator import PairedTranslator
from keras_itm.models.style_model import StyleModel
from keras_itm.models.tracked import TrackedModel
from keras_itm.networks.patch_gan import PatchGAN
from tests.keras_itm.conformance_cases import LAYERS, MODELS, NETWORKS
from tests.keras_itm.models.model_testing import adam, sgd, split_cpu, two_replicas

_FUNCTIONAL = {**{cls.__name__: case.network for cls, case in LAYERS.items()}, **NETWORKS}
_BASES = {AdversarialModel, PairedTranslator, StyleModel, TrackedModel, stack.OwnInstanceNormalization}
_EACH_NETWORK = [{'testcase_name': name.replace(' ', '_'), 'name': name} for name in _FUNCTIONAL]
_EACH_LAYER = [{'testcase_name': cls.__name__, 'cls': cls} for cls in LAYERS]
_EACH_MODEL = [{'testcase_name': cls.__name__, 'cls': cls} for cls in MODELS]


def _inputs(network, n=4, seed=0):
  rng = np.random.default_rng(seed)
  # Maps of open size are those of a discriminator.
  sizes = [[n, *(size or 8 for size in x.shape[1:])] for x in network.inputs]
  values = [rng.uniform(size=size).astype(np.float32) for size in sizes]
  return values[0] if len(values) == 1 else values


def _outputs(network, inputs, **options):
  return [x.numpy() for x in tf.nest.flatten(network(inputs, **options))]


def _randomise(network):
  """Weights that no initializer gives."""
  rng = np.random.default_rng(1)
  for weight in network.weights:
    if tf.as_dtype(weight.dtype).is_floating:
      weight.assign(rng.uniform(0.1, 0.5, weight.shape))


def _state(model):
  """All that training moves, by where it is."""
  groups = {'weights': model.weights, 'extra': list(model.extra_variables().values())}
  groups |= {name: getattr(model, name).variables for name in model.optimizer_names}
  return {f'{k} {i} {v.name}': v.numpy() for k, vs in groups.items() for i, v in enumerate(vs)}


def _fit(model, data):
  history = model.fit(data, shuffle=False, verbose=0).history
  return {name: values[0] for name, values in history.items()}


def _scaled():
  return tf.keras.mixed_precision.LossScaleOptimizer(
    tf.keras.optimizers.Adam(1e-3), initial_scale=2.0**8, dynamic_growth_steps=2
  )


class _Constant:
  """Draws that are the same for all examples, so that it does not matter which replica has them."""

  normal = staticmethod(tf.ones)
  uniform = staticmethod(lambda shape: tf.fill(shape, 0.25))


class CompletenessTest(tf.test.TestCase):
  def test_every_layer_and_model_is_registered_and_has_a_case(self):
    names = [m.name for m in pkgutil.walk_packages(keras_itm.__path__, 'keras_itm.')]
    kinds = (tf.keras.layers.Layer, tf.keras.optimizers.Optimizer)
    kinds += (tf.keras.optimizers.schedules.LearningRateSchedule,)
    found = {
      value
      for name in names
      for value in vars(importlib.import_module(name)).values()
      if inspect.isclass(value) and issubclass(value, kinds) and value.__module__ == name
    }
    here = {*LAYERS, *MODELS, PatchGAN, optimizers.Adam, schedules.ConstantThenLinear}
    self.assertEqual(found - _BASES, here)
    for cls in here:
      registered = tf.keras.utils.get_registered_name(cls)
      self.assertEqual(registered, f'keras_itm>{cls.__name__}')

  def test_the_package_names_what_it_offers(self):
    for cls in (*MODELS, optimizers.Adam, schedules.ConstantThenLinear):
      self.assertIs(getattr(keras_itm, cls.__name__), cls)
    self.assertContainsSubset({name.split()[0] for name in NETWORKS}, keras_itm.__all__)
    self.assertEqual([x for x in keras_itm.__all__ if not hasattr(keras_itm, x)], [])
    self.assertRegex(keras_itm.__version__, r'^(\d+\.\d+|unknown)')

  def test_networks_consist_of_keras_layers_and_ours(self):
    for name, make in NETWORKS.items():
      for layer in make().layers:
        self.assertNotIn('Lambda', type(layer).__name__, f'{name}: {layer.name}')

  def test_every_network_has_a_case(self):
    folder = Path(keras_itm.__path__[0]) / 'networks'
    files = {file.stem for file in folder.glob('*.py')} - {'__init__', 'translators'}
    self.assertEqual({name.split()[0] for name in NETWORKS}, files)


class ConfigTest(parameterized.TestCase, tf.test.TestCase):
  @parameterized.named_parameters(*_EACH_LAYER, *_EACH_MODEL)
  def test_holds_every_argument(self, cls):
    made = LAYERS[cls].make() if cls in LAYERS else MODELS[cls].make(0.5)
    config = made.get_config()
    own = inspect.signature(cls.__init__).parameters.values() if '__init__' in vars(cls) else ()
    arguments = [x for x in own if x.kind is x.POSITIONAL_OR_KEYWORD and x.name != 'self']
    self.assertContainsSubset([x.name for x in arguments], config)
    for argument in arguments:
      self.assertNotEqual(config[argument.name], argument.default, 'choose another in the case')
    read = json.loads(json.dumps(config))
    again = json.loads(json.dumps(cls.from_config(read).get_config()))
    # What networks hold is compared where they are saved.
    for name in config:
      if not isinstance(read[name], dict):
        self.assertEqual(again[name], read[name], name)


class NetworkTest(parameterized.TestCase, tf.test.TestCase):
  @parameterized.named_parameters(*_EACH_NETWORK)
  def test_saved_and_loaded(self, name):
    network = _FUNCTIONAL[name]()
    _randomise(network)
    inputs = _inputs(network)
    network(inputs, training=True)
    path = self.get_temp_dir() + '/network.keras'
    network.save(path)
    loaded = tf.keras.models.load_model(path)
    for a, b in zip(network.weights, loaded.weights, strict=True):
      self.assertAllEqual(a, b, a.name)
    # Training first: it draws from what random state there is.
    for options in ({'training': True}, {}):
      for a, b in zip(_outputs(network, inputs, **options), _outputs(loaded, inputs, **options)):
        self.assertAllEqual(a, b)

  @parameterized.named_parameters(*_EACH_NETWORK)
  def test_checkpoint(self, name):
    network, other = _FUNCTIONAL[name](), _FUNCTIONAL[name]()
    _randomise(network)
    inputs = _inputs(network)
    network(inputs, training=True)
    path = tf.train.Checkpoint(network=network).write(self.get_temp_dir() + '/network')
    tf.train.Checkpoint(network=other).read(path).assert_consumed()
    for options in ({'training': True}, {}):
      for a, b in zip(_outputs(network, inputs, **options), _outputs(other, inputs, **options)):
        self.assertAllEqual(a, b)

  # A pool is called by replicas alone: its own test has them.
  @parameterized.named_parameters(*_EACH_NETWORK)
  def test_no_layer_is_left_to_build(self, name):
    """Keras 3 would build it under tf.distribute by a call with a batch, no input of a network."""
    layers = list(_FUNCTIONAL[name]()._flatten_layers())
    self.assertNotEmpty(layers)
    self.assertEqual([layer.name for layer in layers if not layer.built], [])

  @parameterized.named_parameters(x for x in _EACH_NETWORK if x['name'] != 'ImagePool')
  def test_two_devices(self, name):
    alone, strategy = _FUNCTIONAL[name](), two_replicas()
    with strategy.scope():
      shared = _FUNCTIONAL[name]()
    _randomise(alone)
    shared.set_weights(alone.get_weights())
    inputs = _inputs(alone, n=6)
    part = lambda x, i: x[2 * i : 6 if i else 2]
    own = strategy.experimental_distribute_values_from_function(
      lambda context: tf.nest.map_structure(
        lambda x: tf.constant(part(x, context.replica_id_in_sync_group)), inputs
      )
    )
    run = tf.function(lambda x: strategy.run(shared, args=(x,)))
    results = zip(*(tf.nest.flatten(x) for x in _per_replica(strategy, run(own))))
    for a, b in zip(_outputs(alone, inputs), results):
      self.assertAllClose(a, tf.concat(b, axis=0), atol=1e-5)

  @parameterized.named_parameters(*_EACH_NETWORK)
  def test_mixed_precision(self, name):
    exact = _FUNCTIONAL[name]()
    _randomise(exact)
    with _policy('mixed_bfloat16'):
      mixed = _FUNCTIONAL[name]()
    mixed.set_weights(exact.get_weights())
    self.assertFalse([w.name for w in mixed.weights if tf.as_dtype(w.dtype) == tf.bfloat16])
    inputs = _inputs(exact)
    for a, b in zip(_outputs(exact, inputs), tf.nest.flatten(mixed(inputs))):
      if name in NETWORKS and 'patch' not in name:
        self.assertEqual(b.dtype, tf.float32)
      error = np.abs(a - tf.cast(b, tf.float32)).mean()
      self.assertLess(error, 0.05 * np.abs(a).mean() + 1e-3)


def _per_replica(strategy, results):
  """Results by replica, each of the structure that the network gives."""
  flat = [strategy.experimental_local_results(x) for x in tf.nest.flatten(results)]
  return list(zip(*flat))


class _policy:
  def __init__(self, name):
    self._name = name

  def __enter__(self):
    self._before = tf.keras.mixed_precision.global_policy()
    tf.keras.mixed_precision.set_global_policy(self._name)

  def __exit__(self, *_):
    tf.keras.mixed_precision.set_global_policy(self._before)


class ModelTest(parameterized.TestCase, tf.test.TestCase):
  def assert_same_state(self, one, two):
    one, two = _state(one), _state(two)
    self.assertLen(two, len(one))
    for (name, a), b in zip(one.items(), two.values()):
      self.assertAllEqual(a, b, name)

  @parameterized.named_parameters(*_EACH_MODEL)
  def test_goes_on_from_a_file_as_if_never_saved(self, cls):
    case = MODELS[cls]
    model = case.compiled(adam(1e-3))
    _fit(model, case.batches(3))
    path = self.get_temp_dir() + '/model.keras'
    model.save(path)
    tf.keras.utils.set_random_seed(7)
    loaded = tf.keras.models.load_model(path)
    self.assertIs(type(loaded), cls)
    self.assert_same_state(model, loaded)
    self.assertEqual(_fit(model, case.batches(2, seed=1)), _fit(loaded, case.batches(2, seed=1)))
    self.assert_same_state(model, loaded)

  @parameterized.named_parameters(*_EACH_MODEL)
  def test_goes_on_from_a_checkpoint_as_if_never_stopped(self, cls):
    case = MODELS[cls]
    model, other = case.compiled(adam(1e-3)), case.compiled(adam(1e-3), seed=7)
    _fit(model, case.batches(3))
    path = tf.train.Checkpoint(model=model).write(self.get_temp_dir() + '/model')
    tf.train.Checkpoint(model=other).read(path).assert_consumed()
    self.assertEqual(_fit(model, case.batches(2, seed=1)), _fit(other, case.batches(2, seed=1)))
    self.assert_same_state(model, other)

  @parameterized.named_parameters(*_EACH_MODEL)
  def test_test_step_moves_nothing_and_repeats_itself(self, cls):
    case = MODELS[cls]
    model = case.compiled(adam(1e-3))
    _fit(model, case.batches(1))
    before = _state(model)
    first, second = (model.evaluate(case.batches(2), verbose=0, return_dict=True) for _ in range(2))
    self.assertEqual(first, second)
    moved = [name for name, value in _state(model).items() if np.any(value != before[name])]
    # The means of the metrics are no part of what is trained.
    self.assertEqual([name for name in moved if 'total' not in name and 'count' not in name], [])

  @parameterized.named_parameters(*_EACH_MODEL)
  def test_two_replicas_train_as_one(self, cls):
    case, strategy = MODELS[cls], two_replicas()
    alone = case.compiled(sgd(0.02), dropout=0.0)
    with strategy.scope():
      shared = case.compiled(sgd(0.02), dropout=0.0)
    alone.rng = shared.rng = _Constant()
    results = _fit(alone, case.batches(3)), _fit(shared, case.batches(3))
    self.assertAllClose(*results, atol=1e-5, rtol=1e-5)
    for name, a, b in zip(_state(alone), _state(alone).values(), _state(shared).values()):
      self.assertAllClose(a, b, atol=1e-5, rtol=1e-5, msg=name)

  @parameterized.named_parameters(*_EACH_MODEL)
  def test_mixed_precision(self, cls):
    case = MODELS[cls]
    with _policy(case.half):
      is_scaled = case.half == 'mixed_float16'
      model = case.compiled(_scaled if is_scaled else adam(1e-3))
      before = [w.numpy() for w in model.trainable_weights]
      logs = _fit(model, case.batches(3))
      self.assertAllInRange(list(logs.values()), -1e3, 1e3)
      for old, weight in zip(before, model.trainable_weights):
        self.assertEqual(tf.as_dtype(weight.dtype), tf.float32)
        if 'kernel' in weight.name:
          self.assertNotAllEqual(old, weight, weight.name)
      path = self.get_temp_dir() + '/model.keras'
      model.save(path)
      loaded = tf.keras.models.load_model(path)
      self.assert_same_state(model, loaded)
      if is_scaled:
        # Doubled after two steps; the third counts.
        self.assertEqual(stack.loss_scale(model.generator_optimizer), 2.0**9)
        for name in model.optimizer_names:
          scales = [stack.loss_scale(getattr(x, name)) for x in (model, loaded)]
          self.assertEqual(*scales)

  @parameterized.named_parameters(*_EACH_MODEL)
  def test_the_ways_of_keras(self, cls):
    case = MODELS[cls]
    model = case.make(0.5)
    model.compile(*['adam'] * case.n_optimizers, run_eagerly=True)
    _fit(model, case.batches(1))
    inputs = case.data(4, 0)
    draws = getattr(model, 'bundle_kind', '') in (LESION_GENERATOR, JOINT_GENERATOR)
    inputs = np.zeros((4, model.latent_size), np.float32) if draws else inputs[0]
    self.assertAllClose(model.predict(inputs, verbose=0), model(inputs), atol=1e-6)
    lines = []
    model.summary(print_fn=lines.append)
    self.assertIn(model.name, lines[0])
    with self.assertRaisesRegex(
      ValueError, '(?i)could not interpret optimizer|unknown optimizer|adamant'
    ):
      model.compile(*['adamant'] * case.n_optimizers)


class LoadTest(tf.test.TestCase):
  def _saved(self):
    case = MODELS[next(iter(MODELS))]
    path = self.get_temp_dir() + '/model.keras'
    case.compiled(adam(1e-3)).save(path)
    return path

  def test_needs_the_import_of_the_package_alone(self):
    code = (
      'import sys, keras_itm, tensorflow as tf; model = tf.keras.models.load_model(sys.argv[1]); '
      'print(type(model).__name__, int(model.optimizer.iterations))'
    )
    done = subprocess.run(
      [sys.executable, '-c', code, self._saved()], capture_output=True, text=True, check=True
    )
    self.assertEqual(done.stdout.split(), ['CycleGAN', '0'])

  def test_foreign_file_is_keras_own_error(self):
    for content in (b'no model', b''):
      path = self.get_temp_dir() + '/model.keras'
      Path(path).write_bytes(content)
      with self.assertRaises((ValueError, OSError)):
        tf.keras.models.load_model(path)

  def test_code_in_a_file_is_refused_and_not_run(self):
    """A network of the model is exchanged for one that holds a Python function."""
    marker = Path(self.get_temp_dir()) / 'was_here'
    inputs = tf.keras.Input((8, 8, 3))
    write = eval(f'lambda x: (open({str(marker)!r}, "w"), x)[1]')
    lambda_layer = tf.keras.layers.Lambda(write, output_shape=(8, 8, 3))
    network = tf.keras.Model(inputs, lambda_layer(inputs))
    marker.unlink(missing_ok=True)
    path, hostile = self._saved(), self.get_temp_dir() + '/hostile.keras'
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(hostile, 'w') as target:
      for name in source.namelist():
        content = source.read(name)
        if name == 'config.json':
          config = json.loads(content)
          config['config']['generator'] = tf.keras.utils.serialize_keras_object(network)
          content = json.dumps(config).encode()
        target.writestr(name, content)
    with self.assertRaisesRegex(ValueError, '(?i)lambda'):
      tf.keras.models.load_model(hostile)
    self.assertFalse(marker.exists())


if __name__ == '__main__':
  split_cpu()
  tf.test.main()
