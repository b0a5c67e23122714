import json

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds
from scipy import ndimage

from stroke_tfds import carvemix
from stroke_tfds.errors import InputError
from tests import copy_paste_sets


class ContentTest(copy_paste_sets.CopyPasteCase):
  BUILDER = carvemix.Builder

  def test_follows_from_two_cases_and_the_drawn_margin(self):
    builder = self.builder()
    made, cases = self.examples(builder), self.cases('train')
    spacing_mm = builder.info.metadata['grid']['spacing_mm']
    for example in made:
      origin = json.loads(example['provenance'])
      self.assertNotEqual(origin['base'], origin['lesion_donor'])
      base, donor = cases[origin['base']], cases[origin['lesion_donor']]
      inside = donor['lesion'] > 0
      distance = ndimage.distance_transform_edt(~inside, spacing_mm)
      distance -= ndimage.distance_transform_edt(inside, spacing_mm)
      region = distance <= origin['margin_mm']
      self.assertGreater(region.sum(), 0)
      for feature in ('labels', 'lesion'):
        expected = np.where(region, donor[feature], base[feature])
        self.assertAllEqual(example[feature], expected)
      for part, case in ((region, donor), (~region, base)):
        seen = example['image'][..., 0]
        part = part & (seen > 0.2) & (seen < 1) & (case['image'][..., 0] < 1)
        if part.any():
          self.assertLess(np.ptp(seen[part].astype(float) / case['image'][part, 0]), 0.01)

  def test_one_case_alone_is_refused(self):
    ids = list(self.cases('train'))
    large = [case['lesion'].sum() >= 3 for case in self.cases('train').values()]
    k = large.index(True)
    builder = self.builder(clinical=f'{self.cohort}:train[{k}:{k + 1}]')
    message = f'one case with a lesion of 3 voxels, {ids[k]}, expected at least two'
    with self.assertRaisesRegex(InputError, message):
      builder.download_and_prepare()


class BuilderTest(copy_paste_sets.CopyPasteBuilderCase, tfds.testing.DatasetBuilderTestCase):
  DATASET_CLASS = carvemix.Builder
  DESCRIBED_BY = 'CarveMix (Zhang et al. 2021)'
  CITED = 'zhang2021carvemix'


if __name__ == '__main__':
  tf.test.main()
