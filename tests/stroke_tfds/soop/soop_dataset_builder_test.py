from pathlib import Path

import tensorflow_datasets as tfds

from stroke_tfds.soop import soop_dataset_builder as soop
from tests.prepared_folder import TINY, cohort, write_folder

_CONFIG_CLASS = type(soop.Builder.BUILDER_CONFIGS[0])


class SoopTest(tfds.testing.DatasetBuilderTestCase):
  DATASET_CLASS = soop.Builder
  BUILDER_CONFIG_NAMES_TO_TEST = [_CONFIG_CLASS(name='tiny', grid=TINY)]
  SPLITS = {'healthy': 2, 'train': 2, 'test': 3}
  SKIP_CHECKSUMS = True
  SKIP_TF1_GRAPH_MODE = True
  EXAMPLE_DIR = tfds.testing.make_tmp_dir()

  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    write_folder(Path(cls.EXAMPLE_DIR), cohort(3, 4), source='soop')

  def test_texts_are_part_of_the_package(self):
    builder = soop.Builder(config='mini', data_dir=tfds.testing.make_tmp_dir())
    for text in (
      'ds004889',
      'launchers.prepare_data --source=soop',
      'stroke_tfds soop/mini --manual_dir',
    ):
      self.assertIn(text, builder.info.description)
      self.assertIn(text.lower(), builder.MANUAL_DOWNLOAD_INSTRUCTIONS.lower())
    self.assertIn('absher', builder.info.citation)
    self.assertIn('1.0.0', builder.RELEASE_NOTES)


if __name__ == '__main__':
  tfds.testing.test_main()
