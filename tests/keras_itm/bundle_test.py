"""Bundles: what comes back, what two saves share, and what is refused."""

import dataclasses
import hashlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
from unittest import mock

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from keras_itm import bundle as bundles
from keras_itm.appearance import Appearances
from keras_itm.bundle import BundleError
from keras_itm.bundle_spec import BundleSpec
from keras_itm.networks.pix2pix_unet import pix2pix_unet
from keras_itm.networks.unet_3d import unet_3d

_GRID = {'name': 'toy', 'shape': [8, 4, 2]}
_SCHEME = {'name': 'toy', 'names': ['background', 'a'], 'lesion_id': 2, 'parenchyma_ids': [1]}
_LATENTS = np.linspace(-1, 1, 15, dtype=np.float32).reshape(5, 3)

# Facts that earlier releases did not know.
_LATER = ('licences', 'whole_volumes', 'intensity_scaling', 'classes', 'conditions')
_LATER += ('contrasts', 'slice_shares', 'lesion_shares', 'appearances')


def _spec(kind, **changes):
  fields = {
    'kind': kind,
    'grid': _GRID,
    'label_scheme': _SCHEME,
    'latent_size': 3,
    'intensity_range': (-1.0, 1.0),
    'training_set': 'abc',
  }
  return BundleSpec(**{**fields, **changes})


def _translator(seed=0):
  tf.keras.utils.set_random_seed(seed)
  network = pix2pix_unet((8, 4), 3, 2, (2, 3), n_dropout_blocks=1)
  return network, lambda segmentation, latent: network(tf.one_hot(segmentation, 3))


def _lesion_generator(seed=0, factor=1.0, layer='dense'):
  tf.keras.utils.set_random_seed(seed)
  network = tf.keras.Sequential([tf.keras.layers.Dense(64, input_shape=(3,), name=layer)])
  return network, lambda latent: tf.sigmoid(factor * tf.reshape(network(latent), [-1, 8, 4, 2]))


def _segmenter(seed=0):
  tf.keras.utils.set_random_seed(seed)
  network = unet_3d((8, 4, 2), n_contrasts=2, filters=(2,), bottleneck_filters=2)
  return network, lambda image: network(image)[..., 1]


class BundleTestCase(tf.test.TestCase):
  def setUp(self):
    super().setUp()
    self.folder = pathlib.Path(tempfile.mkdtemp(dir=self.get_temp_dir()))

  def save(self, name='bundle', spec=None, **changes):
    network, call = _lesion_generator(**changes)
    path = self.folder / name
    bundles.save_bundle(path, spec or _spec('lesion_generator'), call, network, 'a.b = 1\n')
    return path

  def assert_refused(self, path, pattern, kind='lesion_generator'):
    """The error is one line that names the bundle and matches a pattern."""
    with self.assertRaisesRegex(BundleError, pattern) as caught:
      bundles.load_bundle(path, kind)
    self.assertIn(str(path), str(caught.exception))
    self.assertNotIn('\n', str(caught.exception))


