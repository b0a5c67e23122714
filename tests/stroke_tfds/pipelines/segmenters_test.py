from pathlib import Path

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from stroke_tfds import pipelines
from stroke_tfds.errors import InputError
from stroke_tfds.sources import Source, open_sources
from stroke_tfds.synthetic_slices import SyntheticSlicesConfig
from tests import tiny
from tests.stroke_tfds.pipelines.cohort import BatchesTestCase, shared_cohort, take


class WeightsTest(BatchesTestCase):
  """Volumes of the split train, and those of train again as another source, told apart by weights."""

  def shares(self, weights, n=40, **options):
    """Share of the first source among 5 * n volumes; the first holds one case, the second two."""
    first, second = self.open('train[:1]', 'train[2:4]')
    known = self.examples[0]['image'].astype(np.float32)
    batches = pipelines.training_volumes(
      [first, second],
      5,
      min_voxels=1,
      seed=0,
      weights=weights,
      augment=lambda image, lesion, seed: (image, lesion),
      **options,
    )
    images = [image for batch, _ in take(batches, n) for image in batch]
    return [np.array_equal(image, known) for image in images]

  def test_weights_decide_how_often_a_source_is_drawn(self):
    # 200 draws: an sd of .031 at .75, of .021 at .1.
    self.assertNear(np.mean(self.shares((3, 1))), 0.75, 0.1)
    self.assertNear(np.mean(self.shares((0.1, 0.9))), 0.1, 0.07)

  def test_without_weights_volumes_count_alike(self):
    self.assertEqual(sum(self.shares((), n=3)), 5)

  def test_a_later_start_gives_the_volumes_that_would_have_come(self):
    self.assertEqual(self.shares((1, 1))[50:], self.shares((1, 1), n=30, start_step=10))

  def test_refuses_weights_that_do_not_fit(self):
    for weights in ((1,), (1, 0), (1, 1, 1)):
      with self.assertRaisesRegex(InputError, r'expected a number above 0 for each of .*train\[:1\]'):
        self.shares(weights)


class TrainingVolumesTest(BatchesTestCase):
  def test_each_example_gets_its_own_seed_and_resumes_with_it(self):
    seeds = lambda image, lesion, seed: (tf.cast(seed, tf.float32), tf.reduce_sum(lesion))
    batches = lambda n, **options: take(
      pipelines.training_volumes(self.open('train'), 2, min_voxels=1, seed=3, augment=seeds, **options),
      n,
    )
    whole = batches(6)
    drawn = np.concatenate([seed for seed, _ in whole])
    self.assertAllEqual(drawn[:, 1], np.arange(12))
    self.assertAllEqual(drawn[:, 0], np.full(12, 3))
    for (seed, volume), (late_seed, late_volume) in zip(whole[4:], batches(2, start_step=4)):
      self.assertAllEqual(seed, late_seed)
      self.assertAllEqual(volume, late_volume)

  def test_a_source_of_which_nothing_would_be_left_is_refused(self):
    most = max(int(example['lesion'].sum()) for example in self.examples)
    keep = lambda image, lesion, seed: (image, lesion)
    options = {'batch_size': 1, 'seed': 0, 'augment': keep, 'weights': [1, 1]}
    for splits, least in ((('train', 'healthy'), 1), (('train', 'train'), most + 1)):
      with self.assertRaisesRegex(
        InputError, f':{splits[1]} has no case with a lesion of {least} voxels or more'
      ):
        pipelines.training_volumes(self.open(*splits), min_voxels=least, **options)
    pipelines.training_volumes(self.open('train', 'train'), min_voxels=most, **options)
    # Of a draw, the drawn cases count.
    (drawn,) = self.open('train(1, seed=0)')
    (case,) = drawn.examples().as_numpy_iterator()
    voxels = int(case['lesion'].sum())
    self.assertLess(voxels, most)
    pipelines.training_volumes([drawn], min_voxels=voxels, **{**options, 'weights': [1]})
    with self.assertRaisesRegex(InputError, r'train\(1, seed=0\) has no case with a lesion of'):
      pipelines.training_volumes([drawn], min_voxels=voxels + 1, **{**options, 'weights': [1]})
    # Where all cases count, those without a lesion do.
    pipelines.training_volumes(self.open('healthy', 'train'), min_voxels=0, **options)

  def test_twenty_voxel_rule_leaves_small_lesions_out_of_training(self):
    least = max(int(e['lesion'].sum()) for e in self.examples)
    keep = lambda image, lesion, seed: (image, lesion)
    (_, lesion), *_ = take(
      pipelines.training_volumes(self.open('train'), 1, min_voxels=least, seed=0, augment=keep), 1
    )
    self.assertEqual(lesion.sum(), least)


