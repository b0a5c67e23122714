"""Every system in two contrasts, DWI and ADC, from their files for one."""

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds
from absl.testing import parameterized

from keras_itm.bundle import load_bundle
from keras_itm.synthesis import translate
from launchers.compare_translators_lib import compare_translators
from launchers.evaluate_slices_lib import evaluate_slices
from stroke_tfds.sources import open_sources
from stroke_tfds.synthetic_slices import SyntheticSlicesConfig
from stroke_tfds.synthetic_stroke import SyntheticStrokeConfig
from tests import tiny
from tests.launchers import small_systems

_NAMES = ('DWI', 'ADC')
_TRANSLATORS = ('spade_mini.gin', 'cyclegan_mini.gin', 'flow_mini.gin')
_STEP = {'epochs': 1, 'steps_per_epoch': 1}


class ContrastsTest(small_systems.SystemsTestCase, parameterized.TestCase):
  FIELDS = {'contrasts': _NAMES}

  def build(self, name, config):
    """Builds a set and returns its name, images and metadata."""
    builder = tfds.builder(name, config=config, data_dir=self.data_dir)
    builder.download_and_prepare()
    stored = tfds.as_numpy(builder.as_dataset(split='train'))
    images = np.stack([example['image'] for example in stored])
    return f'{name}/{builder.builder_config.name}', images, builder.info.metadata

  @parameterized.parameters(*_TRANSLATORS)
  def test_a_translator_draws_both(self, system):
    bundle = load_bundle(self.train(system, system, **_STEP) / 'bundle')
    (source,) = open_sources([f'{self.cohort}:train'], self.data_dir)
    case = next(source.examples().as_numpy_iterator())
    image = translate(bundle, case['labels'], case['lesion'], 0, seed=0)
    self.assertEqual(image.shape, (32, 32, 8, 2))
    # Each has noise or weights of its own.
    self.assertGreater(image.std(axis=(0, 1, 2)).min(), 0)
    self.assertNotAllClose(image[..., 0], image[..., 1])

  def test_from_generators_to_a_segmenter(self):
    """A synthetic set has both; a U-Net learns from it and patients, and each changes what it says."""
    translator = self.train('pix2pix10_mini.gin', 'pix2pix10', **_STEP) / 'bundle'
    (source,) = open_sources([f'{self.cohort}:healthy'], self.data_dir)
    _, lesions = tiny.save_toy_bundles(self.folder, source.metadata)
    few = {'healthy': f'{self.cohort}:healthy', 'num_volumes': 2, 'min_voxels': 1, 'audit': False}
    config = SyntheticStrokeConfig(translator=str(translator), lesion_generator=str(lesions), **few)
    name, images, metadata = self.build('synthetic_stroke', config)
    self.assertEqual((images.shape, metadata['contrasts']), ((2, 32, 32, 8, 2), [*_NAMES]))
    learnt = [f'{self.cohort}:train', f'{name}:train']
    run = self.train('unet_mini.gin', 'unet', f'train_unet.sources = {learnt}', **_STEP)
    segmenter = load_bundle(run / 'bundle')
    self.assertEqual(segmenter.spec.contrasts, _NAMES)
    says = lambda volumes: segmenter.call(image=volumes.astype(np.float32)).numpy()
    for contrast in range(2):
      changed = images.copy()
      changed[..., contrast] = 1 - changed[..., contrast]
      self.assertNotAllClose(says(images), says(changed))
    compare_translators(
      str(self.folder / 'compared'),
      self.data_dir,
      bundles={'Pix2Pix10': str(translator)},
      source=f'{self.cohort}:test',
    )
    self.assertIn('Pix2Pix10', (self.folder / 'compared' / 'comparison.csv').read_text())

  def test_slices_with_their_classes(self):
    joint = self.train('stylegan_joint_mini.gin', 'joint', **_STEP) / 'bundle'
    config = SyntheticSlicesConfig(joint_generator=str(joint), num_slices=3, tries=1)
    _, images, metadata = self.build('synthetic_slices', config)
    self.assertEqual((images.shape, metadata['contrasts']), ((3, 32, 32, 2), [*_NAMES]))
    evaluate_slices(
      str(self.folder / 'evaluated'),
      self.data_dir,
      bundle=str(joint),
      real=[f'{self.cohort}:train'],
      held_out=f'{self.cohort}:test',
      number=16,
    )
    table = (self.folder / 'evaluated' / 'fidelity.csv').read_text()
    for name in _NAMES:
      self.assertIn(name, table)


if __name__ == '__main__':
  tf.test.main()
