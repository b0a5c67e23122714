import math

import numpy as np
import tensorflow as tf

from stroke_tfds import slice_example
from stroke_tfds.imaging.grid import get_grid

_CLASSES = np.array([[0, 1, 2], [3, 1, 0]])


def _make(image=None, level=0.5, **changes):
  given = {'first_lesion': 2, 'slice_id': 'a-1', 'subject_id': 'a', 'provenance': {'b': 1, 'a': 2}}
  image = np.full([2, 3, 1], 0.25) if image is None else image
  return slice_example.make_example(image, _CLASSES, level, **{**given, **changes})


class SliceExampleTest(tf.test.TestCase):
  def test_by_hand(self):
    made = _make()
    self.assertAllEqual(made['lesion'], [[0, 0, 1], [1, 0, 0]])
    self.assertAllEqual(made['classes'], _CLASSES)
    self.assertEqual([made[name].dtype for name in ('image', 'classes')], [np.float32, np.uint8])
    self.assertEqual((made['level'], made['provenance']), (0.5, '{"a": 2, "b": 1}'))
    self.assertTrue(math.isnan(_make(level=None)['level']))

  def test_has_the_features_of_its_kind(self):
    grid = get_grid('mini')
    self.assertEqual(set(slice_example.features(grid, ('DWI',))), set(_make()))
    masks = _make(np.zeros([2, 3, 0]))
    self.assertEqual(set(slice_example.features(grid, ())), set(masks))
    self.assertNotIn('image', masks)
    self.assertIsNone(slice_example.supervised_keys(()))

  def test_what_breaks_the_contract_is_refused(self):
    for image, message in (
      (np.zeros([3, 2, 1]), r'a-1: image has shape \(3, 2, 1\), expected \(2, 3\)'),
      (np.full([2, 3, 1], 1.5), r'a-1: intensities 1\.5\.\.1\.5, expected 0\.\.1'),
      (np.full([2, 3, 1], np.nan), 'a-1: intensities nan'),
    ):
      with self.assertRaisesRegex(ValueError, message):
        _make(image)


if __name__ == '__main__':
  tf.test.main()