class RoundTripTest(BundleTestCase):
  def _round_trip(self, kind, made, n_latent, **inputs):
    network, call = made
    path = self.folder / kind
    spec = _spec(kind, latent_size=n_latent)
    name = bundles.save_bundle(path, spec, call, network, 'a.b = 1\n')
    loaded = bundles.load_bundle(path, kind)
    tensors = {key: tf.constant(value) for key, value in inputs.items()}
    self.assertAllClose(loaded.call(**tensors), call(**tensors), atol=1e-6)
    one = {key: value[:1] for key, value in tensors.items()}
    self.assertAllEqual(loaded.call(**one).shape[0], 1)
    self.assertEqual(loaded.fingerprint, name)
    self.assertEqual(bundles.load_bundle(path, kind).fingerprint, name)
    self.assertEqual(loaded.path, path)
    self.assertEqual(loaded.spec.label_scheme, _SCHEME)
    self.assertEqual(loaded.spec.grid, _GRID)
    self.assertAllEqual(loaded.spec.intensity_range, [-1.0, 1.0])
    self.assertEqual((path / 'operative_config.gin').read_text(), 'a.b = 1\n')
    self.assertCountEqual(os.listdir(self.folder), [kind])

  def test_translator_without_latent(self):
    labels = np.random.default_rng(0).integers(0, 3, (5, 8, 4), np.uint8)
    empty = np.zeros((5, 0), np.float32)
    self._round_trip('translator', _translator(), 0, segmentation=labels, latent=empty)

  def test_translator_with_latent(self):
    network, _ = _translator()
    call = lambda segmentation, latent: network(tf.one_hot(segmentation, 3)) + latent[:, :1, None, None]
    labels = np.random.default_rng(0).integers(0, 3, (5, 8, 4), np.uint8)
    self._round_trip('translator', (network, call), 3, segmentation=labels, latent=_LATENTS)

  def test_translator_of_whole_volumes(self):
    network = tf.keras.Sequential([tf.keras.layers.Conv3D(1, 3, padding='same')])
    network.build((None, 8, 4, 2, 3))
    call = lambda segmentation, latent: (
      network(tf.one_hot(segmentation, 3)) + latent[:, :1, None, None, None]
    )
    path, spec = self.folder / 'volumes', _spec('translator', whole_volumes=True)
    bundles.save_bundle(path, spec, call, network, '')
    labels = np.random.default_rng(0).integers(0, 3, (5, 8, 4, 2), np.uint8)
    loaded = bundles.load_bundle(path, 'translator')
    self.assertTrue(loaded.spec.whole_volumes)
    made = loaded.call(segmentation=tf.constant(labels), latent=tf.constant(_LATENTS))
    self.assertAllClose(made, call(labels, _LATENTS), atol=1e-6)
    facts = json.loads((path / 'bundle.json').read_text())
    (path / 'bundle.json').write_text(json.dumps({**facts, 'whole_volumes': False}))
    shapes = r'segmentation as uint8 \(None, 8, 4, 2\), expected uint8 \(None, 8, 4\)'
    self.assert_refused(path, shapes, 'translator')

  def test_slices_keep_the_name_that_they_had_before_volumes(self):
    spec = _spec('lesion_generator', weights='abc')
    told = dataclasses.asdict(spec).items()
    facts = {k: v for k, v in told if k not in _LATER}
    name = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:12]
    self.assertEqual(spec.fingerprint, name)
    whole = _spec('translator', weights='abc', whole_volumes=True)
    slices = _spec('translator', weights='abc')
    self.assertNotEqual(whole.fingerprint, slices.fingerprint)

  def test_translator_with_appearances(self):
    """Scores of two numbers come in beside labels and latent, and what is distributed comes back."""
    network, _ = _translator()
    call = lambda segmentation, latent, appearance: (
      network(tf.one_hot(segmentation, 3)) + latent[:, :1, None, None] + appearance[:, 1:, None, None]
    )
    told = Appearances.fit(['a', 'b'], np.random.default_rng(0).normal(size=(20, 2)))
    path = self.folder / 'told'
    bundles.save_bundle(path, _spec('translator', appearances=told), call, network, '')
    loaded = bundles.load_bundle(path, 'translator')
    self.assertEqual(loaded.spec.appearances, told)
    labels, scores = np.zeros((5, 8, 4), np.uint8), _LATENTS[:, 1:]
    inputs = {'segmentation': labels, 'latent': _LATENTS, 'appearance': scores}
    made = loaded.call(**{name: tf.constant(value) for name, value in inputs.items()})
    self.assertAllClose(made, call(labels, _LATENTS, scores), atol=1e-6)
    facts = json.loads((path / 'bundle.json').read_text())
    (path / 'bundle.json').write_text(json.dumps({**facts, 'appearances': None}))
    self.assert_refused(path, r"maps \['appearance', 'latent', 'segmentation'\]", 'translator')
    (path / 'bundle.json').write_text(json.dumps({**facts, 'appearances': {'names': ['a']}}))
    self.assert_refused(path, 'appearance is', 'translator')
    with self.assertRaisesRegex(ValueError, 'appearances in a segmenter, expected them in'):
      _spec('segmenter', appearances=told)

  def test_whole_volumes_is_a_yes_or_no_of_a_translator(self):
    for kind, value in (('translator', 'yes'), ('segmenter', True)):
      with self.assertRaisesRegex(ValueError, f'whole_volumes is {value!r} in a {kind}'):
        _spec(kind, whole_volumes=value)

  def test_lesion_generator(self):
    self._round_trip('lesion_generator', _lesion_generator(), 3, latent=_LATENTS)

  def test_segmenter_with_two_contrasts(self):
    image = np.random.default_rng(0).uniform(size=(3, 8, 4, 2, 2)).astype(np.float32)
    self._round_trip('segmenter', _segmenter(), 0, image=image)

  def test_what_it_was_trained_on(self):
    sources = ('phantom_stroke/mini:train', 'soop/mini:train[:5]')
    spec = _spec('lesion_generator', trained_on=sources)
    self.assertEqual(bundles.read_spec(self.save(spec=spec), 'lesion_generator').trained_on, sources)

  def test_a_bundle_that_does_not_say_what_it_was_trained_on(self):
    path = self.save()
    facts = json.loads((path / 'bundle.json').read_text())
    del facts['trained_on']
    (path / 'bundle.json').write_text(json.dumps(facts))
    self.assertEqual(bundles.load_bundle(path, 'lesion_generator').spec.trained_on, ())

  def test_scaling_is_told_and_the_percentile_no_part_of_its_name(self):
    path = self.save()
    named = bundles.load_bundle(path, 'lesion_generator')
    self.assertEqual(named.spec.intensity_scaling, 'percentile')
    facts = json.loads((path / 'bundle.json').read_text())
    del facts['intensity_scaling']  # As earlier releases wrote it.
    (path / 'bundle.json').write_text(json.dumps(facts))
    earlier = bundles.load_bundle(path, 'lesion_generator')
    self.assertEqual(earlier.spec, named.spec)
    self.assertEqual(earlier.fingerprint, named.fingerprint)
    # What a release that did not know the field hashed.
    hashed = {name: value for name, value in facts.items() if name not in _LATER}
    digest = hashlib.sha256(json.dumps(hashed, sort_keys=True).encode()).hexdigest()[:12]
    self.assertEqual(named.fingerprint, digest)
    other = self.save('other', _spec('lesion_generator', intensity_scaling='parenchyma_median'))
    loaded = bundles.load_bundle(other, 'lesion_generator')
    self.assertEqual(loaded.spec.intensity_scaling, 'parenchyma_median')
    self.assertNotEqual(loaded.fingerprint, named.fingerprint)
    facts['intensity_scaling'] = 'none'
    (path / 'bundle.json').write_text(json.dumps(facts))
    self.assert_refused(path, "intensity_scaling is 'none', expected one of")

  def test_licences_are_told_and_no_part_of_its_name(self):
    plain, told = self.save(), self.save('told', _spec('lesion_generator', licences=('CC BY-SA 4.0',)))
    first, second = (bundles.load_bundle(path, 'lesion_generator') for path in (plain, told))
    self.assertEqual((first.spec.licences, second.spec.licences), ((), ('CC BY-SA 4.0',)))
    self.assertEqual(first.fingerprint, second.fingerprint)
    facts = json.loads((told / 'bundle.json').read_text())
    del facts['licences']  # As in bundles of earlier releases.
    (told / 'bundle.json').write_text(json.dumps(facts))
    self.assertEqual(bundles.load_bundle(told, 'lesion_generator').fingerprint, first.fingerprint)

  def test_a_kind_that_is_none(self):
    with self.assertRaisesRegex(
      BundleError, "^kind is 'translatr', expected one of translator, lesion_"
    ):
      bundles.load_bundle(self.save(), 'translatr')

  def test_arrays_are_taken_where_the_type_holds_their_numbers(self):
    loaded = bundles.load_bundle(self.save())
    made = loaded.call(latent=_LATENTS)
    self.assertAllEqual(loaded.call(latent=_LATENTS.astype(np.float64)), made)
    self.assertAllEqual(loaded.call(latent=_LATENTS.tolist()), made)
    labels = np.array([[0, 255]])
    self.assertAllEqual(bundles._as_tensor(labels, tf.uint8), labels.astype(np.uint8))
    for other in (labels + 1, labels - 1, labels / 2):
      self.assertEqual(bundles._as_tensor(other, tf.uint8).dtype, tf.as_dtype(other.dtype))

  def test_what_is_given_wrongly_is_named(self):
    loaded = bundles.load_bundle(self.save())
    n = _LATENTS.shape[1]
    for inputs, message in (
      (
        {'latent': tf.constant(_LATENTS, tf.float16)},
        rf'latent is float16 \(5, {n}\), expected float32 \(None, {n}\)',
      ),
      ({'latent': _LATENTS[0]}, rf'latent is float32 \({n},\), expected float32 \(None, {n}\)'),
      ({'image': _LATENTS}, r"takes \['latent'\] by name, was given \['image'\]"),
      ({}, r"takes \['latent'\] by name, was given \[\]"),
    ):
      with self.assertRaisesRegex(ValueError, message):
        loaded.call(**inputs)

  def test_a_loaded_bundle_outlives_its_folder(self):
    path = self.save()
    loaded = bundles.load_bundle(path, 'lesion_generator')
    path.rename(self.folder / 'elsewhere')
    self.assertAllClose(loaded.call(latent=tf.constant(_LATENTS)), _lesion_generator()[1](_LATENTS))

  def test_saves_what_was_trained_not_a_class(self):
    """The graph holds the weights and the signature, nothing of Keras."""
    path = self.save()
    self.assertFalse((path / 'keras_metadata.pb').exists())
    checkpoint = tf.train.load_checkpoint(str(path / 'variables' / 'variables'))
    shapes = [shape for name, shape in checkpoint.get_variable_to_shape_map().items() if '/' in name]
    self.assertCountEqual(shapes, [[3, 64], [64]])


