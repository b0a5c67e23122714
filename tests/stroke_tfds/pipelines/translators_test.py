import numpy as np
import tensorflow as tf

from stroke_tfds import pipelines
from tests.stroke_tfds.pipelines.cohort import CLASSES, BatchesTestCase, class_ids, take


class SlicesTest(BatchesTestCase):
  def test_pairs_are_axial_slices_with_the_lesion_as_label_28(self):
    example = next(iter(pipelines.examples(self.open('train')).as_numpy_iterator()))
    labels, image = next(iter(pipelines.slice_pairs(self.open('train')).as_numpy_iterator()))
    self.assertEqual(labels.shape, (8, 32, 32))
    for z in range(8):
      expected = np.where(example['lesion'][:, :, z] == 1, 28, example['labels'][:, :, z])
      self.assertAllEqual(labels[z], expected)
      self.assertAllEqual(image[z], example['image'][:, :, z])

  def test_batches_hold_every_slice_once_an_epoch_scaled_to_minus_one_to_one(self):
    batches = take(pipelines.paired_slices(self.open('train'), 8, seed=0), 4)
    images = np.concatenate([image for _, image in batches])
    expected = np.concatenate([e['image'].transpose(2, 0, 1, 3) for e in self.examples])
    self.assertAllClose(
      np.sort(images.sum((1, 2, 3))),
      np.sort((2 * expected.astype(np.float32) - 1).sum((1, 2, 3))),
      atol=0.01,
    )
    self.assertAllInRange(images, -1, 1)

  def test_a_later_start_gives_the_batches_that_would_have_come(self):
    whole = take(pipelines.paired_slices(self.open('train'), 3, seed=4), 25)
    late = take(pipelines.paired_slices(self.open('train'), 3, seed=4, start_step=20), 5)
    for (labels, image), (late_labels, late_image) in zip(whole[20:], late):
      self.assertAllEqual(labels, late_labels)
      self.assertAllEqual(image, late_image)

  def test_seed_changes_the_order(self):
    first = take(pipelines.paired_slices(self.open('train'), 8, seed=0), 1)[0][1]
    second = take(pipelines.paired_slices(self.open('train'), 8, seed=1), 1)[0][1]
    self.assertNotAllEqual(first, second)


class ClassesInThePlaceOfLabelsTest(BatchesTestCase):
  def test_in_slices_and_volumes_beside_their_images(self):
    expected = {e['image'].tobytes(): class_ids(e) for e in self.examples}
    sources = self.open('train')
    for ids, image in pipelines.volume_pairs(sources, classes=CLASSES).as_numpy_iterator():
      self.assertAllEqual(ids.transpose(2, 0, 1), expected[image.tobytes()])
      self.assertEqual(ids.dtype, np.uint8)
    self.assertContainsSubset({0, 1, 2, 3, 4}, np.unique(list(expected.values())))
    by_slice = {
      np.float32(e['image'][:, :, z]).tobytes(): class_ids(e)[z]
      for e in self.examples
      for z in range(8)
    }
    for ids, image in take(pipelines.paired_slices(sources, 4, classes=CLASSES, seed=0), 8):
      for one, shown in zip(ids, image):
        # Float16 and back: half the sum is exact.
        stored = np.float32(np.float16((shown + 1) / 2))
        self.assertAllEqual(one, by_slice[stored.tobytes()])

  def test_each_side_of_unpaired_slices_and_volumes(self):
    """Five classes: no label of 28."""
    sources, options = self.open('train'), {'classes': CLASSES, 'seed': 0}
    for batches in (pipelines.unpaired_slices, pipelines.paired_volumes):
      ids = np.concatenate([ids.ravel() for ids, _ in take(batches(sources, 4, **options), 8)])
      self.assertAllEqual(np.unique(ids), range(5))


class VolumesTest(BatchesTestCase):
  def test_batches_hold_every_volume_once_an_epoch_with_its_labels(self):
    batches = take(pipelines.paired_volumes(self.open('train'), 2, seed=0), 2)
    found = {labels.tobytes(): image for pair in batches for labels, image in zip(*pair)}
    self.assertLen(found, 4)
    for case in self.examples:
      labels = np.where(case['lesion'] == 1, 28, case['labels']).astype(np.uint8)
      self.assertAllClose(found[labels.tobytes()], 2 * case['image'].astype(np.float32) - 1)

  def test_a_later_start_gives_the_batches_that_would_have_come(self):
    whole = take(pipelines.paired_volumes(self.open('train'), 2, seed=4), 7)
    late = take(pipelines.paired_volumes(self.open('train'), 2, seed=4, start_step=5), 2)
    self.assertAllEqual([image for _, image in whole[5:]], [image for _, image in late])


class UnpairedSlicesTest(BatchesTestCase):
  def numbers(self, n, **options):
    """Which of the stored slices `n` batches hold: of the labels and of the images."""
    batches = take(pipelines.unpaired_slices(self.open('train'), 4, **{'seed': 0, **options}), n)
    stored = list(pipelines.slice_pairs(self.open('train')).unbatch().as_numpy_iterator())
    known_labels = {labels.tobytes(): i for i, (labels, _) in enumerate(stored)}
    known_images = {
      pipelines.to_signed(image).numpy().tobytes(): i for i, (_, image) in enumerate(stored)
    }
    self.assertLen(known_labels, 32)
    self.assertLen(known_images, 32)
    return (
      [known_labels[x.tobytes()] for labels, _ in batches for x in labels],
      [known_images[x.tobytes()] for _, images in batches for x in images],
    )

  def test_each_side_holds_every_slice_once_an_epoch(self):
    for side in self.numbers(16):
      self.assertEqual(sorted(side[:32]), list(range(32)))
      self.assertEqual(sorted(side[32:]), list(range(32)))

  def test_sides_are_drawn_independently(self):
    orders = []
    for seed in (0, 1, 2):
      labels, images = self.numbers(16, seed=seed)
      # 2 of 64 are expected to meet by chance; more than 9 in one of 30,000 draws.
      self.assertLess(sum(a == b for a, b in zip(labels, images)), 10)
      orders += [tuple(labels), tuple(images)]
    self.assertLen(set(orders), 6)

  def test_a_later_start_gives_the_batches_that_would_have_come(self):
    whole, late = self.numbers(13, seed=4), self.numbers(3, seed=4, start_step=10)
    for side, late_side in zip(whole, late):
      self.assertEqual(side[40:], late_side)

  def test_shapes_and_types(self):
    (labels, images), *_ = take(pipelines.unpaired_slices(self.open('train'), 4, seed=0), 1)
    self.assertEqual((labels.shape, labels.dtype), ((4, 32, 32), np.uint8))
    self.assertEqual((images.shape, images.dtype), ((4, 32, 32, 1), np.float32))


if __name__ == '__main__':
  tf.test.main()
