import json
import subprocess
import sys
from pathlib import Path
from unittest import mock

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from keras_itm import bundle as bundles
from keras_itm.models.style_gan import StyleGAN
from keras_itm.models.style_translator import StyleTranslator
from keras_itm.networks.style_discriminator import style_discriminator
from keras_itm.networks.style_generator import style_generator
from keras_itm.networks.style_mapping import style_mapping
from stroke_tfds import synthetic_slices
from stroke_tfds.errors import InputError
from stroke_tfds.sources import open_sources
from stroke_tfds.synthetic_slices import drawing
from tests import tiny
from tests.keras_itm import conformance_cases
from tests.slice_sets import METADATA, SlicesCase


class ContentTest(SlicesCase):
  def test_is_what_the_generator_makes(self):
    made = self.examples(self.builder(num_patients=5, truncation=0.5))
    by_latent = []
    for example in made:
      origin = json.loads(example['provenance'])
      # The toy's first contrast is the level, -1 to 1, shown from 0 to 1.
      level = (2 * origin['slice'] + 1) / 4 - 1
      self.assertEqual((example['level'], origin['level']), (level, level))
      self.assertAllClose(example['image'][..., 0], np.full([16, 16], (level + 1) / 2))
      by_latent.append(example['image'][0, 0, 1])
      # A square of 4 x 3 where a lesion was asked for, on white matter in the half of lower X.
      expected = np.zeros([16, 16])
      expected[:8] = 1
      expected[:4, :3] = 4 if origin['asked_lesion'] else 1
      self.assertAllEqual(example['classes'], expected)
      self.assertAllEqual(example['lesion'], expected == 4)
      self.assertEqual(example['subject_id'].decode(), f'synthetic-{origin["patient"]:06d}')
      self.assertEqual(origin['truncation'], 0.5)
    self.assertEqual({json.loads(e['provenance'])['patient'] for e in made}, set(range(5)))
    self.assertLen(set(by_latent), len(made))
    # The second is 0.5 times the truncation times a normal number: in [0, 1], 0.5 and an eighth.
    self.assertBetween(np.std(by_latent), 0.06, 0.2)
    self.assertEqual(made[0]['image'].dtype, np.float32)

  def test_truncated_to_the_mean_all_are_alike(self):
    made = self.examples(self.builder(truncation=0))
    self.assertAllEqual({float(e['image'][0, 0, 1]) for e in made}, {0.5})

  def test_says_what_it_is(self):
    metadata = self.builder().info.metadata
    self.assertEqual(metadata['unit'], 'slices')
    self.assertEqual(tuple(metadata['classes']), tiny.JOINT_CLASSES)
    self.assertEqual((metadata['first_lesion'], metadata['contrasts']), (4, ['DWI', 'ADC']))
    self.assertEqual(metadata['made_from'], ['phantom_stroke/mini:train'])
    weights = json.loads((self.bundle / 'bundle.json').read_text())['weights']
    self.assertEqual(metadata['licences'], [f'unknown: joint_generator {weights}'])

  def test_several_classes_of_lesions_are_the_last(self):
    scheme = {**METADATA['label_scheme'], 'lesion_class_ids': [2, 3]}
    folder = tiny.save_toy_joint(self.root / 'tumour', {**METADATA, 'label_scheme': scheme})
    builder = self.builder(joint_generator=str(folder), share_lesion=0.5)
    self.assertEqual(builder.info.metadata['first_lesion'], 3)

  def test_classes_that_a_translator_turns_into_images(self):
    builder = self.builder(**self.translated(num_patients=5, truncation=0.5))
    made = self.examples(builder)
    alone = self.examples(self.builder(joint_generator=str(self.masks), num_patients=5, truncation=0.5))
    drawn = []
    for example, mask in zip(made, alone):
      self.assertAllEqual(example['classes'], mask['classes'])
      self.assertAllEqual(example['lesion'], mask['lesion'])
      # The toy's first contrast is the class in quarters.
      self.assertAllClose(example['image'][..., 0], example['classes'] / 4)
      drawn.append(example['image'][0, 0, 1])
      self.assertAllEqual(example['image'][..., 1], np.full([16, 16], drawn[-1]))
      origin = json.loads(example['provenance'])
      fingerprint = bundles.read_spec(self.translator).fingerprint
      self.assertEqual(origin['translator'], fingerprint)
      self.assertNotIn('translator', json.loads(mask['provenance']))
    # A latent of its own for each slice; half of a normal number, so that the deviation is a quarter.
    self.assertLen(set(drawn), len(made))
    self.assertBetween(np.std(drawn), 0.12, 0.4)
    metadata = builder.info.metadata
    self.assertEqual(metadata['contrasts'], ['DWI', 'ADC'])
    self.assertEqual(metadata['intensity_scaling'], 'parenchyma_median')
    self.assertEqual(
      metadata['made_from'], ['phantom_stroke/mini:train', 'phantom_stroke/mini:healthy']
    )
    self.assertLen(metadata['licences'], 2)

  def test_classes_alone(self):
    made = self.examples(self.builder(joint_generator=str(self.masks)))
    self.assertNotIn('image', made[0])
    self.assertEqual(made[0]['classes'].shape, (16, 16))