class FingerprintTest(BundleTestCase):
  def test_two_saves_of_one_network(self):
    self.assertEqual(bundles.fingerprint(self.save('a')), bundles.fingerprint(self.save('b')))
    network, call = _translator()
    names = [
      bundles.save_bundle(self.folder / name, _spec('translator'), call, network, '') for name in 'cd'
    ]
    self.assertEqual(names[0], names[1])

  def test_layer_names_do_not_enter(self):
    first, second = self.save('a', layer='one'), self.save('b', layer='two')
    self.assertEqual(bundles.fingerprint(first), bundles.fingerprint(second))

  def test_weights_and_constants_enter(self):
    paths = [self.save('a'), self.save('b', seed=1), self.save('c', factor=1.5)]
    network, call = _lesion_generator()
    network.weights[1][7].assign(1e-7)
    bundles.save_bundle(self.folder / 'd', _spec('lesion_generator'), call, network, '')
    self.assertLen({bundles.fingerprint(path) for path in [*paths, self.folder / 'd']}, 4)

  def test_facts_enter_the_bundle_but_not_the_weights(self):
    paths = [self.save('a'), self.save('b', spec=_spec('lesion_generator', training_set='other'))]
    first, second = (bundles.load_bundle(path, 'lesion_generator') for path in paths)
    self.assertEqual(first.spec.weights, second.spec.weights)
    self.assertNotEqual(first.fingerprint, second.fingerprint)

  def test_another_process(self):
    """One that knows no class of ours uses a bundle; a network saved there, after Keras has numbered
    the layers of others, has the fingerprint that it has here."""
    program = (
      'import sys, tensorflow as tf\n'
      'from keras_itm import bundle\n'
      'tf.keras.utils.get_custom_objects().clear()\n'
      "loaded = bundle.load_bundle(sys.argv[1], 'translator')\n"
      'inputs = tf.ones([2, 8, 4], tf.uint8), tf.zeros([2, 3])\n'
      'print(float(tf.reduce_sum(loaded.call(segmentation=inputs[0], latent=inputs[1]))))\n'
      'sys.path.insert(0, sys.argv[2])\n'
      'import bundle_test as test\n'
      'test._translator(5), test._translator(6)\n'
      'network, call = test._translator()\n'
      "print(bundle.save_bundle(sys.argv[3], test._spec('translator'), call, network, ''))\n"
    )
    here, there = self.folder / 'here', self.folder / 'there'
    network, call = _translator()
    name = bundles.save_bundle(here, _spec('translator'), call, network, '')
    found = _run_python(program, str(here), str(pathlib.Path(__file__).parent), str(there))
    expected = tf.reduce_sum(call(tf.ones([2, 8, 4], tf.uint8), tf.zeros([2, 3])))
    self.assertAllClose(float(found[0]), expected, rtol=1e-5, atol=1e-5)
    self.assertEqual(found[1], name)


