"""Synthetic data sets that are small enough for tests."""

import functools
from pathlib import Path

import tensorflow as tf
import tensorflow_datasets as tfds

from stroke_tfds.synthetic_stroke import SyntheticStrokeConfig
from tests import tiny


@functools.cache
def generators() -> tuple[Path, str, dict, Path, Path]:
  """A folder, a cohort in it, the cohort's metadata, and two toy bundles; once for all tests."""
  root = Path(tfds.testing.make_tmp_dir())
  healthy = tiny.build_phantom(str(root / 'data'))
  metadata = tfds.builder(healthy, data_dir=str(root / 'data')).info.metadata
  return root, healthy, metadata, *tiny.save_toy_bundles(root / 'bundles', metadata)


class SyntheticCase(tf.test.TestCase):
  """Builds sets of toy generators and a tiny cohort."""

  def setUp(self):
    super().setUp()
    self.root, self.healthy, self.metadata, self.translator, self.lesions = generators()
    self.data_dir = str(self.root / 'data')

  def config(self, **fields) -> SyntheticStrokeConfig:
    given = {
      'translator': str(self.translator),
      'lesion_generator': str(self.lesions),
      'healthy': self.healthy,
      'num_volumes': 3,
      'seed': 0,
      'audit': False,  # Balls of one brightness are like no lesion.
    }
    return SyntheticStrokeConfig(**{**given, **fields})

  def builder(self, data_dir: str | None = None, **fields) -> tfds.core.DatasetBuilder:
    config = self.config(**fields)
    return tfds.builder('synthetic_stroke', config=config, data_dir=data_dir or self.data_dir)

  def examples(self, builder) -> list[dict]:
    builder.download_and_prepare()
    made = builder.as_dataset(split='train', shuffle_files=False).as_numpy_iterator()
    return sorted(made, key=lambda example: example['subject_id'])
