"""Copy-paste data sets that are small enough for tests."""

import functools

import tensorflow as tf
import tensorflow_datasets as tfds

from tests import tiny

N_VOLUMES = 5


@functools.cache
def phantom() -> tuple[str, str]:
  """TFDS folder and name of a tiny cohort, made once for all tests."""
  data_dir = tfds.testing.make_tmp_dir()
  return data_dir, tiny.build_phantom(data_dir)


class CopyPasteCase(tf.test.TestCase):
  """Builds sets of one builder from the tiny cohort."""

  BUILDER: type[tfds.core.DatasetBuilder]

  def setUp(self):
    super().setUp()
    self.data_dir, self.cohort = phantom()

  def builder(self, **fields) -> tfds.core.DatasetBuilder:
    config = make_config(self.BUILDER, **fields)
    return self.BUILDER(config=config, data_dir=self.data_dir)

  def examples(self, builder: tfds.core.DatasetBuilder) -> list[dict]:
    builder.download_and_prepare()
    made = builder.as_dataset(split='train', shuffle_files=False).as_numpy_iterator()
    return sorted(made, key=lambda example: example['subject_id'])

  def cases(self, split: str) -> dict[str, dict]:
    """Examples of the cohort by subject."""
    cases = tfds.load(self.cohort, split=split, data_dir=self.data_dir).as_numpy_iterator()
    return {case['subject_id'].decode(): case for case in cases}


def make_config(builder: type[tfds.core.DatasetBuilder], **fields):
  known = type(builder.BUILDER_CONFIGS[0])
  sources = dict.fromkeys(known.SOURCES, phantom()[1])
  return known(**{**sources, 'num_volumes': N_VOLUMES, 'min_voxels': 3, **fields})


class CopyPasteBuilderCase:
  """The checks that TFDS makes of every builder; for a class with `DATASET_CLASS`."""

  SPLITS = {'train': N_VOLUMES}
  MOCK_OUT_FORBIDDEN_OS_FUNCTIONS = False  # Real cases are read from disk.
  SKIP_TF1_GRAPH_MODE = True
  DESCRIBED_BY = ''
  CITED = ''

  @classmethod
  def setUpClass(cls):
    data_dir, _ = phantom()
    cls.EXAMPLE_DIR = data_dir
    config = make_config(cls.DATASET_CLASS)
    for field in config.SOURCES:
      setattr(config, f'{field}_dir', data_dir)
    cls.config = config.resolve()
    cls.BUILDER_CONFIG_NAMES_TO_TEST = [cls.config]
    super().setUpClass()

  def _make_builder(self, config=None):
    # There is no default: such a set is always made from somebody's cases.
    return super()._make_builder(config or self.config)

  def test_texts_are_part_of_the_package(self):
    builder = self._make_builder()
    self.assertIn(self.DESCRIBED_BY, builder.info.description)
    self.assertIn(self.CITED, builder.info.citation)
    self.assertIn('1.0.0', builder.RELEASE_NOTES)
