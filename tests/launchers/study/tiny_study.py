"""A study small enough for tests: two arms, two seeds, lesion fusion as the synthetic source."""

import functools
import sys
from pathlib import Path
from typing import Any

import tensorflow_datasets as tfds

from launchers.run_study_lib import study_design
from launchers.study.design import Design
from tests import tiny

N_VOLUMES = 4
# Learns so little that it still takes thousands of voxels for lesion: numbers that tell runs apart.
UNET = """
include 'gin_configs/experiments/unet_mini.gin'
unet_3d.filters = (4, 8)
unet_3d.bottleneck_filters = 8
train_unet.min_voxels = 1
train_unet.steps_per_epoch = 2
train_unet.batch_size = 2
unet_3d.normalization = 'instance'
ConstantThenLinear.learning_rate = 1e-3
fit.checkpoint_every = 1
"""
LESION_GAN = """
include 'gin_configs/experiments/lesion_gan_mini.gin'
lesion_generator.filters = (8, 8)
lesion_generator.coarse_filters = 8
lesion_critic.filters = (8, 8)
"""
ARMS = {
  'clinical': {
    'learns_from': {'clinical': 'all'},
    'epochs': 2,
    'evaluated_epochs': 1,
    'group': 'clinical',
  },
  'clinical + lesion fusion': {
    'learns_from': {'clinical': 'all', 'lesion fusion': 'all'},
    'epochs': 2,
    'evaluated_epochs': 1,
    'group': 'clinical + synthetic',
  },
}


@functools.cache
def cohort() -> tuple[str, str]:
  """TFDS folder and name of a tiny cohort, made once: train has 6 lesions of 20 voxels or more."""
  data_dir = tfds.testing.make_tmp_dir()
  return data_dir, tiny.build_phantom(data_dir, n_train=10, n_test=6, n_test_negative=1)


@functools.cache
def gin_file(text: str) -> str:
  """A file with the text."""
  path = Path(tfds.testing.make_tmp_dir()) / 'tiny.gin'
  path.write_text(text)
  return str(path)


def fields(**changes: Any) -> dict[str, Any]:
  """Arguments of `study_design`."""
  _, name = cohort()
  return {
    'train': f'{name}:train',
    'test': f'{name}:test',
    'healthy': f'{name}:healthy[1:]',
    'validation': f'{name}:healthy[:1]',
    'unet': gin_file(UNET),
    'lesion_gan': gin_file(LESION_GAN),
    'synthetic': {'lesion fusion': {'builder': 'lesion_fusion'}},
    'num_volumes': N_VOLUMES,
    'arms': ARMS,
    'n_seeds': 2,
    **changes,
  }


def design(**changes: Any) -> Design:
  """The study as `run_study` reads it."""
  return study_design(**fields(**changes))


def arm(**changes: Any) -> dict[str, Any]:
  """Fields of an arm."""
  return {'learns_from': {'clinical': 'all'}, 'epochs': 3, 'evaluated_epochs': 2, **changes}


def command(workdir: Path, data_dir: Path, **changes: Any) -> list[str]:
  """The command of the study."""
  return command_of(fields(**changes), workdir, data_dir)


def command_of(given: dict[str, Any], workdir: Path, data_dir: Path) -> list[str]:
  """The command of a study by its arguments of `study_design`."""
  file = workdir.with_suffix('.gin')
  lines = [f'run_study.{name} = {value!r}' for name, value in given.items()]
  file.write_text('\n'.join(['import launchers.run_study_lib', *lines]) + '\n')
  options = [f'--gin_file={file}', f'--workdir={workdir}', f'--data_dir={data_dir}']
  return [sys.executable, '-m', 'launchers.run_study', *options]
