import numpy as np
import tensorflow as tf

from stroke_tfds.errors import InputError
from stroke_tfds.imaging.grid import Grid, get_grid
from stroke_tfds.imaging.mni152 import brain_tissue
from stroke_tfds.imaging.preprocessing import head_mask, scale, scale_adc, scale_by_percentile
from tests import tiny


def _scan() -> np.ndarray:
  """A bright head with a dark hole, noise around it and a speck apart from it."""
  rng = np.random.default_rng(0)
  scan = rng.uniform(0, 20, (32, 32, 6))
  scan[6:26, 4:28] = rng.uniform(400, 600, (20, 24, 6))
  scan[14:18, 14:18] = 5
  scan[0, 0] = 500
  return scan


class PreprocessingTest(tf.test.TestCase):
  def test_head_holds_its_holes_but_no_specks(self):
    head = head_mask(_scan())
    expected = np.zeros((32, 32, 6), bool)
    expected[6:26, 4:28] = True
    self.assertAllEqual(head, expected)

  def test_scales_by_the_percentile_of_the_head_and_empties_the_background(self):
    scan = _scan()
    scan[10, 10, :] = 50000  # A few outliers, clipped.
    made = scale_by_percentile(scan, head_mask(scan))
    head = scan[6:26, 4:28]
    top = np.percentile(head, 99.5)
    self.assertAllClose(made[6:26, 4:28], np.clip(head / top, 0, 1), atol=1e-6)
    self.assertEqual(made[10, 10, 0], 1)
    self.assertEqual(np.count_nonzero(made), np.count_nonzero(head))

  def test_does_not_depend_on_the_scale(self):
    scan = _scan()
    made, dimmer = (scale_by_percentile(one, head_mask(one)) for one in (scan, 0.013 * scan))
    self.assertAllClose(made, dimmer, atol=1e-5)

  def test_an_adc_means_the_same_in_every_unit(self):
    adc = np.full((4, 4, 4), 0.84)
    adc[0, 0, :2] = (3.0, 5.0)
    head = np.ones(adc.shape, bool)
    head[3] = False
    made = scale_adc(adc, head)
    self.assertAllClose(made[1:3], np.full((2, 4, 4), 0.24))
    self.assertAllClose(made[0, 0, :2], [3 / 3.5, 1])
    self.assertAllEqual(made[3], np.zeros((4, 4)))
    for factor in (1e3, 1e-3):
      self.assertAllClose(scale_adc(factor * adc, head), made, atol=1e-6)
    with self.assertRaisesRegex(InputError, r'median inside the head is 84, expected about 0.9'):
      scale_adc(100 * adc, head)

  def test_refuses_an_empty_scan(self):
    with self.assertRaisesRegex(InputError, 'no intensity above 0'):
      head_mask(np.zeros((4, 4, 4)))


class MedianTest(tf.test.TestCase):
  grid = get_grid(tiny.GRID)
  tissue = brain_tissue(grid)

  def scan(self, n_bright: int) -> tuple[np.ndarray, np.ndarray]:
    """Brain tissue of 200 with a lesion of 450 and a speck of 900, in a head of 60; and the head."""
    head = np.zeros(self.grid.shape, bool)
    head[1:-1, 1:-1] = True
    image = np.where(head, 60.0, 7.0)
    image[self.tissue] = 200
    image[tuple(np.argwhere(self.tissue)[:n_bright].T)] = 450
    image[tuple(np.argwhere(self.tissue)[-1])] = 900
    return image, head

  def test_two_and_a_half_medians_of_the_brain_tissue_are_one(self):
    self.assertGreater(self.tissue.sum(), 2500)
    for n_bright in (40, 1000):  # A lesion of any size leaves the rest as it is.
      image, head = self.scan(n_bright)
      made = scale(image, head, self.grid, 'parenchyma_median')
      expected = {7.0: 0.0, 60.0: 0.12, 200.0: 0.4, 450.0: 0.9, 900.0: 1.0}
      self.assertAllClose(made, np.vectorize(expected.get)(image), atol=1e-6)
      self.assertEqual(made.dtype, np.float32)

  def test_by_the_percentile_a_large_lesion_is_saturated_and_all_else_dark(self):
    image, head = self.scan(1000)
    made = scale(image, head, self.grid, 'percentile')
    self.assertAllEqual(made, scale_by_percentile(image, head))
    self.assertAllClose(made[image == 200].max(), 200 / 450, atol=1e-6)
    self.assertAllEqual(np.unique(made[image == 450]), [1.0])

  def test_the_head_bounds_the_tissue(self):
    image, head = self.scan(0)
    image[:, :, :6] = 0  # A slab: most of the brain is outside the scan.
    head[:, :, :6] = False
    self.assertLess((self.tissue & head).sum(), self.tissue.sum() / 2)
    made = scale(image, head, self.grid, 'parenchyma_median')
    self.assertAllClose(np.median(made[self.tissue & head]), 0.4, atol=1e-6)

  def test_refuses_what_has_no_median_and_unknown_scalings(self):
    image, head = self.scan(0)
    dark = np.where(self.tissue, 0, image)
    with self.assertRaisesRegex(InputError, r'^the median of \d+ voxels .* is 0, expected one above 0'):
      scale(dark, head, self.grid, 'parenchyma_median')
    away = Grid('away', self.grid.shape, self.grid.spacing_mm, (500.0, 0.0, 0.0))
    with self.assertRaisesRegex(InputError, 'the median of 0 voxels'):
      scale(image, head, away, 'parenchyma_median')
    with self.assertRaisesRegex(InputError, "^intensity_scaling is 'median', expected one of"):
      scale(image, head, self.grid, 'median')


if __name__ == '__main__':
  tf.test.main()
