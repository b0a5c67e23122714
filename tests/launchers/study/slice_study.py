"""A study of slices small enough for tests: gliomas drawn at once or in two steps, in some numbers."""

from pathlib import Path
from typing import Any

from launchers.run_study_lib import study_design
from launchers.study.design import Design
from stroke_tfds.phantom_tumour.phantom_tumour_dataset_builder import Builder, PhantomTumourConfig
from tests import tiny
from tests.launchers import small_systems
from tests.launchers.study import tiny_study
from tests.launchers.study.tiny_study import gin_file

UNET = """
include 'gin_configs/experiments/unet_slices_study_mini.gin'
unet_2d.filters = (4, 8)
unet_2d.bottleneck_filters = 8
train_unet.min_voxels = 1
train_unet.steps_per_epoch = 2
train_unet.batch_size = 2
fit.checkpoint_every = 1
"""
_SIZES = small_systems.SIZES['stylegan_joint_mini.gin']
JOINT = '\n'.join(
  [
    "include 'gin_configs/experiments/stylegan_joint_mini.gin'",
    *_SIZES,
    'train_style_gan.epochs = 1',
    'train_style_gan.steps_per_epoch = 2',
    'train_style_gan.batch_size = 4',
  ]
)
MASKS = JOINT.replace('stylegan_joint_mini', 'stylegan_masks_mini')
TRANSLATOR = '\n'.join(
  [
    "include 'gin_configs/experiments/stylegan_mask_translator_mini.gin'",
    *_SIZES,
    'train_itm.epochs = 1',
    'train_itm.steps_per_epoch = 2',
    'train_itm.batch_size = 4',
  ]
)
TWO_STEPS = 'masks then images'
UNAUDITED = {'audit': False}  # Of two patients copies cannot be told.

CONFIG = PhantomTumourConfig(
  name='tiny', grid=tiny.GRID, n_healthy=1, n_train=2, n_test=2, contrasts=('T1', 'FLAIR')
)
COHORT = f'phantom_tumour/{CONFIG.name}'


def build(data_dir: Path) -> None:
  """The tiny cohort of gliomas, in a TFDS folder."""
  Builder(config=CONFIG, data_dir=str(data_dir)).download_and_prepare()


def fields(**changes: Any) -> dict[str, Any]:
  """Arguments of `study_design`, as `tiny_study.fields`."""
  short = {'epochs': 2, 'evaluated_epochs': 1}
  return {
    'train': f'{COHORT}:train',
    'test': f'{COHORT}:test',
    'validation': f'{COHORT}:healthy',
    'unet': gin_file(UNET),
    'synthetic': {
      'joint': {'joint_generator': gin_file(JOINT), 'config': UNAUDITED},
      'near the mean': {
        'joint_generator': gin_file(JOINT),
        'config': {'truncation': 0.5, **UNAUDITED},
      },
      TWO_STEPS: {
        'joint_generator': gin_file(MASKS),
        'translator': gin_file(TRANSLATOR),
        'config': UNAUDITED,
      },
    },
    'num_volumes': 3,
    'arms': {
      'real': {'learns_from': {'clinical': 'all'}, **short},
      'real + {count}': {
        'counts': [1, 3],
        'learns_from': {'clinical': 'all', 'joint': '{count}'},
        'n_slices': {'clinical': 9, 'joint': 2},
        **short,
      },
      'generated': {'learns_from': {'near the mean': 'all'}, **short},
      'translated': {'learns_from': {'clinical': 'all', TWO_STEPS: 2}, **short},
    },
    'n_seeds': 1,
    **changes,
  }


def design(**changes: Any) -> Design:
  """The study as `run_study` reads it."""
  return study_design(**fields(**changes))


def command(workdir: Path, data_dir: Path, **changes: Any) -> list[str]:
  """The command of the study."""
  return tiny_study.command_of(fields(**changes), workdir, data_dir)