def _run_python(program, *arguments):
  environment = {**os.environ, 'PYTHONPATH': str(pathlib.Path(__file__).parents[2])}
  command = [sys.executable, '-c', program, *arguments]
  done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
  return done.stdout.split()


class RefusalTest(BundleTestCase):
  def test_nothing_there(self):
    self.assert_refused(self.folder / 'none', 'no bundle there')
    self.assert_refused(self.folder / ('a' * 300), 'no bundle there')
    path = self.save()
    (path / 'bundle.json').unlink()
    self.assert_refused(path, 'no bundle there, expected a folder with bundle.json')

  def test_another_kind(self):
    path = self.save()
    self.assert_refused(path, "kind 'lesion_generator', expected 'translator'", 'translator')

  def test_broken_facts(self):
    path = self.save()
    facts = json.loads((path / 'bundle.json').read_text())
    changes = [
      ({'latent_size': -1}, 'latent_size is -1'),
      ({'latent_size': '3'}, "latent_size is '3'"),
      ({'kind': 'painter'}, "kind is 'painter'"),
      ({'intensity_range': [1.0, 1.0]}, 'intensity_range'),
      ({'grid': {'shape': [8, 4]}}, 'expected three sizes'),
      ({'grid': {}}, 'shape'),
      (
        {'grid': {**facts['grid'], 'spacing_mm': [-3, 3, 8]}},
        r'spacing_mm .*, expected three',
      ),
      ({'grid': {**facts['grid'], 'corner_mm': [0, 'a', 8]}}, 'corner_mm .* expected three numbers'),
      ({'label_scheme': {**facts['label_scheme'], 'names': 3}}, "names '3', expected a list of texts"),
      ({'colour': 1}, 'colour'),
    ]
    for change, pattern in changes:
      (path / 'bundle.json').write_text(json.dumps({**facts, **change}))
      self.assert_refused(path, f'not the facts of a bundle.*{pattern}')
    for text in ('', '{', '[1]', json.dumps({'kind': 'lesion_generator'})):
      (path / 'bundle.json').write_text(text)
      self.assert_refused(path, 'not the facts of a bundle')

  def test_altered_weights(self):
    path = self.save()
    file = path / 'variables' / 'variables.data-00000-of-00001'
    content = file.read_bytes()
    other = self.save('other', seed=1)
    file.write_bytes((other / 'variables' / file.name).read_bytes())
    self.assert_refused(path, 'fingerprint|cannot be loaded')
    file.write_bytes(content[:40])
    self.assert_refused(path, 'variables of .* bytes, expected no more than the 40')
    file.unlink()
    self.assert_refused(path, 'variables of .* bytes, expected no more than the 0')
    for name in os.listdir(other / 'variables'):
      (path / 'variables' / name).write_bytes((other / 'variables' / name).read_bytes())
    self.assert_refused(path, 'bundle.json says .*: the folder was altered')

  def test_altered_graph(self):
    path, other = self.save(), self.save('other', factor=2.0)
    (path / 'saved_model.pb').write_bytes((other / 'saved_model.pb').read_bytes())
    self.assert_refused(path, 'bundle.json says .*: the folder was altered')
    (path / 'saved_model.pb').write_bytes(b'\xff\xff\xff\xff')
    self.assert_refused(path, 'not a SavedModel')
    (path / 'saved_model.pb').unlink()
    self.assert_refused(path, 'expected a SavedModel')

  def test_altered_fingerprint(self):
    path = self.save()
    facts = json.loads((path / 'bundle.json').read_text())
    (path / 'bundle.json').write_text(json.dumps({**facts, 'weights': '0' * 16}))
    self.assert_refused(path, "bundle.json says '0000")

  def test_another_signature(self):
    path = self.save()
    other = self.folder / 'other'
    segmenter = _segmenter()
    bundles.save_bundle(other, _spec('segmenter'), segmenter[1], segmenter[0], '')
    self._swap_graph(path, other)
    self.assert_refused(path, r"maps \['image'\] to \['probability'\], expected \['latent'\]")
    longer = self.folder / 'longer'
    network = tf.keras.Sequential([tf.keras.layers.Dense(64, input_shape=(4,))])
    call = lambda latent: tf.reshape(network(latent), [-1, 8, 4, 2])
    bundles.save_bundle(longer, _spec('lesion_generator', latent_size=4), call, network, '')
    self._swap_graph(path, longer)
    self.assert_refused(path, r'takes latent as float32 \(None, 4\), expected float32 \(None, 3\)')

  def test_no_signature(self):
    path, module = self.save(), tf.Module()
    module.weight = tf.Variable(1.0)
    tf.saved_model.save(module, str(self.folder / 'empty'))
    self._swap_graph(path, self.folder / 'empty')
    self.assert_refused(path, 'no signature serving_default')

  def _swap_graph(self, path, other):
    for file in ('saved_model.pb', 'variables/variables.index'):
      (path / file).write_bytes((other / file).read_bytes())
    data = 'variables/variables.data-00000-of-00001'
    (path / data).write_bytes((other / data).read_bytes())

  def test_graphs_that_reach_outside(self):
    """Already on saving, so that no training ends in a bundle that nothing opens."""
    network, call = _lesion_generator()
    reads = lambda latent: call(latent) + tf.strings.to_number(tf.io.read_file('there'))
    python = lambda latent: call(
      tf.ensure_shape(tf.numpy_function(np.abs, [latent], tf.float32), [None, 3])
    )
    for outside, op in ((reads, 'ReadFile'), (python, 'PyFunc')):
      with self.assertRaisesRegex(BundleError, op):
        bundles.save_bundle(self.folder / 'no', _spec('lesion_generator'), outside, network, '')
    self.assertEmpty(os.listdir(self.folder))

  def test_planted_operation(self):
    """In the file of a bundle that was sound when it was saved."""
    path = self.save()
    file, graph = path / 'saved_model.pb', saved_model_pb2.SavedModel()
    graph.ParseFromString(file.read_bytes())
    planted = graph.meta_graphs[0].graph_def.library.function[0].node_def.add()
    planted.name, planted.op = 'planted', 'WriteFile'
    file.write_bytes(graph.SerializeToString())
    with mock.patch.object(tf.saved_model, 'load') as load:
      self.assert_refused(path, r"its graph holds \['WriteFile'\]")
    load.assert_not_called()


