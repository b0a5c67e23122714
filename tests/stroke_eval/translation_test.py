import json
import math

import numpy as np
import tensorflow as tf
from absl.testing import parameterized
from scipy import ndimage, signal

from stroke_eval import translation
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
    self.assertAllClose(scores.lesion_excess, (0.9 - healthy) / healthy, rtol=1e-3)

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
    self.assertAllClose([means.l1, means.ms_ssim, means.lesion_excess], [0.2, 0.7, 1.5])
    self.assertAllClose([means.flicker, means.grain], [2.0, 0.5])
    plain = json.loads(json.dumps(means.to_json(), allow_nan=False))
    self.assertIsNone(plain['diversity'])
    self.assertEqual(plain['l1'], 0.2)


def _ssim_terms(a: np.ndarray, b: np.ndarray) -> tuple[float, float]:
  """Mean SSIM and mean of its contrast-structure part, by the formulae of Wang et al. 2003."""
  at = np.arange(11) - 5
  window = np.exp(-(at[:, None] ** 2 + at[None] ** 2) / (2 * 1.5**2))
  blur = lambda x: signal.convolve2d(x, window / window.sum(), 'valid')
  mean_a, mean_b, c1, c2 = blur(a), blur(b), 0.01**2, 0.03**2
  variance = blur(a * a) - mean_a**2 + blur(b * b) - mean_b**2
  structure = (2 * (blur(a * b) - mean_a * mean_b) + c2) / (variance + c2)
  luminance = (2 * mean_a * mean_b + c1) / (mean_a**2 + mean_b**2 + c1)
  return float((luminance * structure).mean()), float(structure.mean())


class MsSsimTest(tf.test.TestCase, parameterized.TestCase):
  @parameterized.parameters((20, 1), (32, 2), (64, 3))
  def test_equals_the_formula_at_as_many_scales_as_fit(self, size, n_scales):
    rng = np.random.default_rng(0)
    a = ndimage.gaussian_filter(rng.random((size, size)), 2)
    a = (a - a.min()) / (a.max() - a.min())
    b = np.clip(a + rng.normal(0, 0.1, a.shape), 0, 1)
    weights = np.array([0.0448, 0.2856, 0.3001, 0.2363, 0.1333])[:n_scales]
    expected, x, y = 1.0, a, b
    for i, weight in enumerate(weights / weights.sum()):
      expected *= _ssim_terms(x, y)[0 if i == n_scales - 1 else 1] ** weight
      x, y = (v.reshape(len(v) // 2, 2, len(v) // 2, 2).mean((1, 3)) for v in (x, y))
    slices = [v[None, ..., None] for v in (a, b)]
    self.assertAllClose(translation.ms_ssim(*slices), [expected], rtol=1e-3)
    self.assertAllClose(translation.ms_ssim(slices[0], slices[0]), [1.0])

  def test_refuses_slices_smaller_than_its_window(self):
    with self.assertRaisesRegex(ValueError, 'at least 11'):
      translation.ms_ssim(*2 * [np.zeros([1, 10, 16, 1])])


class VolumeTest(tf.test.TestCase):
  def test_mean_difference_inside(self):
    inside = np.array([[[1, 0, 1]]], np.uint8)
    truth, image = np.array([[[0.5, 0.0, 0.2]]]), np.array([[[0.1, 1.0, 0.3]]])
    self.assertAllClose(translation.mean_difference(truth, image, inside), (0.4 + 0.1) / 2)

  def test_slice_difference_needs_both_slices_inside(self):
    image = np.array([[[0.1, 0.4, 0.2, 0.9], [0.5, 0.5, 0.8, 0.0]]])
    inside = np.array([[[1, 1, 1, 0], [0, 1, 1, 1]]])
    expected = np.mean([0.3, 0.2, 0.3, 0.8])
    self.assertAllClose(translation.slice_difference(image, inside), expected)

  def test_grain_of_noise(self):
    noise = np.random.default_rng(0).normal(0, 0.1, (64, 64, 8)).astype(np.float32)
    self.assertAllClose(
      translation.grain(0.5 + noise, np.ones_like(noise)), 0.1 * np.sqrt(8 / 9), rtol=0.02
    )

  def test_grain_sees_no_borders_and_no_slopes(self):
    image = np.zeros((12, 10, 3), np.float32)
    image[:6] = 0.8
    tissue = np.zeros_like(image)
    tissue[:6] = 1
    image += 0.01 * np.arange(10, dtype=np.float32)[:, None]
    self.assertAllClose(translation.grain(image, tissue), 0.0, atol=1e-6)
    self.assertTrue(math.isnan(translation.grain(image, 0 * tissue)))

  def test_grain_of_one_voxel_pattern(self):
    # A chequerboard of 0 and 1: the mean of nine is 5/9 under a 1 and 4/9 under a 0.
    image = (np.indices((11, 11)).sum(0) % 2).astype(np.float32)[..., None]
    detail = np.where(image[1:-1, 1:-1] > 0, 4 / 9, -4 / 9)
    self.assertAllClose(translation.grain(image, np.ones_like(image)), detail.std(), rtol=1e-4)


if __name__ == '__main__':
  tf.test.main()
