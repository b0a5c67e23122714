"""Tiny data through the whole chain, and what a second run does."""

import json
from collections.abc import Callable
from pathlib import Path

import gin
import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from keras_itm.callbacks import read_metrics
from launchers import app
from launchers.report_lib import write_report
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
    self.cohort = tiny.build_phantom(self.data_dir, n_train=6)

  def tearDown(self):
    gin.clear_config()
    super().tearDown()

  def train(self, root: Callable[..., None], folder: str, **values) -> Path:
    """Runs a launcher's root function on the tiny cohort, by its shipped mini file."""
    gin_file, sizes = _TRAININGS[root.__name__]
    given = {'epochs': 2, 'steps_per_epoch': 2, 'batch_size': 2, **values}
    gin.clear_config()
    app.parse_gin(
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
    lesions = self.train(train_lesion_gan, 'lesion_gan')
    translator = self.train(train_itm, 'translator')
    config = SyntheticStrokeConfig(
      translator=str(translator / 'bundle'),
      lesion_generator=str(lesions / 'bundle'),
      healthy=self.cohort,
      num_volumes=3,
      # Hardly trained generators cannot be expected to fill 20 voxels of 0.6 ml.
      min_voxels=1,
      max_draws=200,
    )
    builder = tfds.builder('synthetic_stroke', config=config, data_dir=self.data_dir)
    builder.download_and_prepare()
    synthetic = f'synthetic_stroke/{builder.builder_config.name}'
    clinical = f'{self.cohort}:train[:3]'
    arms = {'clinical': [clinical], 'clinical + synthetic': [clinical, f'{synthetic}:train']}
    runs = {
      arm: str(self.train(train_unet, f'unet {arm}', sources=sources)) for arm, sources in arms.items()
    }
    write_report(
      str(self.root),
      clinical=self.cohort,
      synthetic=synthetic,
      lesion_gan_run=str(lesions),
      translator_run=str(translator),
      arms=runs,
      stage_seconds={'translator': 1.0},
      data_dir=self.data_dir,
    )
    summary = json.loads((self.root / 'summary.json').read_text())
    self.assertEqual(set(summary['arms']), set(arms))
    self.assertEqual(summary['arms']['clinical']['n_cases'], 2)
    self.assertEqual(summary['stage_seconds'], {'translator': 1.0})
    self.assertIn('<html', (self.root / 'report.html').read_text()[:2000])

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