class TrainingSlicesTest(BatchesTestCase):
  """Slices of patients and generated ones, as one stream."""

  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    data_dir, name, _ = shared_cohort()
    metadata = tfds.builder(name, data_dir=data_dir).info.metadata
    folder = Path(data_dir) / 'joint'
    toy = {'intensity_scaling': metadata['intensity_scaling'], 'lesion_shares': [1.0] * 8}
    tiny.save_toy_joint(folder, metadata, n_contrasts=1, contrasts=metadata['contrasts'], **toy)
    fields = {'joint_generator': str(folder), 'num_slices': 10, 'seed': 0, 'audit': False}
    config = SyntheticSlicesConfig(**fields).resolve()
    tfds.builder('synthetic_slices', config=config, data_dir=data_dir).download_and_prepare()
    cls.generated = f'synthetic_slices/{config.name}:train'

  def take(self, sources: list[Source], batch_size: int, n: int, **options) -> list:
    keep = lambda image, classes, seed: (image, classes)
    options = {'seed': 0, 'augment': keep, **options}
    return take(pipelines.training_slices(sources, batch_size, **options), n)

  def both(self) -> list[Source]:
    units = ('volumes', 'slices')
    return open_sources([f'{self.name}:train', self.generated], self.data_dir, units=units)

  def real(self) -> dict[bytes, np.ndarray]:
    """Lesion of each slice with labels, by its image."""
    return {
      case['image'][:, :, z].astype(np.float32).tobytes(): case['lesion'][:, :, z]
      for case in self.examples
      for z in range(8)
      if case['labels'][:, :, z].any()
    }

  def test_real_slices_come_once_an_epoch_with_their_lesions(self):
    expected = self.real()
    ((image, classes),) = self.take(self.open('train'), len(expected), 1)
    self.assertEqual({one.tobytes() for one in image}, set(expected))
    for one, ids in zip(image, classes):
      self.assertAllEqual(ids, expected[one.tobytes()])
    self.assertEqual((image.dtype, classes.dtype), (np.float32, np.uint8))

  def test_generated_slices_come_among_them(self):
    """The toy's lesion, the last of five classes, is the first of the lesions."""
    expected = self.real()
    ((image, classes),) = self.take(self.both(), len(expected) + 10, 1)
    square = np.zeros([32, 32])
    square[:4, :3] = 1
    drawn = [ids for one, ids in zip(image, classes) if one.tobytes() not in expected]
    self.assertAllEqual(drawn, [square] * 10)

  def test_weights_say_how_often(self):
    expected = self.real()
    ((image, _),) = self.take(self.both(), 400, 1, weights=(3, 1))
    share = np.mean([one.tobytes() in expected for one in image])
    self.assertAllClose(share, 0.75, atol=0.07)
    with self.assertRaisesRegex(InputError, r'weights \[1\], expected a number above 0 for each'):
      self.take(self.both(), 1, 1, weights=(1,))

  def test_a_later_start_gives_the_batches_that_would_have_come(self):
    seeds = lambda image, classes, seed: (seed, tf.reduce_sum(image))
    whole, late = (
      self.take(self.both(), 3, n, seed=4, augment=seeds, start_step=start)
      for n, start in ((6, 0), (2, 4))
    )
    for one, other in zip(whole[4:], late):
      for a, b in zip(one, other):
        self.assertAllEqual(a, b)

  def test_a_number_of_slices_is_drawn_by_the_seed(self):
    """Three of the patients', two of the generated ones."""
    seen = lambda n_slices, seed: {
      image.tobytes() for image in self.take(self.both(), 60, 1, n_slices=n_slices, seed=seed)[0][0]
    }
    few, more, other = seen((3, 2), 0), seen((4, 2), 0), seen((3, 2), 1)
    self.assertEqual((len(few), len(few & set(self.real()))), (5, 3))
    self.assertEqual((len(more), few < more), (6, True))
    self.assertNotEqual(few, other)
    for n_slices, message in (
      ((3, 11), 'n_slices is 11, but synthetic_slices/.* has 10 slices'),
      ((3, 0), r'n_slices \[3, 0\], expected a number above 0 for each'),
    ):
      with self.assertRaisesRegex(InputError, message):
        seen(n_slices, 0)

  def test_a_graph_draws_the_same_slices(self):
    """As where trainings on several devices make the data set anew."""
    keep = lambda image, classes, key: (image, classes)
    options = {'seed': 0, 'n_slices': (3, 2), 'augment': keep}
    make = lambda: pipelines.training_slices(self.both(), 6, **options).take(2)
    in_graph = tf.data.Dataset.range(1).flat_map(lambda _: make())
    for one, other in zip(make(), in_graph, strict=True):
      self.assertAllEqual(one[0], other[0])

  def test_units_are_not_mixed_where_volumes_are_expected(self):
    with self.assertRaisesRegex(InputError, 'holds slices, expected volumes'):
      open_sources([f'{self.name}:train', self.generated], self.data_dir)


if __name__ == '__main__':
  tf.test.main()
