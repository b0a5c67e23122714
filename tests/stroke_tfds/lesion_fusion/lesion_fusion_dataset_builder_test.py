import json

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds
from scipy import ndimage

from stroke_tfds import lesion_fusion
from stroke_tfds.errors import InputError
from tests import copy_paste_sets


class ContentTest(copy_paste_sets.CopyPasteCase):
  BUILDER = lesion_fusion.Builder

  def test_healthy_anatomy_with_a_lesion_in_parenchyma(self):
    builder = self.builder()
    made, healthy = self.examples(builder), self.cases('healthy')
    parenchyma_ids = builder.info.metadata['label_scheme']['parenchyma_ids']
    parents = []
    for example in made:
      origin = json.loads(example['provenance'])
      parent = healthy[origin['healthy_parent']]
      parents.append(origin['healthy_parent'])
      self.assertEqual(origin['healthy_source'], f'{self.cohort}:healthy')
      self.assertAllEqual(example['labels'], parent['labels'])
      lesion = example['lesion'] > 0
      self.assertGreaterEqual(lesion.sum(), 3)
      self.assertTrue(np.isin(example['labels'][lesion], parenchyma_ids).all())
      # Away from the lesion the scan is its parent, darker by one factor.
      far = ~ndimage.binary_dilation(lesion, iterations=4)
      far &= (example['image'][..., 0] > 0.2) & (example['image'][..., 0] < 1)
      factor = example['image'][far, 0].astype(float) / parent['image'][far, 0]
      self.assertLess(np.ptp(factor), 0.01)
      self.assertLessEqual(factor.max(), 1.001)
      # Where the lesion is, the scan is brighter than its parent.
      raised = example['image'][lesion, 0] / (parent['image'][lesion, 0] * factor.mean())
      self.assertGreater(np.median(raised), 1.1)
    # Five volumes of four brains: in their order, and again from the first.
    self.assertLen(set(parents), 4)
    self.assertEqual(parents[4], parents[0])
    self.assertNotAllEqual(made[4]['lesion'], made[0]['lesion'])

  def test_refuses_healthy_scans_with_lesions(self):
    made = self.builder(healthy=f'{self.cohort}:train')
    with self.assertRaisesRegex(InputError, 'healthy .*:train: .* cases have a lesion, expected none'):
      made.download_and_prepare()


class BuilderTest(copy_paste_sets.CopyPasteBuilderCase, tfds.testing.DatasetBuilderTestCase):
  DATASET_CLASS = lesion_fusion.Builder
  DESCRIBED_BY = 'after Federau et al. (2020)'
  CITED = 'federau2020improved'


if __name__ == '__main__':
  tf.test.main()
