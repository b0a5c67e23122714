from pathlib import Path

import tensorflow_datasets as tfds

from stroke_tfds.isles22 import isles22_dataset_builder as isles22
from tests.prepared_folder import TINY, cohort, write_folder

_CONFIG_CLASS = type(isles22.Builder.BUILDER_CONFIGS[0])


class Isles22Test(tfds.testing.DatasetBuilderTestCase):
  DATASET_CLASS = isles22.Builder
  BUILDER_CONFIG_NAMES_TO_TEST = [_CONFIG_CLASS(name='tiny', grid=TINY)]
  SPLITS = {'train': 3, 'test': 1}
  SKIP_CHECKSUMS = True
  SKIP_TF1_GRAPH_MODE = True
  EXAMPLE_DIR = tfds.testing.make_tmp_dir()

  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    write_folder(Path(cls.EXAMPLE_DIR), cohort(4), source='isles22')

  def test_texts_are_part_of_the_package(self):
    builder = isles22.Builder(config='mini', data_dir=tfds.testing.make_tmp_dir())
    for text in (
      'zenodo',
      'launchers.prepare_data --source=isles22',
      'stroke_tfds isles22/mini --manual_dir',
    ):
      self.assertIn(text, builder.info.description)
      self.assertIn(text.lower(), builder.MANUAL_DOWNLOAD_INSTRUCTIONS.lower())
    self.assertIn('hernandezpetzsche', builder.info.citation)
    self.assertIn('1.0.0', builder.RELEASE_NOTES)


if __name__ == '__main__':
  tfds.testing.test_main()
