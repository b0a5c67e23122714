"""What the tests of the builders of prepared folders have in common."""

from pathlib import Path

import tensorflow_datasets as tfds

from stroke_tfds.bids_stroke import bids_stroke_dataset_builder as bids_stroke
from tests.prepared_folder import TINY, cohort, write_folder


def make_builder(data_dir, *, module=bids_stroke, **fields) -> tfds.core.DatasetBuilder:
  config = type(module.Builder.BUILDER_CONFIGS[0])(**{'name': 'tiny', 'grid': TINY, **fields})
  return module.Builder(config=config, data_dir=str(data_dir))


def build(builder: tfds.core.DatasetBuilder, folder: Path) -> None:
  config = tfds.download.DownloadConfig(manual_dir=str(folder))
  builder.download_and_prepare(download_config=config)


def examples_by_split(builder: tfds.core.DatasetBuilder) -> dict[str, dict[str, dict]]:
  """Examples of each split by subject_id."""
  return {
    split: {e['subject_id'].decode(): e for e in builder.as_dataset(split=split).as_numpy_iterator()}
    for split in builder.info.splits
  }


class PreparedBuilderCase:
  """Builds a tiny set from a folder of the builder's own layout, and reads its texts.

  To be inherited before `tfds.testing.DatasetBuilderTestCase`, by a class with `DATASET_CLASS`,
  `SPLITS` and the following.
  """

  SOURCE = ''  # Layout that the folder is of.
  N_POSITIVE, N_NEGATIVE = 0, 0
  DESCRIBED_BY = ''  # In the description and in the instructions.
  CITED = ''  # A key of CITATIONS.bib.

  SKIP_CHECKSUMS = True
  SKIP_TF1_GRAPH_MODE = True

  @classmethod
  def setUpClass(cls):
    cls.EXAMPLE_DIR = tfds.testing.make_tmp_dir()
    cls.BUILDER_CONFIG_NAMES_TO_TEST = [cls.DATASET_CLASS.builder_config_cls(name='tiny', grid=TINY)]
    super().setUpClass()
    write_folder(Path(cls.EXAMPLE_DIR), cohort(cls.N_POSITIVE, cls.N_NEGATIVE), source=cls.SOURCE)

  def test_texts_are_part_of_the_package(self):
    builder = self.DATASET_CLASS(config='mini', data_dir=tfds.testing.make_tmp_dir())
    for text in (
      self.DESCRIBED_BY,
      f'launchers.prepare_data --source={self.SOURCE}',
      f'stroke_tfds {builder.name}/mini --manual_dir',
    ):
      self.assertIn(text, builder.info.description)
      self.assertIn(text.lower(), builder.MANUAL_DOWNLOAD_INSTRUCTIONS.lower())
    self.assertIn(self.CITED, builder.info.citation)
    self.assertIn('1.0.0', builder.RELEASE_NOTES)
    self.assertIn('with_suspicious', builder.RELEASE_NOTES['2.0.0'])
