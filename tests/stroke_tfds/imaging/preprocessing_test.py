import numpy as np
import tensorflow as tf

from stroke_tfds.errors import InputError
from stroke_tfds.imaging.preprocessing import head_mask, scale_adc, scale_by_percentile


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


if __name__ == '__main__':
  tf.test.main()
