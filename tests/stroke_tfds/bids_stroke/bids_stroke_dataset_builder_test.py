from pathlib import Path

import tensorflow_datasets as tfds

from stroke_tfds.bids_stroke import bids_stroke_dataset_builder as bids_stroke
from tests.prepared_folder import TINY, cohort, write_folder

_CONFIG_CLASS = type(bids_stroke.Builder.BUILDER_CONFIGS[0])


class BidsStrokeTest(tfds.testing.DatasetBuilderTestCase):
  DATASET_CLASS = bids_stroke.Builder
  BUILDER_CONFIG_NAMES_TO_TEST = [_CONFIG_CLASS(name='tiny', grid=TINY)]
  SPLITS = {'train': 2, 'test': 2}
  SKIP_CHECKSUMS = True
  SKIP_TF1_GRAPH_MODE = True
  EXAMPLE_DIR = tfds.testing.make_tmp_dir()

  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    write_folder(Path(cls.EXAMPLE_DIR), cohort(3, 1), source='bids')

  def test_texts_are_part_of_the_package(self):
    builder = bids_stroke.Builder(config='mini', data_dir=tfds.testing.make_tmp_dir())
    for text in (
      'BIDS layout',
      'launchers.prepare_data --source=bids',
      'stroke_tfds bids_stroke/mini --manual_dir',
    ):
      self.assertIn(text, builder.info.description)
      self.assertIn(text.lower(), builder.MANUAL_DOWNLOAD_INSTRUCTIONS.lower())
    self.assertIn('platscher', builder.info.citation)
    self.assertIn('1.0.0', builder.RELEASE_NOTES)


if __name__ == '__main__':
  tfds.testing.test_main()
