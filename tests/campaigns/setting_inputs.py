"""Settings: configs of `tfds build`, names of data, gin, grids and designs of studies."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gin
import numpy as np
import tensorflow_datasets as tfds

from launchers import (
  app,
  run_study_lib,
  segment_lib,
  train_itm_lib,
  train_lesion_gan_lib,
  train_unet_lib,
)
from launchers.prepare_options import read_grid
from launchers.study import checks, design
from launchers.study.regimes import read_arms
from launchers.study.tasks import Tasks
from stroke_tfds.sources import open_sources
from tests import tiny
from tests.campaigns.kinds import Kind
from tests.campaigns.mutations import mutate_json, mutate_text, to_bytes

_REGISTERED = (run_study_lib, segment_lib, train_itm_lib, train_lesion_gan_lib, train_unet_lib)
_GIN_WORDS = (
  *('@', '%', '()', 'include', "include 'x.gin'", 'train_unet.', 'macro', ' = ', '[', '{', "'", '"""'),
  *('1e400', '-', 'None', 'lambda: 0', '__import__', 'f(x)', '\n  ', '#', ':', '@tf.', 'a/b/', '\\\n'),
)
_SOURCE_WORDS = ('(', ')', 'seed=', 'train', '[:', '%]', ':', '@', '+', '//', 'mnist', '..', '1.0.0')
_ARMS = {
  'a': {'learns_from': {'clinical': 10}, 'epochs': 4, 'evaluated_epochs': 2, 'group': 'g'},
  'b': {
    'learns_from': {'clinical': 'all', 'S': 'all'},
    'start': 'a',
    'reference': 'a',
    'epochs': 4,
    'evaluated_epochs': [1, 2],
    'weights': {'clinical': 3, 'S': 1},
    'published': [1.0, 2.0],
    'system': 'S',
    'steps_per_epoch': 3,
    'bindings': ['fit.checks = False'],
  },
  '{source} alone': {'sources': ['S', 'L'], 'learns_from': {'{source}': 'all'}, 'epochs': 2},
}
_SYNTHETIC = {
  'S': {
    'translator': 'spade_mini.gin',
    'bindings': ['train_itm.epochs = 2'],
    'config': {'keep_scan': True},
  },
  'L': {'builder': 'lesion_fusion'},
  'B': {'set': 'a/b:train'},
}


class Configs(Kind):
  """--config of `tfds build`, checked as far as nothing is computed."""

  SHARE = 14

  def set_up(self) -> None:
    self.data = str(self.work / 'data')
    self.cohort = tiny.build_phantom(self.data, n_healthy=2, n_train=3, n_test=2)
    metadata = tfds.builder(self.cohort, data_dir=self.data).info.metadata
    bundles = tiny.save_toy_bundles(self.work, metadata)
    joint = tiny.save_toy_joint(self.work / 'joint', metadata, lesion_shares=[0.5] * 8)
    masks = tiny.save_toy_joint(self.work / 'mask_joint', metadata, 0, lesion_shares=[0.5] * 8)
    of_masks = tiny.save_toy_class_translator(self.work / 'of_masks', metadata)
    self.sound = _sound_configs(self.cohort, *map(str, (*bundles, joint, masks, of_masks)))
    # A second word tells two ways of a data set apart.
    self.classes = {name: tfds.builder_cls(name.split()[0]) for name in self.sound}

  def make(self, index: int, rng: random.Random) -> Callable[[], None]:
    name = rng.choice(list(self.sound))
    fields, builder_class = mutate_json(rng, self.sound[name]), self.classes[name]

    def build() -> None:
      if not isinstance(fields, dict):
        return  # TFDS itself refuses it.
      config = builder_class.builder_config_cls(**fields)
      builder_class(config=config, data_dir=self.data)

    return build


class SourceTexts(Configs):
  """`name/config:split(10, seed=0)`."""

  SHARE = 6

  def make(self, index: int, rng: random.Random) -> Callable[[], None]:
    splits = ('train', 'train(1, seed=0)', 'train[1:]', 'healthy+train', 'train[10%:]')
    sound = f'{self.cohort}:{rng.choice(splits)}'
    text = mutate_text(rng, sound, _SOURCE_WORDS)
    texts = [text] if rng.random() < 0.8 else [sound, text]

    def open_them() -> None:
      for source in open_sources(texts, self.data, build=False):
        assert source.n_examples and str(source)

    return open_them


