"""Which cases generators learnt from, and which of their images count."""

import numpy as np
import tensorflow as tf
from absl.testing import absltest

from stroke_tfds.synthetic_stroke.training_cases import TrainingCases


class _Source:
  """Two examples with lesions, of which images are given."""

  def __init__(self, name, *images):
    self.name = name
    self._examples = {
      'image': np.stack(images)[..., np.newaxis].astype(np.float16),
      'labels': np.ones((len(images), 2, 2, 2), np.uint8),
      'lesion': np.ones((len(images), 2, 2, 2), np.uint8),
      'subject_id': [f'{i}' for i in range(len(images))],
    }

  def examples(self, features):
    return tf.data.Dataset.from_tensor_slices({name: self._examples[name] for name in features})


_IMAGE, _EVEN = np.arange(8).reshape(2, 2, 2) / 8, np.zeros((2, 2, 2))


class TrainingCasesTest(absltest.TestCase):
  def test_each_once_with_the_images_that_the_translator_saw(self):
    whole, part = _Source('a', _IMAGE, _IMAGE), _Source('a', _IMAGE)
    cases = list(TrainingCases([part], [whole, _Source('b', _IMAGE)]))
    self.assertEqual([case.key for case in cases], [('a', '0'), ('a', '1'), ('b', '0')])
    self.assertEqual([case.image is not None for case in cases], [True, False, False])

  def test_an_image_that_shows_nothing(self):
    cases = list(TrainingCases([_Source('a', _EVEN, _IMAGE)], []))
    self.assertIsNone(cases[0].image)
    np.testing.assert_array_equal(cases[1].image[..., 0], _IMAGE)
    self.assertEqual(cases[1].image.dtype, np.float32)


if __name__ == '__main__':
  absltest.main()
