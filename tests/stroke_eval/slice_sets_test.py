import types

import numpy as np
import tensorflow as tf

from stroke_eval import slice_sets
from stroke_eval.slice_sets import SliceClasses, joined, read_slices
from stroke_tfds import pipelines
from stroke_tfds.class_maps import ClassMap

_SCHEME = {
  'name': 'toy',
  'names': ['background', 'white matter', 'ventricle', 'putamen'],
  'parenchyma_ids': [1, 3],
}


class ReadSlicesTest(tf.test.TestCase):
  def setUp(self):
    super().setUp()
    self.map = ClassMap.from_scheme(_SCHEME)

  def _source(self, n: int):
    """Patients of 4 x 2 x 3: no label in the lowest slice, a lesion of 8 pixels in the highest."""
    labels = np.zeros([n, 4, 2, 3], np.uint8)
    labels[..., 1], labels[..., 2] = 2, 3
    lesion = np.zeros_like(labels)
    lesion[..., 2] = 1
    image = np.zeros([n, 4, 2, 3, 2], np.float32)
    image[..., 1, 0], image[..., 1] = 0.25, 0.75
    names = np.array([f'patient {i}' for i in range(n)])
    values = {'labels': labels, 'lesion': lesion, 'image': image, 'subject_id': names}
    data = tf.data.Dataset.from_tensor_slices(values)
    metadata = {'label_scheme': _SCHEME, 'contrasts': ['DWI', 'ADC']}
    return types.SimpleNamespace(metadata=metadata, examples=lambda features: data)

  def test_by_hand(self):
    both = joined(list(read_slices(self._source(2), self.map)))
    self.assertLen(both, 4)
    self.assertEqual(both.numbers.tolist(), [1, 2, 1, 2])
    self.assertEqual(both.subject_ids.tolist(), ['patient 0'] * 2 + ['patient 1'] * 2)
    self.assertEqual(both.ids[:, 3, 1].tolist(), [3, 4, 3, 4])  # CSF, lesion.
    self.assertAllClose(both.image[:2, 0, 0], [[0.25, 0.75], [0, 0.75]])
    self.assertEqual(both.has_lesion.tolist(), [False, True] * 2)
    self.assertEqual(both.take([3, 0]).numbers.tolist(), [2, 1])

  def test_the_first_contrasts_or_none(self):
    for n, names in ((1, ('DWI',)), (0, ())):
      found = next(read_slices(self._source(1), self.map, n))
      self.assertEqual((found.contrasts, found.image.shape), (names, (2, 4, 2, n)))

  def test_classes(self):
    classes = SliceClasses.of(self.map, _SCHEME)
    self.assertEqual(classes.parenchyma, (1, 2))  # White and grey matter, no CSF.
    self.assertEqual(classes.tissues, {1: 'white matter', 2: 'grey matter', 3: 'CSF'})
    self.assertEqual(classes.lesions, {4: 'lesion'})
    bare = SliceClasses.of(ClassMap.from_scheme(_SCHEME, {}), _SCHEME)
    self.assertEqual((bare.parenchyma, bare.tissues), ((), {}))

  def test_halves_are_of_patients(self):
    subjects = np.repeat(['a', 'b', 'c', 'd', 'e'], 3)
    splits = slice_sets.patient_halves(subjects, seed=0)
    for first, second in splits:
      self.assertEqual((len(set(subjects[first])), len(set(subjects[second]))), (2, 3))
      self.assertTrue((first ^ second).all())
    self.assertGreater(len({tuple(first) for first, _ in splits}), 3)
    with self.assertRaisesRegex(ValueError, 'of 1 patient, expected two'):
      slice_sets.patient_halves(subjects[:3], seed=0)

  def test_a_lesion_is_as_large_as_in_training(self):
    self.assertEqual(slice_sets.MIN_PIXELS, pipelines.MIN_LESION_PIXELS)


if __name__ == '__main__':
  tf.test.main()