class PartialWriteTest(BundleTestCase):
  def test_a_failed_save_leaves_nothing(self):
    with mock.patch.object(json, 'dumps', side_effect=OSError('disk full')):
      with self.assertRaisesRegex(OSError, 'disk full'):
        self.save()
    self.assertEmpty(os.listdir(self.folder))

  def test_the_folder_appears_whole(self):
    seen = []
    replace = os.replace

    def look(source, target):
      seen.append(
        (pathlib.Path(target).exists(), bundles.read_spec(source, 'lesion_generator').weights)
      )
      replace(source, target)

    with mock.patch.object(os, 'replace', look):
      path = self.save()
    self.assertEqual(seen, [(False, bundles.read_spec(path, 'lesion_generator').weights)])

  def test_saved_again(self):
    path = self.save()
    before = (path / 'bundle.json').read_bytes()
    self.save()
    self.assertEqual((path / 'bundle.json').read_bytes(), before)
    with self.assertRaisesRegex(BundleError, 'holds the bundle .*, expected a new folder'):
      self.save(seed=1)
    self.assertEqual((path / 'bundle.json').read_bytes(), before)
    (self.folder / 'mine').mkdir()
    with self.assertRaisesRegex(BundleError, 'no bundle there'):
      self.save('mine')
    self.assertCountEqual(os.listdir(self.folder), ['bundle', 'mine'])


class BundleSpecTest(tf.test.TestCase):
  def test_refuses_contradictions(self):
    spec = _spec('translator')
    for change in ({'kind': 'x'}, {'latent_size': -1}, {'intensity_range': (1.0, -1.0)}):
      with self.assertRaisesRegex(ValueError, next(iter(change))):
        dataclasses.replace(spec, **change)
    for trained_on in ('phantom_stroke/mini:train', [3]):
      with self.assertRaisesRegex(ValueError, 'trained_on is .*, expected names of data sets'):
        dataclasses.replace(spec, trained_on=trained_on)


if __name__ == '__main__':
  tf.test.main()
