"""Every system by its shipped mini file, small enough for tests, trained through its launcher."""

import importlib
from pathlib import Path

import gin
import tensorflow as tf

from launchers import gin_files
from tests import tiny

SIZES = {
  'pix2pix10_mini.gin': ['pix2pix_unet.filters = (8, 16, 16)', 'patch_gan.filters = (4, 8, 8)'],
  'spade_mini.gin': [
    'spade_generator.filters = (8, 8)',
    'spade_generator.hidden_filters = 8',
    'spade_generator.full_resolution_filters = 8',
    'image_encoder.filters = (4, 8)',
    'patch_gan.filters = (4, 8, 8)',
    'patch_gan.normalised = (False, True, True)',
  ],
  'cyclegan_mini.gin': [
    'resnet_generator.filters = 4',
    'resnet_generator.n_blocks = 1',
    'patch_gan.filters = (4, 8, 8)',
    'CycleGAN.pool_size = 6',
  ],
  'flow_mini.gin': [
    'flow_unet_3d.filters = (8, 8)',
    'flow_unet_3d.blocks = (1, 1)',
    'RectifiedFlow.n_steps = 1',
  ],
  'lesion_gan_mini.gin': [
    'lesion_generator.filters = (8, 8)',
    'lesion_generator.coarse_filters = 8',
    'lesion_critic.filters = (8, 8)',
    'train_lesion_gan.min_voxels = 1',
  ],
  'stylegan_joint_mini.gin': [
    'style_mapping.latent_size = 8',
    'style_mapping.style_size = 8',
    'style_generator.base = 64',
    'style_generator.max_filters = 8',
    'style_discriminator.base = 64',
    'style_discriminator.max_filters = 8',
  ],
  'unet_mini.gin': [
    'unet_3d.filters = (4, 8)',
    'unet_3d.bottleneck_filters = 8',
    'train_unet.min_voxels = 1',
  ],
}
# StyleGAN2 goes through precisions and devices in `conformance_test`.
SYSTEMS = tuple(name for name in SIZES if not name.startswith('stylegan'))


def launcher(system: str) -> tuple[str, str]:
  """Module and root function that train a system."""
  families = {
    'lesion_gan': 'train_lesion_gan',
    'stylegan_joint': 'train_style_gan',
    'stylegan_masks': 'train_style_gan',
    'unet': 'train_unet',
  }
  root = next((name for family, name in families.items() if system.startswith(family)), 'train_itm')
  return f'{root}_lib', root


def bindings(system: str, cohort: str, **values) -> list[str]:
  """Gin bindings for a few steps on a cohort of `tiny.build_phantom`."""
  root = launcher(system)[1]
  values = {'epochs': 3, 'steps_per_epoch': 3, 'batch_size': 2, **values}
  return [
    *SIZES[system],
    f"clinical = ['{cohort}:train']",
    f"clinical_test = '{cohort}:test'",
    f"itm_train = ['{cohort}:train']",
    f"itm_validation = ['{cohort}:healthy[:1]']",
    *(f'{root}.{name} = {value!r}' for name, value in values.items()),
  ]


def train(system: str, workdir: Path, data_dir: str, lines: list[str]) -> None:
  """Runs a system's launcher in this process under its mini file and the bindings."""
  module, root = launcher(system)
  function = getattr(importlib.import_module(f'launchers.{module}'), root)
  gin.clear_config()
  try:
    gin_files.parse_gin([system], lines)
    function(workdir=str(workdir), data_dir=data_dir)
  finally:
    gin.clear_config()


class SystemsTestCase(tiny.CohortTestCase):
  """Trains systems on a tiny cohort."""

  def tearDown(self):
    tf.keras.mixed_precision.set_global_policy('float32')
    super().tearDown()

  def train(self, system: str, name: str, *lines: str, **values) -> Path:
    """Trains in the run folder of a name and returns it."""
    made = [*bindings(system, self.cohort, **values), *lines]
    train(system, self.folder / name, self.data_dir, made)
    return self.folder / name
