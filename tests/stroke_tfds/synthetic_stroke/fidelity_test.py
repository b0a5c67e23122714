"""Measures of one volume, by hand and beside those of `stroke_eval`."""

import numpy as np
from absl.testing import absltest

from stroke_eval import lesion_contrast, two_sample
from stroke_tfds.synthetic_stroke import fidelity

_SPACING_MM = (3.0, 3.0, 8.0)


class FidelityTest(absltest.TestCase):
  def setUp(self):
    super().setUp()
    rng = np.random.default_rng(0)
    self.image = rng.uniform(0.3, 0.5, (20, 20, 6))
    self.parenchyma = np.zeros(self.image.shape, bool)
    self.parenchyma[2:18, 2:18, 1:5] = True
    self.lesion = np.zeros(self.image.shape, np.uint8)
    self.lesion[4:8, 4:8, 2] = 1
    self.image[self.lesion > 0] = 0.8

  def test_the_ring_is_that_of_stroke_eval(self):
    inside, ring = lesion_contrast.lesion_and_ring_means(
      self.image, self.lesion, self.parenchyma, _SPACING_MM
    )
    found = fidelity.lesion_to_ring(self.image, self.lesion, self.parenchyma, _SPACING_MM)
    self.assertAlmostEqual(found, inside / ring)
    self.assertGreater(found, 1.8)

  def test_no_lesion_or_nothing_around_it(self):
    nothing = np.zeros_like(self.lesion)
    for lesion, parenchyma in ((nothing, self.parenchyma), (self.lesion, nothing > 0)):
      self.assertTrue(np.isnan(fidelity.lesion_to_ring(self.image, lesion, parenchyma, _SPACING_MM)))
    self.assertTrue(np.isnan(fidelity.largest_bright_voxels(self.image, nothing, nothing > 0)))

  def test_bright_is_what_it_is_for_stroke_eval(self):
    healthy = self.parenchyma & (self.lesion == 0)
    unit = np.median(self.image[healthy])
    self.image[14, 14, 3] = two_sample.BRIGHT * unit * 1.001
    self.image[10, 14, 3] = two_sample.BRIGHT * unit * 0.999
    self.assertEqual(self._bright(), 1)

  def test_counts_the_largest_part_of_tissue_away_from_the_lesion(self):
    self.assertEqual(self._bright(), 0)
    self.image[4:8, 8, 2] = 0.8  # Next to the lesion, whose signal it shares.
    self.image[0, :, :] = 0.8  # No parenchyma.
    self.assertEqual(self._bright(), 0)
    self.image[12:14, 12, 2:4] = self.image[16, 16, 2] = 0.8
    self.assertEqual(self._bright(), 4)

  def _bright(self):
    return fidelity.largest_bright_voxels(self.image, self.lesion, self.parenchyma)


if __name__ == '__main__':
  absltest.main()
