"""Batches from which joint generators learn: slices and their classes; how often patients have them."""

from collections.abc import Sequence

import gin
import numpy as np
import tensorflow as tf

from stroke_tfds.class_maps import ClassMap
from stroke_tfds.errors import InputError
from stroke_tfds.pipelines.batches import batched, mixed, shuffled
from stroke_tfds.pipelines.class_slices import class_slices, slice_facts
from stroke_tfds.pipelines.reading import Example, to_signed
from stroke_tfds.slice_example import CONDITIONS
from stroke_tfds.sources import Source

MIN_LESION_PIXELS = 8  # Of a slice that counts as one with a lesion.


@gin.register(module='stroke_tfds.pipelines')
def joint_slices(
  sources: Sequence[Source],
  batch_size: int,
  *,
  classes: ClassMap,
  conditions: Sequence[str] = (),
  lesion_share: float | None = None,
  min_lesion_pixels: int = MIN_LESION_PIXELS,
  softened: bool = True,
  seed: int,
  start_step: int = 0,
) -> tf.data.Dataset:
  """Endless batches of axial slices and their classes, each mirrored left to right at random.

  Slices without any label are left out.

  Args:
    sources: Data sets.
    batch_size: Slices in a batch.
    classes: Of the labels.
    conditions: Facts of each slice to give beside it: `level`, from -1 at the lowest slice's lower face
      to 1 at the highest's upper one, and `lesion`, 1 where it has one, else 0.
    lesion_share: Share of slices with a lesion in the batches; as in the sources, when None.
    min_lesion_pixels: Smaller lesions do not count as one.
    softened: Whether probabilities are blurred by [1, 2, 1] / 4 along either axis; else they are 0 or
      1, by which a discriminator tells them from generated ones at once.
    seed: Of order and mirroring.
    start_step: How many batches to pass over.

  Yields:
    (image float32 [n, X, Y, C] in [-1, 1], probability float32 [n, X, Y, K]), and where there are
    conditions, those float32 [n, k].

  Raises:
    InputError: An unknown condition, a share that is none, or one of slices that there are not.
  """
  if set(conditions) - set(CONDITIONS):
    raise InputError(f'conditions {list(conditions)}, expected some of {list(CONDITIONS)}')
  if lesion_share is not None and not 0 <= lesion_share <= 1:
    raise InputError(f'lesion_share is {lesion_share}, expected a number from 0 to 1')

  def transform(ids: tf.Tensor, image: tf.Tensor, facts: Example, seed: tf.Tensor):
    flipped = tf.random.stateless_uniform([], seed) < 0.5
    image, ids = (tf.cond(flipped, lambda x=x: x[::-1], lambda x=x: x) for x in (image, ids))
    probability = tf.one_hot(ids, len(classes.names))
    pair = to_signed(image), _soften(probability) if softened else probability
    return (*pair, tf.stack([facts[name] for name in conditions])) if conditions else pair

  slices = class_slices(sources, classes, min_lesion_pixels)
  if lesion_share is None:
    stream = shuffled(slices, seed)
  else:
    has_lesion = lambda ids, image, facts: facts['lesion'] > 0
    parts = [slices.filter(has_lesion), slices.filter(lambda *slice_: ~has_lesion(*slice_))]
    for part, share, kind in zip(parts, (lesion_share, 1 - lesion_share), ('with', 'without')):
      if share and not _has_any(part):
        raise InputError(
          f'lesion_share is {lesion_share}, but {", ".join(map(str, sources))} has no slice {kind} a '
          f'lesion of {min_lesion_pixels} pixels or more'
        )
    stream = mixed(parts, [lesion_share, 1 - lesion_share], seed)
  return batched(stream, batch_size, seed=seed, start_step=start_step, transform=transform)


def slice_shares(
  sources: Sequence[Source], classes: ClassMap, min_lesion_pixels: int = MIN_LESION_PIXELS
) -> dict[str, tuple[float, ...]]:
  """How often real patients have each axial slice, from the lowest, and a lesion in it.

  Returns:
    `slice_shares`, of the patients, with a label there, and `lesion_shares`, of these slices, with a
    lesion of at least `min_lesion_pixels` (0 where there are none); Z numbers each, to six digits.
  """
  counts = np.zeros([2, sources[0].grid.shape[2]])
  for source in sources:
    for example in source.examples(['labels', 'lesion']):
      facts = slice_facts(classes.classes(example), example, classes, min_lesion_pixels)
      has_brain = ~facts['is_empty'].numpy()
      counts += has_brain, has_brain * facts['lesion'].numpy()
  shares = {
    'slice_shares': counts[0] / sum(source.n_examples for source in sources),
    'lesion_shares': counts[1] / np.maximum(counts[0], 1),
  }
  return {name: tuple(values.round(6).tolist()) for name, values in shares.items()}


def _soften(probability: tf.Tensor) -> tf.Tensor:
  """A binomial blur of 3x3 pixels, [X, Y, K]; the sum over classes stays 1."""
  for axis in (0, 1):
    padding = [[1, 1] if i == axis else [0, 0] for i in range(3)]
    padded = tf.pad(probability, padding, 'SYMMETRIC')
    n = probability.shape[axis]
    before, same, after = (tf.gather(padded, tf.range(i, i + n), axis=axis) for i in range(3))
    probability = (before + 2 * same + after) / 4
  return probability


def _has_any(slices: tf.data.Dataset) -> bool:
  with tf.init_scope():  # Also where a graph makes the data set.
    return bool(slices.take(1).reduce(0, lambda n, *slice_: n + 1).numpy())