class GinFiles(Kind):
  """Gin files and bindings."""

  SHARE = 10

  def set_up(self) -> None:
    assert all(_REGISTERED)
    root = Path(app.__file__).parents[1] / 'gin_configs'
    self.texts = [file.read_text() for file in sorted(root.rglob('*.gin'))]
    self.file = self.work / 'f.gin'

  def make(self, index: int, rng: random.Random) -> Callable[[], None]:
    text = rng.choice(self.texts)
    if rng.random() < 0.3:
      lines = [line for line in text.splitlines() if '=' in line] or ['a.b = 1']
      binding = mutate_text(rng, rng.choice(lines), _GIN_WORDS)
      return lambda: self._parse([], [binding])
    content = mutate_text(rng, text, _GIN_WORDS).encode('utf-8', 'surrogatepass')

    def parse_file() -> None:
      self.file.write_bytes(content)
      self._parse([str(self.file)], [])

    return parse_file

  def _parse(self, files: list[str], bindings: list[str]) -> None:
    gin.clear_config()
    try:
      app.parse_gin(files, bindings)
      gin.config_str()
    finally:
      gin.clear_config()


class Grids(Kind):
  """--grid of `prepare_data`."""

  SHARE = 4

  def make(self, index: int, rng: random.Random) -> Callable[[], None]:
    text = to_bytes(mutate_json(rng, tiny.GRID)).decode('utf-8', 'surrogatepass')
    if rng.random() < 0.3:
      text = mutate_text(rng, text)

    def read() -> None:
      grid = read_grid(text)
      assert to_bytes(grid.to_json()) and grid.voxel_volume_ml > 0
      assert np.isfinite(grid.affine).all(), 'a grid that lies nowhere'

    return read


class Studies(Kind):
  """Arms and synthetic sources."""

  SHARE = 6

  def make(self, index: int, rng: random.Random) -> Callable[[], None]:
    arms, synthetic = mutate_json(rng, _ARMS), mutate_json(rng, _SYNTHETIC)
    num_volumes, n_seeds = rng.choice([5, 5, 5, 0, -1]), rng.choice([1, 2, 0])

    def plan() -> None:
      made = design.read_synthetic(synthetic)
      study = design.Design(
        train='a/b:train',
        test='a/b:test',
        healthy='a/b:healthy[1:]',
        validation='a/b:healthy[:1]',
        unet='unet_mini.gin',
        lesion_gan='lesion_gan_mini.gin',
        synthetic=made,
        num_volumes=num_volumes,
        arms=read_arms(arms, made),
        seeds=design.read_seeds(n_seeds),
      )
      checks.check_names(study)
      for task in Tasks(study, self.work / 'study', 'data').all():
        assert task.name and task.title

    return plan


def _sound_configs(
  cohort: str,
  translator: str,
  lesion_generator: str,
  joint_generator: str,
  mask_generator: str,
  mask_translator: str,
) -> dict[str, dict[str, Any]]:
  derived = {'name': 'x', 'num_volumes': 2, 'seed': 0, 'min_voxels': 1}
  counts = {'n_healthy': 1, 'n_train': 1, 'n_test': 1, 'n_test_negative': 0, 'seed': 0}
  own = {'anatomy_dir': '', 'lesion_dir': '', 'anatomy_space': 'mni', 'intensity_scaling': 'percentile'}
  prepared = {'test_share': 0.2, 'contrasts': ['dwi'], 'negatives_in_test': 0.5, 'exclude': ['sub-1']}
  generators = {'translator': translator, 'lesion_generator': lesion_generator}
  options = {'max_draws': 3, 'equalize_slice_brightness': True, 'keep_scan': False, 'healthy_dir': ''}
  options |= {'audit': False, 'training_dir': '', 'nearest_quantile': 0.05, 'max_redraws': 2}
  slices = {'num_patients': 2, 'num_slices': 0, 'truncation': 0.5, 'share_lesion': 0.3, 'seed': 0}
  slices |= {'contrasts': ['DWI', 'ADC'], 'classes': list(tiny.JOINT_CLASSES), 'tries': 3, 'name': 'x'}
  slices |= {'audit': False, 'training_dir': '', 'nearest_quantile': 0.05, 'max_redraws': 2}
  of_masks = {'joint_generator': mask_generator, 'translator': mask_translator}
  return {
    'phantom_stroke': {'name': 'x', 'grid': tiny.GRID, **counts, **own},
    'bids_stroke': {'name': 'x', 'grid': tiny.GRID, 'seed': 0, **prepared, 'with_suspicious': True},
    'lesion_masks': {'name': 'x', 'grid': 'mini', 'seed': 0, 'test_share': 0.2},
    'lesion_fusion': {'clinical': cohort, 'healthy': f'{cohort}:healthy', **derived},
    'carvemix': {'clinical': f'{cohort}:train[:2]', **derived},
    'synthetic_stroke': {**generators, 'healthy': cohort, **derived, **options},
    'synthetic_slices': {'joint_generator': joint_generator, **slices},
    'synthetic_slices translated': {**of_masks, **slices},
  }
