"""Every shipped gin file parses, builds its networks and takes one training step at its own size."""

import importlib
import importlib.resources
import json
from pathlib import Path
from unittest import mock

import gin
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds
from absl.testing import parameterized

from launchers import fitting, gin_files
from launchers.run_study_lib import study_design
from launchers.study.arms import read_arm
from launchers.study.checks import check_names
from tests import tiny
from tests.launchers import small_systems

_fit = fitting.fit
_FOLDER = Path(str(importlib.resources.files('gin_configs'))) / 'experiments'
_ARMS = Path(__file__).parent / 'study' / 'paper_arms.json'
_ALL = sorted(path.name for path in _FOLDER.glob('*.gin'))
_STUDIES = [name for name in _ALL if name == 'demo.gin' or ('_study_' in name and 'unet' not in name)]
# More than a minute each; their mini files take the same way, and `describe` builds their networks.
_LARGE = [
  'cyclegan_paper.gin',
  'flow_paper.gin',
  'pix2pix_resnet_paper.gin',
  'stylegan_joint_paper.gin',
  'stylegan_mask_translator_paper.gin',
  'stylegan_masks_paper.gin',
  'stylegan_son_paper.gin',
  'stylegan_translator_paper.gin',
]
_TRAININGS = [name for name in _ALL if name not in (*_STUDIES, *_LARGE)]


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
    self.train_one_step(name)

  @parameterized.parameters(_LARGE)
  @pytest.mark.slow
  def test_trains_one_step_at_large_size(self, name):
    self.train_one_step(name)

  def train_one_step(self, name):
    module, root = small_systems.launcher(name)
    launcher = getattr(importlib.import_module(f'launchers.{module}'), root)
    cohort = self.cohorts['paper' if 'paper' in name else 'mini']
    bindings = [
      f"clinical = ['{cohort}:train']",
      f"clinical_test = '{cohort}:test'",
      f"itm_train = ['{cohort}:train']",
      f"itm_validation = ['{cohort}:healthy']",
      f'{root}.epochs = 1',
      # The flow's last layers begin at 0, and what is before them moves after them.
      f'{root}.steps_per_epoch = {3 if name.startswith("flow") else 1}',
      f'{root}.batch_size = 1',
    ]
    bindings += ['train_unet.min_voxels = 0'] * (root == 'train_unet')
    gin.clear_config()
    gin_files.parse_gin([name], bindings)
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

  def test_files_are_found_by_their_bare_names(self):
    names = [path.name for path in _FOLDER.parent.rglob('*.gin')]
    self.assertLen(set(names), len(names))

  def test_what_is_shared_has_more_than_one_user(self):
    texts = [path.read_text() for path in _FOLDER.parent.rglob('*.gin')]
    for path in (_FOLDER.parent / 'training').glob('*.gin'):
      line = f"include 'gin_configs/training/{path.name}'"
      self.assertGreater(sum(line in text for text in texts), 1, path.name)

  def test_every_experiment_opens_with_its_command_and_hardware(self):
    for name in _ALL:
      head = (_FOLDER / name).read_text().split('\n\n')[0]
      self.assertIn(f'--gin_file={name}', head)
      self.assertRegex(head, 'CPU|GPU')
      self.assertRegex(head, 'minute|quarter of an hour|GPU')
      self.assertRegex(head, 'Expected: ')


class StudiesTest(tf.test.TestCase, parameterized.TestCase):
  def tearDown(self):
    gin.clear_config()
    super().tearDown()

  def design(self, name):
    gin.clear_config()
    gin_files.parse_gin([name], [])
    return study_design()

  @parameterized.parameters(('mini', 23), ('paper', 20))
  def test_regimes_stand_for_the_arms_of_the_paper_in_their_order(self, size, n_arms):
    design = self.design(f'phantom_study_{size}.gin')
    check_names(design)
    self.assertLen(design.seeds, 3)
    # All their fields that are not defaults, in the order of the report.
    expected = json.loads(_ARMS.read_text())[size]
    self.assertLen(expected, n_arms)
    self.assertEqual([arm.name for arm in design.arms], list(expected))
    for arm in design.arms:
      self.assertEqual(arm, read_arm(arm.name, expected[arm.name], list(expected)))

  @parameterized.parameters(_STUDIES)
  def test_bindings_of_each_arm_fit_its_segmenter(self, name):
    design = self.design(name)
    for arm in design.arms:
      gin.clear_config()
      gin_files.parse_gin([design.unet], list(arm.bindings))

  def test_arms_of_the_mini_study_have_as_many_steps_synthetic_cases_alone_the_first_of_them(self):
    arms = {arm.name: arm for arm in self.design('phantom_study_mini.gin').arms}
    epochs = {
      name: arm.epochs + (arms[arm.start].epochs if arm.start else 0) for name, arm in arms.items()
    }
    synthetic = {name for name, arm in arms.items() if arm.group == 'synthetic'}
    self.assertEqual({epochs[name] for name in epochs.keys() - synthetic}, {21})
    self.assertEqual({epochs[name] for name in synthetic}, {14})


if __name__ == '__main__':
  tf.test.main()
