import json
import math

import numpy as np
import tensorflow as tf

from stroke_eval.translation import Anatomy, Scores, mean_scores, score
from stroke_tfds.label_schemes import ASEG28

WHITE, CORTEX, VENTRICLE = (
  ASEG28.id_of(f'left {name}')
  for name in ('cerebral white matter', 'cerebral cortex', 'lateral ventricle')
)


def make_case() -> dict[str, np.ndarray]:
  """White matter of grain, cortex, a ventricle and a lesion, each a block of one intensity."""
  rng = np.random.default_rng(0)
  labels = np.zeros((24, 24, 4), np.uint8)
  labels[2:12, 2:22, :3], labels[12:20, 2:22, :3], labels[20:22, 2:22, :3] = WHITE, CORTEX, VENTRICLE
  lesion = np.zeros_like(labels)
  lesion[13:17, 4:8, 1] = 1
  image = np.choose((labels > 0) + (labels == CORTEX), [0.0, 0.4, 0.5])
  image[lesion > 0] = 0.9
  image[labels == WHITE] += rng.normal(0, 0.05, np.count_nonzero(labels == WHITE))
  return {'image': image[..., None].astype(np.float16), 'labels': labels, 'lesion': lesion}


class ScoreTest(tf.test.TestCase):
  def setUp(self):
    super().setUp()
    self.case, self.anatomy = make_case(), Anatomy.of(ASEG28.to_json())
    self.image = self.case['image'].astype(np.float32)

  def test_anatomy_goes_by_names(self):
    self.assertEqual(self.anatomy.white_matter_ids, (1, 2))
    self.assertEqual(self.anatomy.parenchyma_ids, ASEG28.parenchyma_ids)

  def test_the_real_image_itself(self):
    scores = score(self.case, self.image, None, self.anatomy)
    self.assertAllClose(
      [scores.l1, scores.ms_ssim, scores.flicker, scores.grain], [0, 1, 1, 1], atol=1e-5
    )
    self.assertTrue(math.isnan(scores.diversity))
    # The lesion against white matter and cortex without it; the ventricle is no parenchyma.
    inside = np.isin(self.case['labels'], [WHITE, CORTEX]) & (self.case['lesion'] == 0)
    healthy = self.image[..., 0][inside].mean()
    self.assertAllClose(scores.lesion_contrast, (0.9 - healthy) / healthy, rtol=1e-3)

  def test_brighter_and_grainier(self):
    brain = self.case['labels'] > 0
    white = self.case['labels'] == WHITE
    made = self.image + 0.1 * brain[..., None]
    made[white] = 0.5 + 2 * (self.image[white] - 0.4)
    # What is outside the brain counts in none but the similarity of slices.
    made[~brain] = 0.3
    scores = score(self.case, made, made + 0.02, self.anatomy)
    expected = np.abs(made - self.image)[brain].mean()
    self.assertAllClose([scores.l1, scores.grain, scores.diversity], [expected, 2, 0.02], rtol=1e-3)
    self.assertLess(scores.ms_ssim, 0.9)
    rise = lambda image: np.abs(np.diff(image[:, :, :3, 0], axis=2))[brain[:, :, 0]].mean()
    self.assertAllClose(scores.flicker, rise(made) / rise(self.image), rtol=1e-3)

  def test_slices_without_brain_do_not_count(self):
    made = self.image.copy()
    made[:, :, 3] = 1
    self.assertAllClose(score(self.case, made, None, self.anatomy).ms_ssim, 1.0)

  def test_grain_leaves_the_lesion_out(self):
    self.case['lesion'] = np.zeros_like(self.case['lesion'])
    self.case['lesion'][4:7, 4:7, 0] = 1
    made = self.image.copy()
    made[5, 5, 0] += 0.5
    self.assertAllClose(score(self.case, made, None, self.anatomy).grain, 1.0)


class MeanTest(tf.test.TestCase):
  def test_each_score_over_the_cases_that_have_it(self):
    means = mean_scores(
      [Scores(0.1, 0.9, 1.0, 1.0, math.nan, math.nan), Scores(0.3, 0.5, 2.0, 3.0, 0.5, math.nan)]
    )
    self.assertAllClose([means.l1, means.ms_ssim, means.lesion_contrast], [0.2, 0.7, 1.5])
    self.assertAllClose([means.flicker, means.grain], [2.0, 0.5])
    plain = json.loads(json.dumps(means.to_json(), allow_nan=False))
    self.assertIsNone(plain['diversity'])
    self.assertEqual(plain['l1'], 0.2)


if __name__ == '__main__':
  tf.test.main()
