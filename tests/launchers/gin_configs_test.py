"""Every shipped gin file parses, builds its networks and takes one training step at its own size."""

import importlib
import importlib.resources
from pathlib import Path
from unittest import mock

import gin
import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds
from absl.testing import parameterized

from launchers import app, fitting
from tests import tiny
from tests.launchers import small_systems

_fit = fitting.fit
_FOLDER = Path(str(importlib.resources.files('gin_configs'))) / 'experiments'
_TRAININGS = sorted(path.name for path in _FOLDER.glob('*.gin') if path.name != 'demo.gin')


class GinConfigsTest(tf.test.TestCase, parameterized.TestCase):
  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    cls.data_dir = tfds.testing.make_tmp_dir()
    counts = {'n_healthy': 1, 'n_train': 2, 'n_test': 1, 'n_test_negative': 0}
    cls.cohorts = {
      size: tiny.build_phantom(cls.data_dir, grid=grid, **counts)
      for size, grid in (('paper', 'mni_128x128x32'), ('mini', 'mini'))
    }

  def tearDown(self):
    gin.clear_config()
    super().tearDown()

  @parameterized.parameters(_TRAININGS)
  def test_trains_one_step(self, name):
    module, root = small_systems.launcher(name)
    launcher = getattr(importlib.import_module(f'launchers.{module}'), root)
    cohort = self.cohorts['paper' if 'paper' in name else 'mini']
    bindings = [
      f"clinical = ['{cohort}:train']",
      f"clinical_test = '{cohort}:test'",
      f"itm_train = ['{cohort}:train']",
      f"itm_validation = ['{cohort}:healthy']",
      f'{root}.epochs = 1',
      f'{root}.steps_per_epoch = 1',
      f'{root}.batch_size = 1',
    ]
    bindings += ['train_unet.min_voxels = 0'] * (root == 'train_unet')
    gin.clear_config()
    app.parse_gin([name], bindings)
    workdir = Path(self.get_temp_dir()) / name
    with mock.patch.object(fitting, 'fit', self.fit):
      launcher(workdir=str(workdir), data_dir=self.data_dir)
    self.assertTrue((workdir / 'finished.json').exists())
    self.assertTrue((workdir / 'bundle' / 'bundle.json').exists())
    self.assertIn(f'{root}.seed = 0', (workdir / 'operative_config.gin').read_text())

  def fit(self, run, model, make_dataset, **options):
    """Trains as ever; each kernel must have moved. Biases before a normalisation need not."""
    before = [variable.numpy() for variable in model.trainable_variables]
    _fit(run, model, make_dataset, **options)
    for old, variable in zip(before, model.trainable_variables):
      if 'kernel' in variable.name:
        self.assertTrue(np.any(old != variable.numpy()), variable.name)

  def test_every_experiment_opens_with_its_command_and_hardware(self):
    for name in [*_TRAININGS, 'demo.gin']:
      head = (_FOLDER / name).read_text().split('\n\n')[0]
      self.assertIn(f'--gin_file={name}', head)
      self.assertRegex(head, 'CPU|GPU')
      self.assertRegex(head, 'minute|quarter of an hour|GPU')
      self.assertRegex(head, 'Expected: ')


if __name__ == '__main__':
  tf.test.main()
