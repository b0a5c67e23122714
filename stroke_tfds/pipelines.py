"""From prepared data sets to what a model trains on: masks, slices and volumes."""

import dataclasses
import hashlib
import re
from collections.abc import Callable, Sequence
from typing import Any

import gin
import tensorflow as tf
import tensorflow_datasets as tfds
from absl import logging

from stroke_tfds.errors import InputError
from stroke_tfds.imaging.grid import Grid

_SOURCE = re.compile(r'^(?P<name>[\w./@+-]+):(?P<split>[\w\[\]:%+-]+)$')
_Example = dict[str, tf.Tensor]


@dataclasses.dataclass(frozen=True)
class Source:
  """A split of a data set.

  Attributes:
    name: TFDS name with its config, such as `phantom_stroke/mini`.
    split: TFDS split, such as `train` or `train[:12]`.
    builder: The prepared data set.
  """

  name: str
  split: str
  builder: tfds.core.DatasetBuilder

  def __str__(self) -> str:
    return f'{self.name}:{self.split}'

  @property
  def metadata(self) -> dict[str, Any]:
    return self.builder.info.metadata

  @property
  def grid(self) -> Grid:
    return Grid.from_json(self.metadata['grid'])

  @property
  def n_examples(self) -> int:
    return self.builder.info.splits[self.split].num_examples

  def examples(self, features: Sequence[str] = ()) -> tf.data.Dataset:
    """All examples in the order in which they are stored; with names, these features alone."""
    wanted = tfds.decode.PartialDecoding(dict.fromkeys(features, True)) if features else None
    config = tfds.ReadConfig(interleave_cycle_length=1)
    # Machines that train together share each batch; by files, some would have nothing to share.
    config.options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
    return self.builder.as_dataset(
      split=self.split, read_config=config, shuffle_files=False, decoders=wanted
    )


def open_sources(
  texts: Sequence[str], data_dir: str | None = None, *, build: bool = True
) -> list[Source]:
  """Opens `name/config:split` texts.

  Args:
    texts: Such as `['phantom_stroke/mini:healthy', 'phantom_stroke/mini:train[:12]']`.
    data_dir: Where TFDS keeps its sets; its own default when None.
    build: Whether a set that is not built yet is built, or refused.

  Raises:
    InputError: A text of another form, a set or split that does not exist, sets of different grids or
      label schemes.
  """
  if not texts:
    raise InputError('no data set is named, expected texts such as "phantom_stroke/mini:train"')
  sources = [_open_source(text, data_dir, build) for text in texts]
  first = sources[0]
  for other in sources[1:]:
    for key in ('grid', 'label_scheme', 'contrasts'):
      if other.metadata[key] != first.metadata[key]:
        raise InputError(
          f'{other.name} has the {key} {other.metadata[key]}, but {first.name} has '
          f'{first.metadata[key]}: sets used together must agree'
        )
  return sources


def open_builder(
  name: str, data_dir: str | None = None, *, build: bool = True
) -> tfds.core.DatasetBuilder:
  """Opens a data set by its TFDS name; one that is not prepared is built, or refused.

  Raises:
    InputError: No data set of that name, or one that does not follow the example contract.
  """
  builder = find_builder(name, data_dir)
  if not builder.is_prepared() and not build:
    raise InputError(
      f'data set {name!r} is not built in {builder.data_dir}; first give: tfds build --imports '
      f'stroke_tfds {name} --data_dir {builder.data_dir_root}'
    )
  if not builder.is_prepared():
    logging.info('%s is not in %s: building it', name, builder.data_dir)
    builder.download_and_prepare()
  return builder


def find_builder(name: str, data_dir: str | None = None) -> tfds.core.DatasetBuilder:
  """Finds a data set, built or not; its metadata are those of the example contract.

  Raises:
    InputError: No data set of that name, or one that does not follow the example contract.
  """
  try:
    builder = tfds.builder(name, data_dir=data_dir)
  except (tfds.core.registered.DatasetNotFoundError, ValueError) as error:
    if isinstance(error, InputError):
      raise
    raise InputError(
      f'data set {name!r} does not exist{f" in {data_dir}" if data_dir else ""}: expected the name '
      'of a built set or of one that can be built, such as "phantom_stroke/mini"'
    ) from error
  missing = {'grid', 'label_scheme', 'contrasts', 'fingerprint'} - set(builder.info.metadata or ())
  if missing:
    raise InputError(f'data set {name!r} has no {sorted(missing)} in its metadata: not a stroke set')
  return builder


def _open_source(text: str, data_dir: str | None, build: bool) -> Source:
  match = _SOURCE.match(text)
  if not match:
    raise InputError(f'data source {text!r}: expected "name/config:split"')
  builder = open_builder(match['name'], data_dir, build=build)
  try:
    n_examples = builder.info.splits[match['split']].num_examples
  except (ValueError, KeyError, AssertionError) as error:
    raise InputError(
      f'data source {text!r}: no such split, {match["name"]} has {sorted(builder.info.splits)}'
    ) from error
  if not n_examples:
    raise InputError(f'data source {text!r} holds no example, expected at least one')
  return Source(match['name'], match['split'], builder)


def fingerprint(sources: Sequence[Source]) -> str:
  """Names exactly these splits of exactly these data."""
  text = ' '.join(f'{source}@{source.metadata["fingerprint"]}' for source in sources)
  return hashlib.sha256(text.encode()).hexdigest()[:12]


def examples(sources: Sequence[Source]) -> tf.data.Dataset:
  """The examples of all sources, one after another, in a fixed order."""
  dataset = sources[0].examples()
  for source in sources[1:]:
    dataset = dataset.concatenate(source.examples())
  return dataset


