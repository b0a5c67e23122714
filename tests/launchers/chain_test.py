"""Tiny data through the whole chain, and what a second run does."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gin
import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from keras_itm.callbacks import read_metrics
from launchers import gin_files
from launchers.run_study_lib import run_study, study_design
from launchers.train_itm_lib import train_itm
from launchers.train_lesion_gan_lib import train_lesion_gan
from launchers.train_unet_lib import train_unet
from stroke_tfds.synthetic_stroke import SyntheticStrokeConfig
from tests import tiny

_TRAININGS = {
  'train_itm': (
    'pix2pix10_mini.gin',
    ['pix2pix_unet.filters = (8, 16, 16)', 'patch_gan.filters = (8, 16, 16)'],
  ),
  'train_lesion_gan': (
    'lesion_gan_mini.gin',
    [
      'lesion_generator.filters = (8, 8)',
      'lesion_generator.coarse_filters = 8',
      'lesion_critic.filters = (8, 8)',
    ],
  ),
  'train_unet': (
    'unet_mini.gin',
    ['unet_3d.filters = (4, 8)', 'unet_3d.bottleneck_filters = 8', 'train_unet.min_voxels = 1'],
  ),
}


class ChainTest(tf.test.TestCase):
  def setUp(self):
    super().setUp()
    self.root = Path(tfds.testing.make_tmp_dir())
    self.data_dir = str(self.root / 'data')
    self.cohort = tiny.build_phantom(self.data_dir, n_train=6, n_test=6, n_test_negative=1)

  def tearDown(self):
    gin.clear_config()
    super().tearDown()

  def train(self, root: Callable[..., None], folder: str, **values) -> Path:
    """Runs a launcher's root function on the tiny cohort, by its shipped mini file."""
    gin_file, sizes = _TRAININGS[root.__name__]
    given = {'epochs': 2, 'steps_per_epoch': 2, 'batch_size': 2, **values}
    gin.clear_config()
    gin_files.parse_gin(
      [gin_file],
      [
        *sizes,
        f"clinical = ['{self.cohort}:train']",
        f"clinical_test = '{self.cohort}:test'",
        f"itm_train = ['{self.cohort}:healthy[1:]', '{self.cohort}:train']",
        f"itm_validation = ['{self.cohort}:healthy[:1]']",
        *(f'{root.__name__}.{name} = {value!r}' for name, value in given.items()),
      ],
    )
    root(workdir=str(self.root / folder), data_dir=self.data_dir)
    return self.root / folder

  def test_from_a_cohort_to_the_report(self):
    """Trained here, where it is quick, so that the study finds every stage done."""
    seed = 'study/seed_0'
    lesions = self.train(train_lesion_gan, f'{seed}/generators/lesion_GAN')
    translator = self.train(train_itm, f'{seed}/generators/Pix2Pix10')
    for run in (lesions, translator):
      facts = json.loads((run / 'bundle' / 'bundle.json').read_text())
      self.assertEqual(facts['licences'], ['Apache 2.0'])
    # Hardly trained generators cannot be expected to fill 20 voxels of 0.6 ml, nor to pass an audit.
    few = {'min_voxels': 1, 'max_draws': 200, 'audit': False}
    config = SyntheticStrokeConfig(
      translator=str(translator / 'bundle'),
      lesion_generator=str(lesions / 'bundle'),
      healthy=f'{self.cohort}:healthy[1:]',
      num_volumes=3,
      seed=0,
      **few,
    )
    builder = tfds.builder('synthetic_stroke', config=config, data_dir=self.data_dir)
    builder.download_and_prepare()
    synthetic = f'synthetic_stroke/{builder.builder_config.name}:train'
    clinical = f'{self.cohort}:train'
    for arm, learnt in (('clinical', [clinical]), ('both', [clinical, synthetic])):
      self.train(train_unet, f'{seed}/{arm}', sources=learnt, evaluated_epochs=(2, 2))
    self.study(config=few)
    root = self.root / 'study'
    summary = json.loads((root / 'summary.json').read_text())
    self.assertEqual(list(summary['arms']), ['clinical', 'both'])
    self.assertEqual(summary['arms']['clinical']['n_cases'], 5)
    self.assertEqual(summary['sanity']['lesion_voxels_outside_parenchyma'], 0)
    page = (root / 'report.html').read_text()
    numbers = [int(number) for number in re.findall(r'<h2>Figure (\d+)\.', page)]
    self.assertContainsSubset([2, 3, 4, 5, 6, 8, 13, 14], numbers)
    self.assertIn('<h2>Table 4.', page)

  def study(self, config: dict[str, Any]) -> None:
    """Two arms and one seed on what is trained."""
    arm = lambda *sources: {
      'learns_from': dict.fromkeys(sources, 'all'),
      'epochs': 2,
      'evaluated_epochs': 1,
    }
    gin.clear_config()
    design = study_design(
      train=f'{self.cohort}:train',
      test=f'{self.cohort}:test',
      healthy=f'{self.cohort}:healthy[1:]',
      validation=f'{self.cohort}:healthy[:1]',
      unet=self.sized('train_unet'),
      lesion_gan=self.sized('train_lesion_gan'),
      synthetic={'Pix2Pix10': {'translator': self.sized('train_itm'), 'config': config}},
      num_volumes=3,
      arms={'clinical': arm('clinical'), 'both': arm('clinical', 'Pix2Pix10')},
      n_seeds=1,
    )
    run_study(str(self.root / 'study'), self.data_dir, design)

  def sized(self, root: str) -> str:
    """A file with the networks of a training."""
    gin_file, sizes = _TRAININGS[root]
    path = self.root / f'{root}.gin'
    path.write_text('\n'.join([f"include 'gin_configs/experiments/{gin_file}'", *sizes, '']))
    return str(path)

  def test_a_run_resumes_after_its_last_checkpoint_as_if_never_stopped(self):
    whole = self.train(train_unet, 'whole', epochs=4)
    # A run of two epochs is what a run of four leaves when it is killed after the second.
    half = self.train(train_unet, 'half', epochs=2)
    (half / 'finished.json').unlink()
    config = (half / 'config.gin').read_text().replace('epochs = 2', 'epochs = 4')
    (half / 'config.gin').write_text(config)
    tf.io.gfile.rmtree(str(half / 'bundle'))
    self.train(train_unet, 'half', epochs=4)
    first, second = read_metrics(whole / 'metrics.csv'), read_metrics(half / 'metrics.csv')
    self.assertEqual([row['epoch'] for row in second], [1, 2, 3, 4])
    for one, other in zip(first, second):
      self.assertAllClose(one['loss'], other['loss'], rtol=1e-4)
    predicted = [np.load(run / 'test_predictions.npz') for run in (whole, half)]
    self.assertAllEqual(*([file[name] for name in sorted(file)] for file in predicted))

  def test_a_finished_run_is_left_alone(self):
    run = self.train(train_lesion_gan, 'lesion_gan')
    before = {path: path.stat().st_mtime_ns for path in run.rglob('*')}
    self.train(train_lesion_gan, 'lesion_gan')
    self.assertEqual(before, {path: path.stat().st_mtime_ns for path in run.rglob('*')})


if __name__ == '__main__':
  tf.test.main()
