import functools
import itertools
from pathlib import Path

import gin
import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from stroke_tfds import pipelines
from stroke_tfds.class_maps import ClassMap
from stroke_tfds.errors import InputError
from stroke_tfds.label_schemes import ASEG28
from stroke_tfds.sources import Source, open_sources
from stroke_tfds.synthetic_slices import SyntheticSlicesConfig
from tests import tiny


def _take(dataset: tf.data.Dataset, n: int) -> list:
  return list(itertools.islice(dataset.as_numpy_iterator(), n))


@functools.cache
def _shared() -> tuple[str, str, list[dict]]:
  """A data folder, the name of a cohort in it and its training examples."""
  data_dir = tfds.testing.make_tmp_dir()
  name = tiny.build_phantom(data_dir)
  return data_dir, name, list(tfds.as_numpy(tfds.load(name, split='train', data_dir=data_dir)))


class PipelinesTest(tf.test.TestCase):
  def setUp(self):
    super().setUp()
    self.data_dir, self.name, self.examples = _shared()

  def open(self, *splits: str) -> list[Source]:
    return open_sources([f'{self.name}:{split}' for split in splits], self.data_dir)


class ExamplesTest(PipelinesTest):
  def test_examples_come_in_one_order_source_by_source(self):
    sources = self.open('healthy', 'train[:2]')
    self.assertEqual([source.n_examples for source in sources], [4, 2])
    subjects = [e['subject_id'].decode() for e in pipelines.examples(sources).as_numpy_iterator()]
    self.assertEqual([s.split('-')[1] for s in subjects], ['healthy'] * 4 + ['train'] * 2)
    again = [e['subject_id'].decode() for e in pipelines.examples(sources).as_numpy_iterator()]
    self.assertEqual(subjects, again)


class SlicesTest(PipelinesTest):
  def test_pairs_are_axial_slices_with_the_lesion_as_label_28(self):
    example = next(iter(pipelines.examples(self.open('train')).as_numpy_iterator()))
    labels, image = next(iter(pipelines.slice_pairs(self.open('train')).as_numpy_iterator()))
    self.assertEqual(labels.shape, (8, 32, 32))
    for z in range(8):
      expected = np.where(example['lesion'][:, :, z] == 1, 28, example['labels'][:, :, z])
      self.assertAllEqual(labels[z], expected)
      self.assertAllEqual(image[z], example['image'][:, :, z])

  def test_batches_hold_every_slice_once_an_epoch_scaled_to_minus_one_to_one(self):
    batches = _take(pipelines.paired_slices(self.open('train'), 8, seed=0), 4)
    images = np.concatenate([image for _, image in batches])
    expected = np.concatenate([e['image'].transpose(2, 0, 1, 3) for e in self.examples])
    self.assertAllClose(
      np.sort(images.sum((1, 2, 3))),
      np.sort((2 * expected.astype(np.float32) - 1).sum((1, 2, 3))),
      atol=0.01,
    )
    self.assertAllInRange(images, -1, 1)

  def test_a_later_start_gives_the_batches_that_would_have_come(self):
    whole = _take(pipelines.paired_slices(self.open('train'), 3, seed=4), 25)
    late = _take(pipelines.paired_slices(self.open('train'), 3, seed=4, start_step=20), 5)
    for (labels, image), (late_labels, late_image) in zip(whole[20:], late):
      self.assertAllEqual(labels, late_labels)
      self.assertAllEqual(image, late_image)

  def test_seed_changes_the_order(self):
    first = _take(pipelines.paired_slices(self.open('train'), 8, seed=0), 1)[0][1]
    second = _take(pipelines.paired_slices(self.open('train'), 8, seed=1), 1)[0][1]
    self.assertNotAllEqual(first, second)


_CLASSES = ClassMap.from_scheme(ASEG28.to_json())


def _class_ids(example: dict) -> np.ndarray:
  """[Z, X, Y]."""
  return _CLASSES.classes(example).numpy().transpose(2, 0, 1)