class SplitUpTest(SlicesCase):
  """With a network, whose last bits could differ where a toy's do not."""

  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    tf.keras.utils.set_random_seed(0)
    cls.networks = {
      'joint_generator': str(cls.save_joint(conformance_cases.MODELS[StyleGAN].make(0.0)))
    }

  @classmethod
  def save_joint(cls, model, contrasts=('DWI',)):
    shares = {'slice_shares': (0.0, 0.5, 0.75, *[1.0] * 9), 'lesion_shares': (0.5,) * 12}
    facts = {**cls.facts(), **shares, 'conditions': ('level', 'lesion'), 'contrasts': contrasts}
    model.export(cls.root / 'network', **facts)
    return cls.root / 'network'

  @staticmethod
  def facts():
    scheme = {**METADATA['label_scheme'], 'names': ['background', 'brain'], 'lesion_id': 2}
    classes = ('background', 'brain', 'lesion')
    return {'grid': {**tiny.GRID, 'shape': [8, 8, 12]}, 'label_scheme': scheme, 'classes': classes}

  def builder(self, data_dir=None, **fields):
    return super().builder(data_dir, **self.networks, **fields)

  def test_same_bytes_whole_resumed_and_among_more(self):
    whole = self.examples(self.builder(num_patients=4, seed=3))
    self.assertGreater(len(whole), 4 * 8)  # More than one batch of each patient.
    self.assertLen({example['image'].tobytes() for example in whole}, len(whole))
    more = self.examples(self.builder(num_patients=6, seed=3))
    self.assert_equal_bytes(whole, more[: len(whole)])
    cut = self.examples(self.builder(num_patients=0, num_slices=len(whole) - 2, seed=3))
    self.assert_equal_bytes(whole[:-2], cut)
    resumed, n_drawn = self._killed_and_resumed(num_patients=4, seed=3)
    self.assert_equal_bytes(whole, resumed)
    self.assertEqual(n_drawn, 2)
    other = self.examples(self.builder(num_patients=4, seed=4))
    self.assertNotAllEqual(other[0]['image'], whole[0]['image'])

  def _killed_and_resumed(self, **fields):
    """The slices of a build that was killed at its third patient, and how many came after that."""
    folder, draw, calls = tfds.testing.make_tmp_dir(), drawing.draw_slices, []

    def killed(generator, conditions, index, **options):
      if index >= 2:
        raise KeyboardInterrupt
      return draw(generator, conditions, index, **options)

    def counting(*args, **options):
      calls.append(args)
      return draw(*args, **options)

    with mock.patch.object(drawing, 'draw_slices', killed):
      with self.assertRaises(KeyboardInterrupt):
        self.builder(folder, **fields).download_and_prepare()
    with mock.patch.object(drawing, 'draw_slices', counting):
      made = self.examples(self.builder(folder, **fields))
    self.assertEmpty(list(Path(folder).rglob('*.npz')), 'the cache outlives the finished set')
    return made, len(calls)


