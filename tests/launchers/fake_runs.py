"""Small data sets and run folders, made up, for the tests of the report."""

import csv
import json
from pathlib import Path

import numpy as np
import tensorflow_datasets as tfds

from stroke_tfds import example
from stroke_tfds.imaging.grid import Grid
from stroke_tfds.label_schemes import ASEG28

GRID = Grid('tiny', (20, 24, 6), (6.0, 6.0, 12.0), (-60.0, -72.0, -24.0))


def make_volume(
  rng: np.random.Generator, has_lesion: bool = True
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
  """Image (X, Y, Z, 1), labels and lesion: an ellipsoid of two hemispheres with a bright ball."""
  axes = np.meshgrid(*(np.arange(n) for n in GRID.shape), indexing='ij')
  radius = np.sqrt(sum(((a - (n - 1) / 2) / (0.42 * n)) ** 2 for a, n in zip(axes, GRID.shape)))
  left, right = ASEG28.id_of('left cerebral cortex'), ASEG28.id_of('right cerebral cortex')
  labels = np.where(radius < 1, np.where(axes[0] < GRID.shape[0] / 2, left, right), 0)
  labels[radius < 0.25] = ASEG28.id_of('left lateral ventricle')
  lesion = np.zeros(GRID.shape, bool)
  if has_lesion:
    centre = [n * rng.uniform(0.3, 0.7) for n in GRID.shape]
    size = rng.uniform(1.7, 3.5)
    lesion = sum((a - c) ** 2 for a, c in zip(axes, centre)) < size**2
    lesion &= np.isin(labels, ASEG28.parenchyma_ids)
  image = np.where(labels > 0, 0.35, 0.02) + 0.4 * lesion + rng.normal(0, 0.03, GRID.shape)
  return np.clip(image, 0, 1)[..., np.newaxis], labels, lesion.astype(np.uint8)


class _FakeSet(tfds.core.GeneratorBasedBuilder, skip_registration=True):
  """Writes the splits that its config holds."""

  VERSION = tfds.core.Version('1.0.0')

  def __init__(self, splits: dict[str, list[dict]], **kwargs):
    self._splits = splits
    super().__init__(**kwargs)

  def _info(self) -> tfds.core.DatasetInfo:
    metadata = example.metadata(GRID, ASEG28, ('DWI',), 'fake', ['CC0 1.0'])
    features = example.features(GRID, ('DWI',))
    return tfds.core.DatasetInfo(builder=self, features=features, metadata=metadata)

  def _split_generators(self, dl_manager):
    return {name: self._generate_examples(cases) for name, cases in self._splits.items()}

  def _generate_examples(self, cases):
    for case in cases:
      yield case['subject_id'], case


class FakeClinical(_FakeSet, skip_registration=True):
  BUILDER_CONFIGS = [tfds.core.BuilderConfig(name='tiny')]


class FakeSynthetic(_FakeSet, skip_registration=True):
  BUILDER_CONFIGS = [tfds.core.BuilderConfig(name='tiny')]


def make_examples(prefix: str, n: int, seed: int, n_negative: int = 0, provenance=None) -> list[dict]:
  """Examples of which the last `n_negative` have no lesion."""
  rng = np.random.default_rng(seed)
  return [
    example.make_example(
      *make_volume(rng, i < n - n_negative),
      grid=GRID,
      subject_id=f'{prefix}_{i:03d}',
      provenance=provenance(i) if provenance else {'source': 'fake'},
    )
    for i in range(n)
  ]


def write_sets(data_dir: str) -> list[dict]:
  """Writes fake_clinical/tiny and fake_synthetic/tiny; returns the test examples."""
  test = make_examples('test', 8, 2, n_negative=3)
  clinical = {
    'healthy': make_examples('healthy', 4, 0, n_negative=4),
    'train': make_examples('train', 6, 1),
    'test': test,
  }
  FakeClinical(clinical, data_dir=data_dir, config='tiny').download_and_prepare()
  facts = lambda i: {
    'source': 'synthetic_stroke',
    'healthy_parent': f'healthy_{i % 4:03d}',
    'healthy_source': 'fake_clinical/tiny:healthy',
    'lesion_draws': 2,
    'lesion_draw_voxels': [i, 40],
  }
  made = {'train': make_examples('made', 5, 3, 0, facts)}
  FakeSynthetic(made, data_dir=data_dir, config='tiny').download_and_prepare()
  return test


def write_run(folder: Path, metrics: dict[str, list[float]], n_epochs: int = 5) -> Path:
  """Writes metrics.csv and finished.json of a run with 10 steps and 2.5 s per epoch."""
  folder.mkdir(parents=True)
  with (folder / 'metrics.csv').open('w', newline='') as file:
    writer = csv.writer(file)
    writer.writerow(['epoch', 'step', 'seconds', *metrics])
    for i in range(n_epochs):
      values = [column[i] for column in metrics.values()]
      writer.writerow([i + 1, 10 * (i + 1), 2.5 * (i + 1), *values])
  (folder / 'finished.json').write_text(json.dumps({'epochs': n_epochs}))
  return folder


def write_unet_run(folder: Path, test: list[dict], shift: int, n_epochs: int = 5) -> Path:
  """A U-Net run whose predictions are the truth moved by `shift` voxels along X."""
  falling = [1 / (i + 1) for i in range(n_epochs)]
  rising = [1 - value / 2 for value in falling]
  sparse = ['' if i % 2 else value for i, value in enumerate(rising)]
  metrics = {'loss': falling, 'dice': rising, 'test_dice': sparse, 'test_loss': sparse}
  write_run(folder, metrics, n_epochs)
  masks = {case['subject_id']: np.roll(case['lesion'], shift, axis=0) for case in test}
  masks[test[-1]['subject_id']][3, 3, 2] = shift  # A false positive in a negative case.
  np.savez(folder / 'test_predictions.npz', **{k: np.packbits(m) for k, m in masks.items()})
  return folder
