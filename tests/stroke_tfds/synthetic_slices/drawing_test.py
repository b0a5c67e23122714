import types

import numpy as np
import tensorflow as tf

from stroke_tfds.synthetic_slices.drawing import Generators


def _generators(conditions=('level', 'lesion')) -> Generators:
  """A lesion of 8 pixels where the latent is positive, of 7 elsewhere, whatever is asked for."""

  def call(latent, condition, truncation):
    n_pixels = np.where(latent.numpy()[:, 0] > 0, 8, 7)
    ids = np.where(np.arange(16) < n_pixels[:, np.newaxis], 2, 1).reshape(-1, 4, 4)
    image = np.ones([len(ids), 4, 4, 1]) * latent.numpy()[:, :1, np.newaxis, np.newaxis]
    return {'image': tf.constant(image), 'probability': tf.one_hot(ids, 3)}

  spec = types.SimpleNamespace(
    kind='joint_generator',
    intensity_range=(-8.0, 8.0),
    latent_size=2,
    conditions=conditions,
    label_scheme={},
    classes=('background', 'brain', 'lesion'),
  )
  return Generators(types.SimpleNamespace(spec=spec, call=call))


class DrawTest(tf.test.TestCase):
  ASKED = np.array([[0.5, 1], [0.5, 0]] * 10, np.float32)

  def draw(self, conditions, **options):
    image, classes, _ = _generators(**options.pop('of', {})).draw(
      conditions, 3, seed=0, truncation=1.0, **options
    )
    return image[:, 0, 0, 0], (classes == 2).sum(axis=(1, 2))

  def test_lesions_are_as_asked_for(self):
    """A lesion of fewer than 8 pixels is none, as in trainings; with 20 tries no slice is left."""
    brightness, n_pixels = self.draw(self.ASKED, tries=20)
    self.assertAllEqual(n_pixels, [8, 7] * 10)
    at_once, first_pixels = self.draw(self.ASKED, tries=1)
    kept = first_pixels == [8, 7] * 10
    self.assertBetween(kept.sum(), 4, 16)
    self.assertAllEqual(brightness == at_once, kept)

  def test_a_generator_that_is_not_asked_takes_what_comes(self):
    for names, conditions in ((('level',), self.ASKED[:, :1]), ((), self.ASKED[:, :0])):
      brightness, _ = self.draw(conditions, of={'conditions': names})
      self.assertAllEqual(brightness, self.draw(self.ASKED, tries=1)[0])


if __name__ == '__main__':
  tf.test.main()