class SplitUpTranslatedTest(SplitUpTest):
  """The same of classes that a second network turns into images."""

  @classmethod
  def setUpClass(cls):
    super(SplitUpTest, cls).setUpClass()
    tf.keras.utils.set_random_seed(0)
    masks = StyleGAN(
      style_mapping(5, 4, 1, n_conditions=2),
      style_generator((8, 8), 0, 3, 4, 32, 6),
      style_discriminator((8, 8), 0, 3, 32, 6, 2, n_conditions=2),
      n_contrasts=0,
    )
    translator = cls.root / 'translates'
    model = conformance_cases.MODELS[StyleTranslator].make(0.0)
    model.export(translator, **cls.facts(), contrasts=('DWI',))
    cls.networks = {'joint_generator': str(cls.save_joint(masks, ())), 'translator': str(translator)}


class ElsewhereTest(SlicesCase):
  def test_loads_in_a_process_without_this_package(self):
    builder = self.builder(seed=11)
    n = len(self.examples(builder))
    code = (
      'import sys, tensorflow_datasets as tfds\n'
      f'name = "synthetic_slices/{builder.builder_config.name}"\n'
      f'data = tfds.load(name, data_dir="{self.root}/data")\n'
      'print(len(list(data["train"])))\n'
      'assert not {"stroke_tfds", "keras_itm"} & set(sys.modules)\n'
    )
    done = subprocess.run(
      [sys.executable, '-c', code], cwd='/', capture_output=True, text=True, check=False
    )
    self.assertEqual(done.stdout.strip(), str(n), done.stderr)

  def test_is_opened_where_slices_are_expected_and_refused_elsewhere(self):
    builder = self.builder(seed=12)
    n, data_dir = len(self.examples(builder)), str(self.root / 'data')
    text = f'synthetic_slices/{builder.builder_config.name}:train'
    source = open_sources([text], data_dir, build=False, units=('slices', 'volumes'))[0]
    self.assertEqual((source.n_examples, source.holds_slices), (n, True))
    with self.assertRaisesRegex(InputError, 'holds slices, expected volumes'):
      open_sources([text], data_dir, build=False)
    with self.assertRaisesRegex(InputError, 'slices are not drawn, expected a part'):
      open_sources([f'{text}(2, seed=0)'], data_dir, build=False, units=('slices',))


class BuilderTest(tfds.testing.DatasetBuilderTestCase):
  """The checks that TFDS makes of every builder."""

  DATASET_CLASS = synthetic_slices.Builder
  SPLITS = {'train': 4}
  MOCK_OUT_FORBIDDEN_OS_FUNCTIONS = False  # A bundle is read from disk.
  SKIP_TF1_GRAPH_MODE = True  # Generators run eagerly.

  @classmethod
  def setUpClass(cls):
    root = Path(tfds.testing.make_tmp_dir())
    bundle = tiny.save_toy_joint(root / 'bundle', METADATA, **SlicesCase.FACTS)
    fields = {'joint_generator': str(bundle), 'num_slices': 4, 'audit': False}
    cls.config = synthetic_slices.SyntheticSlicesConfig(**fields).resolve()
    cls.BUILDER_CONFIG_NAMES_TO_TEST = [cls.config]
    cls.EXAMPLE_DIR = str(root)
    super().setUpClass()

  def _make_builder(self, config=None):
    # There is no default: a synthetic set is always made from somebody's generator.
    return super()._make_builder(config or self.config)


if __name__ == '__main__':
  tf.test.main()
