import tensorflow_datasets as tfds

from stroke_tfds.soop import soop_dataset_builder as soop
from tests.prepared_builder import PreparedBuilderCase


class SoopTest(PreparedBuilderCase, tfds.testing.DatasetBuilderTestCase):
  DATASET_CLASS = soop.Builder
  SPLITS = {'healthy': 2, 'train': 2, 'test': 3}
  SOURCE = 'soop'
  N_POSITIVE, N_NEGATIVE = 3, 4
  DESCRIBED_BY = 'ds004889'
  CITED = 'absher'


if __name__ == '__main__':
  tfds.testing.test_main()