def segmentation(example: _Example, lesion_id: int) -> tf.Tensor:
  """The label map with the lesion as an id of its own, uint8 [X, Y, Z]."""
  return tf.where(example['lesion'] > 0, tf.cast(lesion_id, tf.uint8), example['labels'])


def lesion_masks(
  sources: Sequence[Source], batch_size: int, *, min_voxels: int, seed: int, start_step: int = 0
) -> tf.data.Dataset:
  """Endless batches of lesion masks, float32 [n, X, Y, Z], each mirrored left to right at random.

  Masks of fewer than `min_voxels` voxels are left out.
  """

  def mirror(mask: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    mask = tf.cast(mask, tf.float32)
    return tf.cond(tf.random.stateless_uniform([], seed) < 0.5, lambda: mask[::-1], lambda: mask)

  masks = examples(sources).map(lambda example: example['lesion'])
  masks = masks.filter(lambda mask: _n_voxels(mask) >= min_voxels)
  return endless(masks, batch_size, seed=seed, start_step=start_step, transform=mirror)


@gin.register
def paired_slices(
  sources: Sequence[Source], batch_size: int, *, seed: int, start_step: int = 0
) -> tf.data.Dataset:
  """Endless batches of axial slices for a translator.

  Yields:
    (segmentation uint8 [n, X, Y] with the lesion as its own id, image float32 [n, X, Y, C] in [-1, 1]).
  """
  slices = slice_pairs(sources).unbatch()
  transform = lambda labels, image, seed: (labels, to_signed(image))
  return endless(slices, batch_size, seed=seed, start_step=start_step, transform=transform)


@gin.register
def unpaired_slices(
  sources: Sequence[Source], batch_size: int, *, seed: int, start_step: int = 0
) -> tf.data.Dataset:
  """Endless batches as of `paired_slices`, but labels and images are drawn independently.

  Each side comes in an order of its own, in which every slice comes up once an epoch.
  """
  slices = slice_pairs(sources).unbatch()
  # Only what a side yields is kept in memory.
  labels, images = slices.map(lambda labels, image: labels), slices.map(lambda labels, image: image)
  keep, scale = (lambda labels, seed: labels), (lambda image, seed: to_signed(image))
  # Two seeds for each: otherwise the labels of one training come as the images of the next.
  labels = endless(labels, batch_size, seed=2 * seed, start_step=start_step, transform=keep)
  images = endless(images, batch_size, seed=2 * seed + 1, start_step=start_step, transform=scale)
  return tf.data.Dataset.zip((labels, images))


def slice_pairs(sources: Sequence[Source]) -> tf.data.Dataset:
  """Volumes as slices: (segmentation uint8 [Z, X, Y], image float16 [Z, X, Y, C] in [0, 1])."""
  lesion_id = sources[0].metadata['label_scheme']['lesion_id']
  return examples(sources).map(
    lambda example: (
      tf.transpose(segmentation(example, lesion_id), [2, 0, 1]),
      tf.transpose(example['image'], [2, 0, 1, 3]),
    )
  )


def training_volumes(
  sources: Sequence[Source],
  batch_size: int,
  *,
  min_voxels: int,
  seed: int,
  start_step: int = 0,
  augment: Callable[[tf.Tensor, tf.Tensor, tf.Tensor], tuple[tf.Tensor, tf.Tensor]],
) -> tf.data.Dataset:
  """Endless batches for the segmenter: (image float32 [n, X, Y, Z, C], lesion float32 [n, X, Y, Z]).

  Args:
    sources: Data sets.
    batch_size: Volumes in a batch.
    min_voxels: Volumes with a smaller lesion are left out (20 in the paper, in training only).
    seed: Of order and augmentation.
    start_step: How many batches to pass over.
    augment: (image, lesion, seed) -> (image, lesion).
  """

  def transform(image: tf.Tensor, lesion: tf.Tensor, seed: tf.Tensor):
    return augment(tf.cast(image, tf.float32), tf.cast(lesion, tf.float32), seed)

  volumes = examples(sources).filter(lambda example: _n_voxels(example['lesion']) >= min_voxels)
  volumes = volumes.map(lambda example: (example['image'], example['lesion']))
  return endless(volumes, batch_size, seed=seed, start_step=start_step, transform=transform)


def endless(
  dataset: tf.data.Dataset,
  batch_size: int,
  *,
  seed: int,
  start_step: int,
  transform: Callable[..., Any],
) -> tf.data.Dataset:
  """Keeps examples in memory and yields shuffled, transformed batches without end.

  The same seed gives the same batches, also when a resumed run starts at a later step: order and
  random numbers depend on the seed and the example's position alone.
  """
  n_shuffled = 4096

  def numbered(index: tf.Tensor, elements: Any) -> Any:
    elements = elements if isinstance(elements, tuple) else (elements,)
    return transform(*elements, tf.stack([tf.constant(seed, tf.int64), index]))

  dataset = dataset.cache().shuffle(n_shuffled, seed=seed, reshuffle_each_iteration=True).repeat()
  dataset = dataset.enumerate().skip(start_step * batch_size)
  dataset = dataset.map(numbered, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
  return dataset.batch(batch_size, drop_remainder=True).prefetch(2)


def to_signed(image: tf.Tensor) -> tf.Tensor:
  """Intensities in [0, 1] to the translators' [-1, 1], float32."""
  return tf.cast(image, tf.float32) * 2 - 1


def _n_voxels(mask: tf.Tensor) -> tf.Tensor:
  return tf.reduce_sum(tf.cast(mask, tf.int32))
