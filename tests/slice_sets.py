"""Sets of generated slices that are small enough for tests."""

from pathlib import Path

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from stroke_tfds.synthetic_slices import SyntheticSlicesConfig
from tests import tiny

METADATA = {
  'grid': {**tiny.GRID, 'shape': [16, 16, 4]},
  'label_scheme': {
    'name': 'toy',
    'names': list(tiny.JOINT_CLASSES[:-1]),
    'lesion_id': 4,
    'parenchyma_ids': [1, 2],
  },
}


class SlicesCase(tf.test.TestCase):
  """Builds sets of toy generators: `root`, `bundle`, and `masks` with `translator`."""

  FACTS = {
    'slice_shares': (0.0, 1.0, 1.0, 0.5),
    'lesion_shares': (0.0, 0.25, 0.75, 0.0),
    'trained_on': ('phantom_stroke/mini:train',),
  }

  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    cls.root = Path(tfds.testing.make_tmp_dir())
    cls.bundle = tiny.save_toy_joint(cls.root / 'bundle', METADATA, **cls.FACTS)
    masks = {**cls.FACTS, 'n_contrasts': 0}
    cls.masks = tiny.save_toy_joint(cls.root / 'masks', METADATA, **masks)
    learnt = {'trained_on': ('phantom_stroke/mini:healthy',), 'intensity_scaling': 'parenchyma_median'}
    cls.translator = tiny.save_toy_class_translator(cls.root / 'translator', METADATA, **learnt)

  def config(self, **fields) -> SyntheticSlicesConfig:
    given = {'joint_generator': str(self.bundle), 'num_patients': 3, 'seed': 0, 'audit': False}
    return SyntheticSlicesConfig(**{**given, **fields})

  def translated(self, **fields) -> dict[str, str]:
    """Fields of a config by both."""
    return {'joint_generator': str(self.masks), 'translator': str(self.translator), **fields}

  def builder(self, data_dir: str | None = None, **fields) -> tfds.core.DatasetBuilder:
    folder = data_dir or str(self.root / 'data')
    return tfds.builder('synthetic_slices', config=self.config(**fields), data_dir=folder)

  def examples(self, builder: tfds.core.DatasetBuilder) -> list[dict[str, np.ndarray]]:
    """All slices, by name."""
    builder.download_and_prepare()
    made = builder.as_dataset(split='train', shuffle_files=False).as_numpy_iterator()
    return sorted(made, key=lambda example: example['slice_id'])

  def assert_equal_bytes(self, first: list[dict], second: list[dict]) -> None:
    """Two lists of slices are the same, bit for bit."""
    self.assertEqual([e['slice_id'] for e in first], [e['slice_id'] for e in second])
    for one, other in zip(first, second):
      for name in one:
        same = np.asarray(one[name]).tobytes() == np.asarray(other[name]).tobytes()
        self.assertTrue(same, f'{name} of {one["slice_id"]}')
