import numpy as np
import tensorflow as tf
from scipy import ndimage

from stroke_tfds.errors import InputError
from stroke_tfds.imaging.brain_extraction import brain_mask, even_intensities
from stroke_tfds.imaging.volume import Volume

SPACING_MM = np.array([3.0, 3.0, 3.0])


def _head(shading: float = 0, scalp: float = 0.2) -> tuple[Volume, np.ndarray]:
  """A brain of radius 60 mm with dark ventricles in a scalp of radius 75 mm, and the brain alone."""
  at = np.stack(np.meshgrid(*[3 * (np.arange(60) - 29.5)] * 2, 3 * np.arange(20), indexing='ij'))
  radius = np.sqrt((at**2).sum(0))
  brain = radius < 60
  data = np.where(brain, 1.0, np.where((radius > 67) & (radius < 75), scalp, 0))
  data[radius < 12] = 0.1
  data *= 500 * np.exp(shading * at[0] / 75)
  return Volume(data.astype(np.float32), np.diag([*SPACING_MM, 1])), brain


class BrainExtractionTest(tf.test.TestCase):
  def test_finds_the_brain_of_a_slab_with_and_without_scalp_and_shading(self):
    for shading, scalp in ((0, 0.2), (0, 0), (0.5, 0.2)):
      head, brain = _head(shading, scalp)
      found = brain_mask(even_intensities(head), SPACING_MM)
      dice = 2 * np.sum(found & brain) / (found.sum() + brain.sum())
      self.assertGreater(dice, 0.95)
      self.assertTrue(found[29, 29, 0])  # Ventricles that the field cuts.

  def test_evens_the_shading_of_coils(self):
    head, brain = _head(0.5)
    core = ndimage.binary_erosion(brain, iterations=4) & (head.data > 100)
    spread = lambda values: np.std(values[core]) / np.mean(values[core])
    self.assertLess(spread(even_intensities(head)), 0.7 * spread(head.data))

  def test_refuses_an_empty_image(self):
    with self.assertRaisesRegex(InputError, 'no intensity above 0'):
      even_intensities(Volume(np.zeros((4, 4, 4)), np.eye(4)))


if __name__ == '__main__':
  tf.test.main()