class ClassesInThePlaceOfLabelsTest(PipelinesTest):
  def test_in_slices_and_volumes_beside_their_images(self):
    expected = {e['image'].tobytes(): _class_ids(e) for e in self.examples}
    sources = self.open('train')
    for ids, image in pipelines.volume_pairs(sources, classes=_CLASSES).as_numpy_iterator():
      self.assertAllEqual(ids.transpose(2, 0, 1), expected[image.tobytes()])
      self.assertEqual(ids.dtype, np.uint8)
    self.assertContainsSubset({0, 1, 2, 3, 4}, np.unique(list(expected.values())))
    by_slice = {
      np.float32(e['image'][:, :, z]).tobytes(): _class_ids(e)[z]
      for e in self.examples
      for z in range(8)
    }
    for ids, image in _take(pipelines.paired_slices(sources, 4, classes=_CLASSES, seed=0), 8):
      for one, shown in zip(ids, image):
        # Float16 and back: half the sum is exact.
        stored = np.float32(np.float16((shown + 1) / 2))
        self.assertAllEqual(one, by_slice[stored.tobytes()])

  def test_each_side_of_unpaired_slices_and_volumes(self):
    """Five classes: no label of 28."""
    sources, options = self.open('train'), {'classes': _CLASSES, 'seed': 0}
    for batches in (pipelines.unpaired_slices, pipelines.paired_volumes):
      ids = np.concatenate([ids.ravel() for ids, _ in _take(batches(sources, 4, **options), 8)])
      self.assertAllEqual(np.unique(ids), range(5))


class JointSlicesTest(PipelinesTest):
  def take(self, n: int, **options) -> list:
    options = {'classes': _CLASSES, 'seed': 0, **options}
    return _take(pipelines.joint_slices(self.open('train'), 4, **options), n)

  def test_every_slice_with_labels_once_an_epoch_beside_its_classes(self):
    expected = {}
    for example in self.examples:
      for z, ids in enumerate(_class_ids(example)):
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
    soft = pipelines._soften(tf.one_hot([[1, 0, 0], [0, 0, 0], [0, 0, 0]], 2))
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
      shares = pipelines.slice_shares(self.open('train'), _CLASSES, **options)
      lesions = (has_brain & (pixels >= least)).sum(0) / np.maximum(has_brain.sum(0), 1)
      self.assertAllClose(shares['slice_shares'], has_brain.mean(0), atol=1e-6)
      self.assertAllClose(shares['lesion_shares'], lesions, atol=1e-6)
      self.assertGreater(max(shares['lesion_shares']), 0)

  def test_small_lesions_do_not_count(self):
    *_, condition = self.take(1, conditions=('lesion',), lesion_share=0.5, min_lesion_pixels=1000)[0]
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


class VolumesTest(PipelinesTest):
  def test_batches_hold_every_volume_once_an_epoch_with_its_labels(self):
    batches = _take(pipelines.paired_volumes(self.open('train'), 2, seed=0), 2)
    found = {labels.tobytes(): image for pair in batches for labels, image in zip(*pair)}
    self.assertLen(found, 4)
    for case in self.examples:
      labels = np.where(case['lesion'] == 1, 28, case['labels']).astype(np.uint8)
      self.assertAllClose(found[labels.tobytes()], 2 * case['image'].astype(np.float32) - 1)

  def test_a_later_start_gives_the_batches_that_would_have_come(self):
    whole = _take(pipelines.paired_volumes(self.open('train'), 2, seed=4), 7)
    late = _take(pipelines.paired_volumes(self.open('train'), 2, seed=4, start_step=5), 2)
    self.assertAllEqual([image for _, image in whole[5:]], [image for _, image in late])


class UnpairedSlicesTest(PipelinesTest):
  def numbers(self, n, **options):
    """Which of the stored slices `n` batches hold: of the labels and of the images."""
    batches = _take(pipelines.unpaired_slices(self.open('train'), 4, **{'seed': 0, **options}), n)
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
    (labels, images), *_ = _take(pipelines.unpaired_slices(self.open('train'), 4, seed=0), 1)
    self.assertEqual((labels.shape, labels.dtype), ((4, 32, 32), np.uint8))
    self.assertEqual((images.shape, images.dtype), ((4, 32, 32, 1), np.float32))


