import tensorflow_datasets as tfds

from stroke_tfds.isles22 import isles22_dataset_builder as isles22
from tests.prepared_builder import PreparedBuilderCase


class Isles22Test(PreparedBuilderCase, tfds.testing.DatasetBuilderTestCase):
  DATASET_CLASS = isles22.Builder
  SPLITS = {'train': 3, 'test': 1}
  SOURCE = 'isles22'
  N_POSITIVE, N_NEGATIVE = 4, 0
  DESCRIBED_BY = 'zenodo'
  CITED = 'hernandezpetzsche'


if __name__ == '__main__':
  tfds.testing.test_main()
