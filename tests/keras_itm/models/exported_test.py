"""A model's bundle answers as the model does, and says what it was told."""

import json
from pathlib import Path

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from keras_itm.appearance import Appearances
from keras_itm.bundle import BundleError, load_bundle
from keras_itm.models.exported import ExportsTranslator
from keras_itm.models.lesion_gan import LesionGAN
from keras_itm.models.pix2pix import Pix2Pix
from keras_itm.models.segmenter import Segmenter
from keras_itm.models.spade import Spade
from keras_itm.models.style_gan import StyleGAN
from keras_itm.models.style_translator import StyleTranslator
from stroke_tfds.label_schemes import ASEG28
from tests.keras_itm.conformance_cases import MODELS

_GRID = {'name': 'tiny', 'shape': [8, 8, 4], 'spacing_mm': [1, 1, 1], 'corner_mm': [0, 0, 0]}
_RNG = np.random.default_rng(0)
_LABELS = _RNG.integers(0, 3, (2, 8, 8), np.uint8)
_LATENT = _RNG.normal(size=(2, 5)).astype(np.float32)
_TOLD = Appearances.fit(['a', 'b'], _LATENT[:, :2])
_IMAGE = _RNG.uniform(size=(2, 8, 8, 4, 1)).astype(np.float32)


def _change_facts(path: Path, **changes: object) -> None:
  facts = json.loads((path / 'bundle.json').read_text())
  (path / 'bundle.json').write_text(json.dumps({**facts, **changes}))


class ExportTest(parameterized.TestCase, tf.test.TestCase):
  @parameterized.parameters(
    (
      Pix2Pix,
      'translator',
      {'segmentation': _LABELS, 'latent': _LATENT[:, :0], 'appearance': _LATENT[:, :2]},
      (-1, 1),
    ),
    (
      Spade,
      'translator',
      {'segmentation': _LABELS, 'latent': _LATENT, 'appearance': _LATENT[:, :2]},
      (-1, 1),
    ),
    (StyleTranslator, 'translator', {'segmentation': _LABELS, 'latent': _LATENT}, (-1, 1)),
    (LesionGAN, 'lesion_generator', {'latent': _LATENT}, (0, 1)),
    (Segmenter, 'segmenter', {'image': _IMAGE}, (0, 1)),
  )
  def test_bundle(self, cls, kind, inputs, intensity_range):
    model = MODELS[cls].make(0.0)
    path = Path(self.get_temp_dir()) / 'bundle'
    told = {'trained_on': ['a/b:train'], 'training_set': 'abc', 'operative_config': 'x = 1'}
    told['appearances'] = _TOLD if 'appearance' in inputs else None
    name = model.export(path, grid=_GRID, label_scheme=ASEG28, **told)
    bundle = load_bundle(path, kind)
    self.assertEqual(bundle.fingerprint, name)
    inputs = {name: tf.constant(value) for name, value in inputs.items()}
    self.assertAllClose(bundle.call(**inputs), model(*inputs.values()), atol=1e-5)
    self.assertEqual(bundle.spec.label_scheme, ASEG28.to_json())
    self.assertEqual(bundle.spec.grid, _GRID)
    self.assertEqual(tuple(bundle.spec.intensity_range), intensity_range)
    self.assertEqual((bundle.spec.trained_on, bundle.spec.training_set), (('a/b:train',), 'abc'))
    self.assertEqual((path / 'operative_config.gin').read_text(), 'x = 1')

  def test_bundle_of_slices_with_their_classes(self):
    """Both outputs, conditions and truncation; noise comes from the latent."""
    model = MODELS[StyleGAN].make(0.0)
    for layer in model.average.network.layers:
      if layer.name.endswith('_noise'):
        layer.strength.assign([[1.0]])
    model.style_mean.mean.assign(tf.ones([4]))
    path = Path(self.get_temp_dir()) / 'bundle'
    names = {'classes': ['background', 'brain', 'lesion'], 'conditions': ['level', 'lesion']}
    name = model.export(path, grid=_GRID, label_scheme=ASEG28, **names)
    bundle = load_bundle(path, 'joint_generator')
    self.assertEqual((bundle.fingerprint, bundle.n_contrasts), (name, 1))
    self.assertEqual(bundle.spec.classes, ('background', 'brain', 'lesion'))
    self.assertEqual(bundle.spec.conditions, ('level', 'lesion'))
    inputs = {'latent': _LATENT, 'condition': [[0.5, 1.0], [0.0, 0.0]], 'truncation': [0.5, 1.0]}
    inputs = {key: tf.constant(value, tf.float32) for key, value in inputs.items()}
    drawn = bundle.call(**inputs)
    for key, value in model(**inputs).items():
      self.assertAllClose(drawn[key], value, atol=1e-5)
    self.assertEqual((drawn['image'].shape, drawn['probability'].shape), ((2, 8, 8, 1), (2, 8, 8, 3)))
    one = bundle.call(**{key: value[1:] for key, value in inputs.items()})
    self.assertAllClose(one['image'], drawn['image'][1:], atol=1e-5)
    with self.assertRaisesRegex(BundleError, r"3 probabilities, expected 2, one for each of \['a"):
      _change_facts(path, classes=['a', 'b'])
      load_bundle(path, 'joint_generator')

  def test_bundle_of_slices_says_what_real_patients_have(self):
    model, path = MODELS[StyleGAN].make(0.0), Path(self.get_temp_dir()) / 'bundle'
    facts = {'slice_shares': (0.25, 1, 1, 0.5), 'lesion_shares': (0, 0.5, 0.25, 0)}
    names = {'classes': ['a', 'b', 'lesion'], 'conditions': ['level', 'lesion'], 'contrasts': ['DWI']}
    told = model.export(path, grid=_GRID, label_scheme=ASEG28, **names, **facts)
    spec = load_bundle(path, 'joint_generator').spec
    self.assertEqual((spec.slice_shares, spec.lesion_shares), tuple(facts.values()))
    self.assertEqual(spec.contrasts, ('DWI',))
    plain = model.export(path.with_name('plain'), grid=_GRID, label_scheme=ASEG28, **names)
    self.assertNotEqual(plain, told)
    for changes, message in (
      ({'slice_shares': (1, 1)}, r'slice_shares is \[1, 1\], expected none or 4 numbers from 0 to 1'),
      ({'lesion_shares': (0, 0, 0, 1.5)}, r'lesion_shares is \[0, 0, 0, 1\.5\], expected none or 4'),
      ({'slice_shares': (0, 0, 0, 0)}, 'expected a share above 0'),
      ({'contrasts': ['T1', 'T2']}, r"makes 1 contrasts, expected \['T1', 'T2'\]"),
      ({'kind': 'translator'}, "'slice_shares'.* in a translator, expected them in a joint_generator"),
    ):
      before = (path / 'bundle.json').read_text()
      _change_facts(path, **changes)
      with self.assertRaisesRegex(BundleError, message):
        load_bundle(path, changes.get('kind', 'joint_generator'))
      (path / 'bundle.json').write_text(before)

  def test_a_translator_of_classes_names_these_and_its_contrasts(self):
    model, path = MODELS[StyleTranslator].make(0.0), Path(self.get_temp_dir()) / 'bundle'
    names = {'classes': ['background', 'brain', 'lesion'], 'contrasts': ['DWI']}
    told = model.export(path, grid=_GRID, label_scheme=ASEG28, **names)
    bundle = load_bundle(path, 'translator')
    self.assertEqual((bundle.spec.classes, bundle.spec.contrasts), tuple(map(tuple, names.values())))
    self.assertEqual(bundle.n_contrasts, 1)
    plain = model.export(path.with_name('plain'), grid=_GRID, label_scheme=ASEG28)
    self.assertNotEqual(plain, told)
    _change_facts(path, contrasts=['T1', 'T2'])
    with self.assertRaisesRegex(BundleError, r"makes 1 contrasts, expected \['T1', 'T2'\]"):
      load_bundle(path, 'translator')
    _change_facts(path, contrasts=['DWI'], kind='lesion_generator')
    with self.assertRaisesRegex(
      BundleError, "'contrasts'.* in a lesion_generator, expected them in a joint_g"
    ):
      load_bundle(path)

  def test_another_grid_or_another_bundle_is_refused(self):
    model = MODELS[StyleTranslator].make(0.0)
    path = Path(self.get_temp_dir()) / 'bundle'
    with self.assertRaisesRegex(ValueError, r'grid wide has \(16, 8\) voxels, expected \(8, 8\)'):
      model.export(path, grid={**_GRID, 'name': 'wide', 'shape': [16, 8, 4]}, label_scheme=ASEG28)
    self.assertFalse(path.exists())
    first = model.export(path, grid=_GRID, label_scheme=ASEG28)
    self.assertEqual(model.export(path, grid=_GRID, label_scheme=ASEG28), first)
    with self.assertRaisesRegex(BundleError, f'holds the bundle {first}'):
      MODELS[StyleTranslator].make(0.0).export(path, grid=_GRID, label_scheme=ASEG28)


