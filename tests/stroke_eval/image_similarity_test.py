import numpy as np
import tensorflow as tf
from absl.testing import parameterized
from scipy import ndimage, signal

from stroke_eval import image_similarity


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
    tensors = [tf.constant(v[None, ..., None], tf.float32) for v in (a, b)]
    self.assertAllClose(image_similarity.ms_ssim(*tensors), [expected], rtol=1e-3)
    self.assertAllClose(image_similarity.ms_ssim(tensors[0], tensors[0]), [1.0])

  def test_refuses_slices_smaller_than_its_window(self):
    with self.assertRaisesRegex(ValueError, 'at least 11'):
      image_similarity.ms_ssim(tf.zeros([1, 10, 16, 1]), tf.zeros([1, 10, 16, 1]))


class VolumeTest(tf.test.TestCase):
  def test_mean_difference_inside(self):
    inside = np.array([[[1, 0, 1]]], np.uint8)
    truth, image = np.array([[[0.5, 0.0, 0.2]]]), np.array([[[0.1, 1.0, 0.3]]])
    self.assertAllClose(image_similarity.mean_difference(truth, image, inside), (0.4 + 0.1) / 2)

  def test_lesion_contrast(self):
    image = np.array([[[0.9, 0.7, 0.5, 0.3, 0.0]]], np.float16)
    lesion = np.array([[[1, 1, 0, 0, 0]]], np.uint8)
    # The lesion is no part of the parenchyma that it is compared with.
    parenchyma = np.array([[[0, 1, 1, 1, 0]]], bool)
    self.assertAllClose(
      image_similarity.lesion_contrast(image, lesion, parenchyma), (0.8 - 0.4) / 0.4, rtol=1e-3
    )
    self.assertAllEqual(
      tf.math.is_nan(image_similarity.lesion_contrast(image, 0 * lesion, parenchyma)), True
    )

  def test_slice_difference_needs_both_slices_inside(self):
    image = np.array([[[0.1, 0.4, 0.2, 0.9], [0.5, 0.5, 0.8, 0.0]]])
    inside = np.array([[[1, 1, 1, 0], [0, 1, 1, 1]]])
    expected = np.mean([0.3, 0.2, 0.3, 0.8])
    self.assertAllClose(image_similarity.slice_difference(image, inside), expected)

  def test_grain_of_noise(self):
    noise = np.random.default_rng(0).normal(0, 0.1, (64, 64, 8)).astype(np.float32)
    self.assertAllClose(
      image_similarity.grain(0.5 + noise, np.ones_like(noise)), 0.1 * np.sqrt(8 / 9), rtol=0.02
    )

  def test_grain_sees_no_borders_and_no_slopes(self):
    image = np.zeros((12, 10, 3), np.float32)
    image[:6] = 0.8
    tissue = np.zeros_like(image)
    tissue[:6] = 1
    image += 0.01 * np.arange(10, dtype=np.float32)[:, None]
    self.assertAllClose(image_similarity.grain(image, tissue), 0.0, atol=1e-6)
    self.assertAllEqual(tf.math.is_nan(image_similarity.grain(image, 0 * tissue)), True)

  def test_grain_of_one_voxel_pattern(self):
    # A chequerboard of 0 and 1: the mean of nine is 5/9 under a 1 and 4/9 under a 0.
    image = (np.indices((11, 11)).sum(0) % 2).astype(np.float32)[..., None]
    detail = np.where(image[1:-1, 1:-1] > 0, 4 / 9, -4 / 9)
    self.assertAllClose(image_similarity.grain(image, np.ones_like(image)), detail.std(), rtol=1e-4)


if __name__ == '__main__':
  tf.test.main()
