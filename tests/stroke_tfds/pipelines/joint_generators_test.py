import numpy as np
import tensorflow as tf

from stroke_tfds import pipelines
from stroke_tfds.errors import InputError
from stroke_tfds.pipelines import joint_generators
from tests.stroke_tfds.pipelines.cohort import CLASSES, BatchesTestCase, class_ids, take


class JointSlicesTest(BatchesTestCase):
  def take(self, n: int, **options) -> list:
    options = {'classes': CLASSES, 'seed': 0, **options}
    return take(pipelines.joint_slices(self.open('train'), 4, **options), n)

  def test_every_slice_with_labels_once_an_epoch_beside_its_classes(self):
    expected = {}
    for example in self.examples:
      for z, ids in enumerate(class_ids(example)):
        if example['labels'][:, :, z].any():
          image = 2 * example['image'][:, :, z].astype(np.float32) - 1
          for side in (slice(None), slice(None, None, -1)):
            expected[image[side].tobytes()] = ids[side]
    n = len(expected) // 2
    batches = self.take(n // 4, softened=False)
    images, probabilities = (np.concatenate(part) for part in zip(*batches))
    self.assertEqual((images.shape, probabilities.shape), ((n, 32, 32, 1), (n, 32, 32, 5)))
    self.assertLen({min(x.tobytes(), x[::-1].tobytes()) for x in images}, n)
    for image, probability in zip(images, probabilities):
      self.assertAllEqual(probability, np.eye(5)[expected[image.tobytes()]])

  def test_softened_by_hand(self):
    soft = joint_generators._soften(tf.one_hot([[1, 0, 0], [0, 0, 0], [0, 0, 0]], 2))
    # At the edge a pixel counts again: (1 + 2) / 4 along either axis.
    self.assertAllClose(soft[..., 1], np.outer([3, 1, 0], [3, 1, 0]) / 16)
    self.assertAllClose(tf.reduce_sum(soft, -1), np.ones([3, 3]))

  def test_share_of_slices_with_a_lesion_and_their_facts(self):
    facts = {'conditions': ('level', 'lesion'), 'min_lesion_pixels': 1}
    for share, least, most in ((0.0, 0, 0), (0.5, 30, 70), (1.0, 100, 100)):
      batches = self.take(25, softened=False, lesion_share=share, **facts)
      _, probability, condition = (np.concatenate(part) for part in zip(*batches))
      has_lesion = probability[..., 4].any((1, 2))
      self.assertBetween(has_lesion.sum(), least, most)
      self.assertAllEqual(condition[:, 1], has_lesion)
      levels = (2 * np.arange(8) + 1) / 8 - 1
      self.assertContainsSubset(condition[:, 0].tolist(), levels.tolist())

  def test_how_often_patients_have_slices_and_lesions(self):
    cases = self.examples
    has_brain = np.array([case['labels'].any(axis=(0, 1)) for case in cases])
    pixels = np.array([case['lesion'].sum(axis=(0, 1)) for case in cases])
    for options, least in (({}, 8), ({'min_lesion_pixels': 2}, 2)):
      shares = pipelines.slice_shares(self.open('train'), CLASSES, **options)
      lesions = (has_brain & (pixels >= least)).sum(0) / np.maximum(has_brain.sum(0), 1)
      self.assertAllClose(shares['slice_shares'], has_brain.mean(0), atol=1e-6)
      self.assertAllClose(shares['lesion_shares'], lesions, atol=1e-6)
      self.assertGreater(max(shares['lesion_shares']), 0)

  def test_small_lesions_do_not_count(self):
    *_, condition = self.take(1, conditions=('lesion',), lesion_share=0.0, min_lesion_pixels=1000)[0]
    self.assertAllEqual(condition, np.zeros([4, 1]))

  def test_a_later_start_gives_the_batches_that_would_have_come(self):
    options = {'lesion_share': 0.5, 'seed': 4, 'min_lesion_pixels': 1}
    whole, late = self.take(12, **options), self.take(2, start_step=10, **options)
    for one, other in zip(whole[10:], late):
      for a, b in zip(one, other):
        self.assertAllEqual(a, b)

  def test_refused(self):
    with self.assertRaisesRegex(InputError, r"conditions \['age'\]"):
      self.take(1, conditions=['age'])
    with self.assertRaisesRegex(InputError, 'lesion_share is 1.5'):
      self.take(1, lesion_share=1.5)
    for share in (0.5, 1.0):
      message = (
        f'lesion_share is {share}, but .*:train has no slice with a lesion of 1000 pixels or more$'
      )
      with self.assertRaisesRegex(InputError, message):
        self.take(1, lesion_share=share, min_lesion_pixels=1000)


if __name__ == '__main__':
  tf.test.main()