class AppearancesTest(tf.test.TestCase):
  def test_a_bundle_says_how_each_number_is_distributed(self):
    path = Path(self.get_temp_dir()) / 'bundle'
    for cls, told in ((Pix2Pix, None), (StyleTranslator, _TOLD)):
      with self.assertRaisesRegex(ValueError, 'appearances of .* numbers, expected those of the'):
        MODELS[cls].make(0.0).export(path, grid=_GRID, label_scheme=ASEG28, appearances=told)
    self.assertFalse(path.exists())


class ConditionTest(tf.test.TestCase):
  def translator(self, n_appearances):
    translator = ExportsTranslator()
    translator.n_labels, translator.n_appearances = 3, n_appearances
    return translator

  def test_numbers_stand_everywhere(self):
    segmentation = np.array([[[0, 2], [1, 0]], [[1, 1], [2, 2]]], np.uint8)
    scores = np.array([[0.5, -1.0], [2.0, 3.0]], np.float32)
    made = self.translator(2).condition(segmentation, scores)
    self.assertEqual(made.shape, (2, 2, 2, 5))
    self.assertAllEqual(made[0, 0, 1], [0, 0, 1, 0.5, -1])
    self.assertAllEqual(made[0, 1, 0], [0, 1, 0, 0.5, -1])
    self.assertAllEqual(made[1, 1, 0], [0, 0, 1, 2, 3])

  def test_the_median_case_is_that_of_no_numbers(self):
    volumes = np.ones((1, 2, 2, 2), np.uint8)
    made = self.translator(1).condition(volumes)
    self.assertAllEqual(made, np.broadcast_to([0.0, 1, 0, 0], (1, 2, 2, 2, 4)))
    self.assertEqual(self.translator(0).condition(volumes).shape, (1, 2, 2, 2, 3))


if __name__ == '__main__':
  tf.test.main()