class LesionMasksTest(PipelinesTest):
  def test_masks_are_mirrored_at_random_and_small_ones_left_out(self):
    volumes = sorted(int(e['lesion'].sum()) for e in self.examples)
    least = volumes[1]
    masks = np.concatenate(
      _take(pipelines.lesion_masks(self.open('train'), 3, min_voxels=least, seed=0), 8)
    )
    self.assertEqual(set(masks.sum((1, 2, 3)).astype(int)), {v for v in volumes if v >= least})
    originals = [e['lesion'] for e in self.examples]
    as_is = sum(any(np.array_equal(m, o) for o in originals) for m in masks)
    mirrored = sum(any(np.array_equal(m, o[::-1]) for o in originals) for m in masks)
    self.assertEqual(as_is + mirrored, 24)
    self.assertBetween(as_is, 5, 19)


class WeightsTest(PipelinesTest):
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
    images = [image for batch, _ in _take(batches, n) for image in batch]
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


class StreamedTest(PipelinesTest):
  def test_batches_are_those_of_memory_also_from_a_later_start(self):
    sources = self.open('train', 'healthy')
    augment = lambda image, lesion, seed: (image + tf.random.stateless_uniform([], seed), lesion)
    options = {'min_voxels': 1, 'seed': 3, 'augment': augment}
    make = {
      'volumes': lambda **start: pipelines.paired_volumes(sources, 3, seed=3, **start),
      'mixed': lambda **start: pipelines.training_volumes(
        [sources[0], sources[0]], 3, weights=[1, 3], **options, **start
      ),
    }
    for name, batches in make.items():
      expected = _take(batches(), 8)
      with gin.unlock_config():
        gin.bind_parameter('kept_examples.share', 0.0)
      try:
        for start in (0, 5):
          with self.subTest(name, start=start):
            found = _take(batches(start_step=start), 8 - start)
            self.assertAllEqual([x[0] for x in found], [x[0] for x in expected[start:]])
      finally:
        gin.clear_config()


class TrainingVolumesTest(PipelinesTest):
  def test_each_example_gets_its_own_seed_and_resumes_with_it(self):
    seeds = lambda image, lesion, seed: (tf.cast(seed, tf.float32), tf.reduce_sum(lesion))
    batches = lambda n, **options: _take(
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

  def test_twenty_voxel_rule_leaves_small_lesions_out_of_training(self):
    least = max(int(e['lesion'].sum()) for e in self.examples)
    keep = lambda image, lesion, seed: (image, lesion)
    (_, lesion), *_ = _take(
      pipelines.training_volumes(self.open('train'), 1, min_voxels=least, seed=0, augment=keep), 1
    )
    self.assertEqual(lesion.sum(), least)


class TrainingSlicesTest(PipelinesTest):
  """Slices of patients and generated ones, as one stream."""

  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    data_dir, name, _ = _shared()
    metadata = tfds.builder(name, data_dir=data_dir).info.metadata
    folder = Path(data_dir) / 'joint'
    toy = {'intensity_scaling': metadata['intensity_scaling'], 'lesion_shares': [1.0] * 8}
    tiny.save_toy_joint(folder, metadata, n_contrasts=1, contrasts=metadata['contrasts'], **toy)
    fields = {'joint_generator': str(folder), 'num_slices': 10, 'seed': 0}
    config = SyntheticSlicesConfig(**fields).resolve()
    tfds.builder('synthetic_slices', config=config, data_dir=data_dir).download_and_prepare()
    cls.generated = f'synthetic_slices/{config.name}:train'

  def take(self, sources: list[Source], batch_size: int, n: int, **options) -> list:
    keep = lambda image, classes, seed: (image, classes)
    options = {'seed': 0, 'augment': keep, **options}
    return _take(pipelines.training_slices(sources, batch_size, **options), n)

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
